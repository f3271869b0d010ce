"""The paper's claims as statements that hold here or do not, by the rows of the other experiments."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from hpcvox.reproduction import told
from hpcvox.reproduction.experiment import Experiment, of_claims
from hpcvox.reproduction.judging import all_of
from hpcvox.reproduction.kajita.baselines import COULOMB, MEAN, SOAP, SOAP_THEN_COULOMB
from hpcvox.reproduction.kajita.fig3 import ACCURACY, ORIGINAL
from hpcvox.reproduction.kajita.fig4 import R3DVS
from hpcvox.reproduction.kajita.residuals import SOAP_THEN_R3DVS
from hpcvox.reproduction.spread import Sides, less
from hpcvox.reproduction.summary import Claim, Row

LEARNT: Final = 0.9
"""A method has learnt something if its error is at most this share of that of always saying the mean."""

HALF: Final = 0.5
ABOUT: Final = 0.25
LITTLE: Final = 0.1
RECOGNISED: Final = 94.0


def about_equal(pair: Sides) -> bool:
    """Whether the means differ by at most :data:`ABOUT` of the other's."""
    return abs(pair.first.mean / pair.other.mean - 1) <= ABOUT


def gains_little(pair: Sides) -> bool:
    """Whether the first method's mean is at most :data:`LITTLE` below the other's."""
    return pair.first.mean >= (1 - LITTLE) * pair.other.mean


class Comparison(NamedTuple):
    """A claim: on each quantity, the first method against each of the others."""

    statement: str
    where: str
    rule: str
    quantities: tuple[str, ...]
    first: str
    others: tuple[str, ...]
    holds: Callable[[Sides], bool | None]
    learnt: bool = False
    """Whether it stays open where a method is no better than always saying the mean."""


SPREAD: Final = "less, draw by draw, beyond the 95 % interval of Student's t"

COMPARISONS: Final = (
    Comparison(
        "R3DVS is better than SOAP and the Coulomb matrix for the Hartree energy",
        "Regression, Fig. 4a",
        SPREAD,
        ("Hartree energy",),
        R3DVS,
        (SOAP, COULOMB),
        less,
    ),
    Comparison(
        "R3DVS is far better for the Hartree energy",
        "Regression, Fig. 4a",
        f"at most {HALF:g} of the error of SOAP and of the Coulomb matrix, with the same spread",
        ("Hartree energy",),
        R3DVS,
        (SOAP, COULOMB),
        lambda pair: less(pair, HALF),
    ),
    Comparison(
        "R3DVS is about as good as SOAP for exchange–correlation and ion–ion",
        "Regression, Fig. 4b, c",
        f"errors within {100 * ABOUT:g} % of each other, and {100 * (1 - LEARNT):.0f} % below that of the mean",
        ("exchange–correlation term", "ion–ion energy"),
        R3DVS,
        (SOAP,),
        about_equal,
        learnt=True,
    ),
    Comparison(
        "The Coulomb matrix is worse than SOAP but for ion–ion",
        "Regression, Fig. 4",
        SPREAD,
        ("Hartree energy", "exchange–correlation term", "cohesive energy", "band gap"),
        SOAP,
        (COULOMB,),
        less,
    ),
    Comparison(
        "SOAP → R3DVS is better than SOAP and than R3DVS for cohesive energy and gap",
        "Regression, Fig. 4e, f",
        SPREAD,
        ("cohesive energy", "band gap"),
        SOAP_THEN_R3DVS,
        (SOAP, R3DVS),
        less,
    ),
    Comparison(
        "SOAP → Coulomb matrix gains little over SOAP",
        "Regression, Fig. 4e, f",
        f"at most {100 * LITTLE:g} % less",
        ("cohesive energy", "band gap"),
        SOAP_THEN_COULOMB,
        (SOAP,),
        gains_little,
    ),
)


def experiment(rows: Callable[[], Sequence[Row]], needs: tuple[str, ...]) -> Experiment:
    """The experiment; see :func:`hpcvox.reproduction.experiment.of_claims`."""
    about = (
        "Each claim is judged by the values above, at the largest number of training crystals or turns. With one "
        "draw, or values that lie within their spread, it stays open."
    )
    return of_claims(about, lambda: judged(rows()), needs)


def judged(rows: Sequence[Row]) -> list[Claim]:
    """All claims, judged by ``rows``; those whose rows are missing stay open."""
    return [_recognised(rows), *(_judged(one, rows) for one in COMPARISONS)]


def _judged(claim: Comparison, rows: Sequence[Row]) -> Claim:
    answers: list[bool | None] = []
    said = []
    for quantity in claim.quantities:
        first = _last(rows, quantity, claim.first)
        for name in claim.others:
            other = _last(rows, quantity, name)
            if first is None or other is None:
                answers.append(None)
                said.append(f"{quantity}: not measured")
                continue
            blind = claim.learnt and not all(_has_learnt(row, rows) for row in (first, other))
            answers.append(None if blind else claim.holds(Sides(first, other)))
            values = (
                f"{first.method} {told.number(first.mean)}, {name} {told.number(other.mean)} {first.unit}"
            )
            said.append(f"{quantity}: {values}" + (", no better than the mean" if blind else ""))
    return Claim(
        statement=claim.statement,
        where=claim.where,
        rule=claim.rule,
        holds=all_of(answers),
        evidence="; ".join(dict.fromkeys(said)),
    )


def _recognised(rows: Sequence[Row]) -> Claim:
    row = _last(rows, ACCURACY, ORIGINAL)
    enough = row is not None and row.at == 30
    return Claim(
        statement="With 30 turns of each, 94 % of crystals are recognised",
        where="Classification, Fig. 3a",
        rule=f"at least {RECOGNISED:g} % of them as they are, in the mean over the draws",
        holds=row.mean >= RECOGNISED if row is not None and enough else None,
        evidence="not measured" if row is None else f"{row.mean:.3g} % with {row.at:g} turns",
    )


def _has_learnt(row: Row, rows: Sequence[Row]) -> bool:
    """Whether a method is better than always saying the mean of the training crystals."""
    blind = [one for one in rows if (one.quantity, one.method, one.at) == (row.quantity, MEAN, row.at)]
    return not blind or row.mean <= LEARNT * blind[0].mean


def _last(rows: Sequence[Row], quantity: str, method: str) -> Row | None:
    """The row of a quantity and a method at the largest place on the axis."""
    found = [row for row in rows if (row.quantity, row.method) == (quantity, method) and row.values]
    return max(found, key=lambda row: row.at or 0, default=None)
