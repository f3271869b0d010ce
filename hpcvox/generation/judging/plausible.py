"""Checks whether a valid crystal is plausible: whether it stays within limits that real crystals keep.

Validity only asks for more than 0.5 Å between atoms; a generated Pu2O3 of 35 g/cm³ passes that.  The limits here come
from real crystals; docs/judge.md has the figures.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from math import gcd
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hpcvox import terminal
from hpcvox.crystals.elements import ATOMIC_VOLUMES_A3, SYMBOLS
from hpcvox.crystals.overlap import Near, least_distances, overlapping, plane_spacings
from hpcvox.crystals.record import Crystal
from hpcvox.generation.judging.summary import Column, Plausible, Stage
from hpcvox.generation.judging.validity import oxidation_states
from hpcvox.generation.settings import Reason

REASONS: Final[dict[Reason, str]] = {
    "element": "an element by itself",
    "too-near": "with atoms too near to each other",
    "too-dense": "too dense",
    "too-empty": "too empty",
    "charges": "with charges that do not balance",
}
"""The codes of implausibility, in the order in which they are checked, each with words that follow a number."""

LEAST_OF_BOND: Final = 0.65
"""Least distance of two atoms as a share of the sum of their covalent radii."""

LEAST_VOLUME: Final = 0.6
MOST_VOLUME: Final = 2.5
"""Least and greatest volume of a cell as a share of the sum of its atoms' usual volumes."""

GRAMS_PER_A3: Final = 1.66053906660
"""An atomic mass unit in Å^3, as g/cm³."""

MOST_DENSITY: Final = 23.0
"""g/cm³: osmium, the densest of all crystals at ordinary pressure, has 22.6."""


class Plausibility(NamedTuple):
    """The result for one crystal, which is plausible if there are no faults."""

    faults: dict[Reason, str]  # for each fault a sentence for people, in the order of REASONS
    density: float  # g/cm³
    volume: (
        float | None
    )  # volume of the cell over the sum of its atoms' usual volumes; None: one of these is unknown


def plausibility(crystal: Crystal) -> Plausibility:
    """Compare a crystal with the limits that real crystals keep."""
    faults: dict[Reason, str] = {}
    elements = np.unique(crystal.numbers)
    if len(elements) == 1:
        faults["element"] = f"there is {SYMBOLS[elements[0]]} alone, and a compound has two elements at least"
    if near := _near(crystal):
        faults["too-near"] = _told(near, crystal.numbers)
    density = _density(crystal)
    volume = _volume(crystal)
    if volume is not None and volume < LEAST_VOLUME:
        faults["too-dense"] = _told_volume(volume)
    elif density > MOST_DENSITY:
        faults["too-dense"] = (
            f"it has {density:.3g} g/cm³, and no known crystal has more than osmium's 22.6 g/cm³"
        )
    elif volume is not None and volume > MOST_VOLUME:
        faults["too-empty"] = _told_volume(volume)
    if not balanced_by_mixed_states(crystal.numbers):
        faults["charges"] = f"no known oxidation states of its elements add up to 0 in {crystal.formula}"
    return Plausibility(faults, density, volume)


def counted(rows: Sequence[Mapping[str, Any]]) -> Plausible:
    """Count the plausible candidates among those that were judged, and the others by reason, most frequent first."""
    why = Counter(
        str(row[Column.CODE] if row[Column.LOST] == Stage.PLAUSIBLE else row[Column.LOST])
        for row in rows
        if row[Column.LOST] in (Stage.PLACED, Stage.VALID, Stage.PLAUSIBLE)
    )
    return Plausible(drawn=len(rows), plausible=len(rows) - why.total(), why_not=dict(why.most_common()))


def told_plausible(counts: Plausible) -> str:
    """The result of :func:`counted` as a sentence."""
    words: dict[str, str] = {Stage.PLACED: "not placed", Stage.VALID: "not valid"}
    words.update(REASONS.items())
    plausible = f"{counts.plausible:,}" if counts.plausible else "none"
    drawn = terminal.counted(counts.drawn, "candidate")
    said = f"of {drawn} {plausible} {'is' if counts.plausible < 2 else 'are'} plausible"
    others = ", ".join(f"{count:,} {words[code]}" for code, count in counts.why_not.items())
    return f"{said} (the others: {others})" if others else said


LEAST_PLAUSIBLE_A: Final = least_distances(LEAST_OF_BOND, LEAST_OF_BOND)
"""(119, 119): least distance in Å of two atoms in a real crystal, by their atomic numbers."""


def _near(crystal: Crystal) -> Near | None:
    spacing = float(plane_spacings(crystal.lattice).min())
    return overlapping(crystal.lattice, crystal.frac, crystal.numbers, spacing, LEAST_PLAUSIBLE_A)


def _told(near: Near, numbers: NDArray[np.uint8]) -> str:
    first, second = (SYMBOLS[numbers[site]] for site in (near.first, near.second))
    return f"{first} and {second} are {near.distance:.3f} Å apart, and in real crystals {near.least:.3f} Å at least"


def _density(crystal: Crystal) -> float:
    """g/cm³; pymatgen's own takes as long as all else here."""
    mass = sum(map(_mass, crystal.numbers.tolist()))
    return mass * GRAMS_PER_A3 / float(abs(np.linalg.det(crystal.lattice)))


@cache
def _mass(number: int) -> float:
    """Atomic mass units."""
    from pymatgen.core.periodic_table import Element

    return float(Element.from_Z(number).atomic_mass)


def _volume(crystal: Crystal) -> float | None:
    usual = np.array(ATOMIC_VOLUMES_A3)[crystal.numbers]
    if not usual.all():
        return None
    return float(abs(np.linalg.det(crystal.lattice)) / usual.sum())


def _told_volume(volume: float) -> str:
    return (
        f"the cell has {volume:.3g} times the volume that its atoms usually take up, "
        f"and real crystals have {LEAST_VOLUME:g} to {MOST_VOLUME:g} times"
    )


def balanced_by_mixed_states(numbers: NDArray[np.uint8]) -> bool:
    """Whether known oxidation states can add up to zero charge if each atom may have its own state.

    Atoms of one element may have different states, as in Fe3O4; ``charge_balanced`` of validity.py gives all of them
    the same.  A single element, and an alloy (metals and metalloids only), have no charges to balance: True.

    Args:
        numbers: the atomic number of each site, (n,) uint8.
    """
    elements, counts = np.unique(numbers, return_counts=True)
    divisor = gcd(*counts.tolist())
    return _balance(tuple(elements.tolist()), tuple((counts // divisor).tolist()))


@lru_cache(maxsize=65536)
def _balance(elements: tuple[int, ...], counts: tuple[int, ...]) -> bool:
    if len(elements) == 1 or all(map(_of_alloys, elements)):
        return True
    sums = {0}
    for element, count in zip(elements, counts, strict=True):
        states = oxidation_states(element)
        for _ in range(count):
            sums = {total + state for total in sums for state in states}
    return 0 in sums


@lru_cache
def _of_alloys(number: int) -> bool:
    """Whether an element is a metal or a metalloid."""
    from pymatgen.core.periodic_table import Element

    element = Element.from_Z(number)
    return bool(element.is_metal or element.is_metalloid)
