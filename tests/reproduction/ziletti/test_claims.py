"""The paper's claims, judged by rows: what does not hold says so, and what cannot be told stays open."""

from collections.abc import Sequence

import pytest

from hpcvox.reproduction.summary import Claim, Row
from hpcvox.reproduction.ziletti import figs1
from hpcvox.reproduction.ziletti.bench import row
from hpcvox.reproduction.ziletti.claims import STATEMENTS, judged
from hpcvox.reproduction.ziletti.fig4 import ALONG, CUBIC, PATH, POINTS, SHARES, TRANSITION
from hpcvox.reproduction.ziletti.tables import DISPLACED, NETWORK, SIGMAS, SPGLIB, VACANCIES, VACANT


def verdict(rows: Sequence[Row], part: str) -> Claim:
    """The claim whose statement has these words."""
    (found,) = (claim for claim in judged(rows) if part in claim.statement)
    return found


def test_without_values_all_claims_stay_open() -> None:
    claims = judged([])
    assert len(claims) == len(STATEMENTS)
    assert {claim.holds for claim in claims} == {None}
    assert {claim.evidence for claim in claims} == {"not measured"}


@pytest.mark.parametrize(
    ("values", "holds"),
    [
        ((100.0, 100.0, 100.0), True),
        ((99.95, 99.96, 99.95), True),
        ((100.0, 99.0, 100.0), None),
        ((87.0, 88.0, 89.0), False),
        ((100.0,), None),
    ],
)
def test_an_accuracy_must_be_reached_by_more_than_its_spread(
    values: tuple[float, ...], holds: bool | None
) -> None:
    assert verdict([row(DISPLACED, NETWORK, 0.1, values)], "0.10 Å").holds is holds


def test_all_levels_up_to_one_count() -> None:
    rows = [row(VACANT, NETWORK, round(100 * share, 6), (100.0, 100.0)) for share in VACANCIES]
    assert verdict(rows, "40 %").holds
    rows[3] = row(VACANT, NETWORK, 10, (99.0, 99.0))
    claim = verdict(rows, "40 %")
    assert (claim.holds, claim.evidence) == (False, "least 99 ± 0 % at 10")


def levels(network: float, symmetry: float) -> list[Row]:
    """Two draws of network and spglib at each level."""
    places = [(DISPLACED, at) for at in SIGMAS] + [(VACANT, round(100 * one, 6)) for one in VACANCIES]
    return [
        row(quantity, method, at, (value, value))
        for quantity, at in places
        for method, value in ((NETWORK, network), *((name, symmetry) for name in SPGLIB.values()))
    ]


def test_the_network_must_not_be_behind_spglib_anywhere() -> None:
    assert verdict(levels(100, 100), "as good as spglib").holds
    assert verdict(levels(90, 100), "as good as spglib").holds is False
    assert verdict(levels(90, 0), "spglib is never right").holds
    assert verdict(levels(90, 22.8), "spglib is never right").holds is False


def path(elsewhere: str, draws: int = 2) -> list[Row]:
    """The rhombohedral path with ``elsewhere`` named between the cubic points."""
    named = {at: kind for kind, at in CUBIC.items()}
    return [
        row(PATH, kind, at, [float(named.get(at, elsewhere) == kind)] * draws, "")
        for at in POINTS
        for kind in ALONG
    ]


def test_the_path_has_hex_rh_everywhere_but_at_the_cubic_points() -> None:
    assert verdict(path("hex/rh"), "rhombohedral path").holds
    claim = verdict(path("bcc"), "rhombohedral path")
    assert claim.holds is False
    assert claim.evidence.startswith("3 of 36 points; not at 1.2, 1.3")
    assert verdict(path("hex/rh", draws=1), "rhombohedral path").holds is None


@pytest.mark.parametrize(("half", "end", "holds"), [(1.0, 1.0, True), (0.6, 1.0, False), (1.0, 0.3, False)])
def test_bcc_becomes_sc_late_and_wholly(half: float, end: float, holds: bool) -> None:
    rows = [row(TRANSITION, "bcc", at, (1.0 if at < 50 else half,) * 2, "") for at in SHARES]
    rows += [row(TRANSITION, "sc", 100.0, (end, end), "")]
    assert verdict(rows, "bcc stays bcc").holds is holds


@pytest.mark.parametrize(("later", "holds"), [(0.4, True), (0.97, False)])
def test_fcc_melts(later: float, holds: bool) -> None:
    values = {0.075: 1.0, 0.1: 0.98, 0.2: later}
    rows = [row(figs1.quantity("fcc"), "fcc", at, (value, value), "") for at, value in values.items()]
    assert verdict(rows, "Lindemann").holds is holds
