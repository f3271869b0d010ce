"""The paper's claims, judged by rows: what does not hold says so, and what cannot be told stays open."""

import pytest

from hpcvox.reproduction.kajita.baselines import COULOMB, MEAN, SOAP, SOAP_THEN_COULOMB
from hpcvox.reproduction.kajita.claims import judged
from hpcvox.reproduction.kajita.fig3 import ACCURACY, ORIGINAL
from hpcvox.reproduction.kajita.fig4 import R3DVS
from hpcvox.reproduction.kajita.residuals import SOAP_THEN_R3DVS
from hpcvox.reproduction.summary import Row

HARTREE = "Hartree energy"


def row(quantity: str, method: str, *values: float, at: float = 100) -> Row:
    return Row(quantity=quantity, method=method, at=at, unit="eV", better="lower", values=list(values))


def verdicts(*rows: Row) -> list[bool | None]:
    return [claim.holds for claim in judged(rows)]


def test_without_values_all_claims_stay_open() -> None:
    claims = judged([])
    assert len(claims) == 7
    assert {claim.holds for claim in claims} == {None}
    assert all("not measured" in claim.evidence for claim in claims)


@pytest.mark.parametrize(
    ("ours", "better", "far_better"),
    [
        ((2.0, 2.4, 2.2), True, True),
        ((8.0, 9.1, 10.2), True, False),
        ((20.0, 21.0, 22.0), False, False),
        ((5.0, 10.0, 14.0), None, None),
        ((4.0,), None, None),
    ],
)
def test_a_claim_holds_by_more_than_its_spread(
    ours: tuple[float, ...], better: bool | None, far_better: bool | None
) -> None:
    others = [row(HARTREE, name, *(10.0 + k for k in range(len(ours)))) for name in (SOAP, COULOMB)]
    found = judged([row(HARTREE, R3DVS, *ours), *others])
    assert [claim.holds for claim in found if "Hartree" in claim.statement] == [better, far_better]
    assert f"{R3DVS} {sum(ours) / len(ours):.3g}" in found[1].evidence


def test_the_largest_training_size_counts() -> None:
    rows = [row(HARTREE, name, 10, 11, 12) for name in (SOAP, COULOMB)]
    rows += [row(HARTREE, R3DVS, 1, 1.1, 1.2, at=10), row(HARTREE, R3DVS, 30, 31, 32)]
    assert verdicts(*rows)[1] is False


def test_about_equal_and_little_gained_are_judged_by_the_means() -> None:
    equal = [
        row(q, m, v)
        for q in ("exchange–correlation term", "ion–ion energy")
        for m, v in ((R3DVS, 11), (SOAP, 10))
    ]
    assert verdicts(*equal)[3] is True
    assert verdicts(*equal[:3], row("ion–ion energy", SOAP, 20))[3] is False
    chained = [
        row(q, m, v)
        for q in ("cohesive energy", "band gap")
        for m, v in ((SOAP_THEN_COULOMB, 9.5), (SOAP, 10))
    ]
    assert verdicts(*chained)[6] is True
    assert verdicts(row("cohesive energy", SOAP_THEN_COULOMB, 5), *chained[1:])[6] is False


def test_methods_that_have_learnt_nothing_are_not_about_as_good() -> None:
    rows = [
        row(q, m, v)
        for q in ("exchange–correlation term", "ion–ion energy")
        for m, v in ((R3DVS, 10), (SOAP, 10), (MEAN, 10.5))
    ]
    assert verdicts(*rows)[3] is None
    assert "no better than the mean" in judged(rows)[3].evidence
    assert verdicts(
        *(one.model_copy(update={"values": [5.0]}) if one.method != MEAN else one for one in rows)
    )[3]


def test_one_quantity_that_does_not_hold_is_enough() -> None:
    good = [
        row(q, m, v, v + 0.1)
        for q in ("cohesive energy", "band gap")
        for m, v in ((SOAP_THEN_R3DVS, 1), (SOAP, 2), (R3DVS, 3))
    ]
    assert verdicts(*good)[5] is True
    assert verdicts(row("band gap", SOAP_THEN_R3DVS, 9, 9.1), *good[:3], *good[4:])[5] is False


@pytest.mark.parametrize(("turns", "percent", "holds"), [(30, 95, True), (30, 93, False), (10, 99, None)])
def test_the_rotation_accuracy_counts_at_thirty_turns(turns: int, percent: float, holds: bool | None) -> None:
    assert verdicts(row(ACCURACY, ORIGINAL, percent, at=turns))[0] is holds
