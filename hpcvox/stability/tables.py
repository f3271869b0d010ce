"""Makes the rows of ``hull.csv``."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from hpcvox.relaxation.fate import Fate
from hpcvox.relaxation.summary import Column as Relaxed
from hpcvox.stability.hull import MOST_ELEMENTS, Hull, Place
from hpcvox.stability.settings import HullSettings
from hpcvox.stability.summary import (
    Column,
    Verdict,
    above_column,
    energy_column,
    phases_column,
)

Row = dict[str, Any]

NOVELTY = (
    *(Column.UNIQUE, Column.NOVEL_FORMULA, Column.NOVEL, Column.MATCH),
    *(Column.FINGERPRINT, Column.NOVEL_FINGERPRINT),
)


class Used(NamedTuple):
    """A calculator of the relaxation, and the hull that its energies are put on."""

    column: str
    """The column of ``relaxed.csv`` that has its energies."""
    version: str
    hull: Hull
    made_by: str
    """The package and version that computed the references; empty if their table does not say."""


def columns(stages: Sequence[str], novelty: bool) -> tuple[str, ...]:
    """The columns of ``hull.csv``.

    Args:
        stages: the names of the calculators.
        novelty: whether there are known crystals to compare with.
    """
    kinds = (energy_column, above_column, phases_column)
    return (
        *(Column.ID, Column.FORMULA, Column.VERDICT, Column.ABOVE),
        *(kind(stage) for stage in stages for kind in kinds),
        *(NOVELTY if novelty else ()),
        *(Column.CODE, Column.CIF, Column.MESSAGE),
    )


def system(line: Mapping[str, str]) -> list[str]:
    """The elements of the crystal in a row of ``relaxed.csv``, sorted by symbol."""
    return sorted(_amounts(line[Relaxed.FORMULA]))


def _amounts(formula: str) -> dict[str, float]:
    from pymatgen.core import Composition

    found: dict[str, float] = Composition(formula).get_el_amt_dict() if formula else {}
    return found


def lost(line: Mapping[str, str], code: str, message: str) -> Row:
    """The row of ``hull.csv`` of a crystal that is not placed, with the reason."""
    return {
        Column.ID: line[Relaxed.ID],
        Column.FORMULA: line[Relaxed.FORMULA],
        Column.VERDICT: "",
        Column.ABOVE: "",
        Column.CODE: code,
        Column.CIF: line[Relaxed.CIF],
        Column.MESSAGE: message,
    }


def placed(line: Mapping[str, str], potentials: Mapping[str, Used], settings: HullSettings) -> Row:
    """Put a crystal on the hull of each potential; return its row of ``hull.csv``.

    Args:
        line: its row of ``relaxed.csv``.
        potentials: the calculators, by their names.
        settings: those of the job.
    """
    if line[Relaxed.CODE]:
        return lost(line, line[Relaxed.CODE], line[Relaxed.MESSAGE])
    if line.get(Relaxed.OUTCOME) == Fate.EXPLODED:
        return lost(line, str(Fate.EXPLODED), "no crystal has such a volume or such forces")
    row = lost(line, "", "")
    amounts = _amounts(line[Relaxed.FORMULA])
    above: list[float] = []
    for stage, used in potentials.items():
        hull, energy = used.hull, float(line[used.column])
        row[energy_column(stage)] = _six(energy)
        place = hull.place(amounts)
        if place is None:
            why = _why_not(stage, hull, amounts)
            row |= {
                Column.CODE: why[0],
                Column.MESSAGE: f"{row[Column.MESSAGE]}; {why[1]}".removeprefix("; "),
            }
            continue
        above.append(round(hull.distance(amounts, energy), 6))
        row[above_column(stage)] = _six(above[-1])
        row[phases_column(stage)] = _words(place)
    if above:
        row[Column.ABOVE] = _six(max(above))
    if len(above) == len(potentials):
        row[Column.VERDICT] = verdict(above, settings.stable, settings.metastable)
    return row


def verdict(above: Sequence[float], stable: float, metastable: float) -> Verdict:
    """What several potentials together say of a crystal.

    Args:
        above: the energy above the hull of each potential, in eV/atom; none is NaN.
        stable: the highest energy above the hull of a stable crystal, in eV/atom.
        metastable: the highest one of a metastable crystal, in eV/atom.
    """

    def one(value: float) -> Verdict:
        if value <= stable:
            return Verdict.STABLE
        return Verdict.METASTABLE if value <= metastable else Verdict.UNSTABLE

    said = {one(value) for value in above}
    return said.pop() if len(said) == 1 else Verdict.DISAGREE


def _why_not(stage: str, hull: Hull, amounts: Mapping[str, float]) -> tuple[str, str]:
    if unknown := hull.unknown(amounts):
        return "no-reference", f"no energy of {', '.join(unknown)} by {stage} among the references"
    return (
        "too-many-elements",
        f"it has {len(amounts)} elements, and hulls are computed for at most {MOST_ELEMENTS}",
    )


def _words(place: Place) -> str:
    """``0.60 TiO2 (mp-2657) + 0.40 SrO (mp-2472)``; the numbers are fractions of the atoms."""
    return " + ".join(
        f"{share:.2f} {phase.formula}" + (f" ({phase.id})" if phase.id else "")
        for share, phase in place.phases
    )


def _six(value: float) -> str:
    return f"{value + 0.0:.6f}".replace("-0.000000", "0.000000")
