"""Checks whether atoms and their cell form a valid crystal, and whether their charges balance."""

import warnings
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hpcvox.crystals.images import ITSELF, squared_distances
from hpcvox.generation.limits import MAX_LENGTH, MIN_LENGTH

MIN_DISTANCE = 0.5
"""All atoms of a valid crystal are more than this apart, in Å (Court et al. 2020; pymatgen's ``is_valid``)."""


class Validity(NamedTuple):
    """``code`` is empty for a valid crystal, else a short word for the reason; ``message`` explains it to people."""

    code: str
    message: str
    min_distance: float  # Å | between any two atoms, periodic images included
    charge_balanced: bool  # does not decide validity, since an alloy has no charges to balance


def validity(lattice: NDArray[np.float64], frac: NDArray[np.float64], numbers: NDArray[np.uint8]) -> Validity:
    """Check that a crystal has a finite cell with lengths of 1 to 60 Å, and atoms more than 0.5 Å apart.

    Args:
        lattice: rows a, b, c in Å, (3, 3).
        frac: fractional coordinates, (k, 3).
        numbers: atomic numbers, (k,).
    """
    lengths = np.linalg.norm(lattice, axis=1)
    if not (np.isfinite(frac).all() and ((lengths >= MIN_LENGTH) & (lengths <= MAX_LENGTH)).all()):
        return Validity("no-cell", f"cell lengths {lengths.round(3).tolist()} Å", float("nan"), False)
    distance = min_distance(lattice, frac)
    balanced = charge_balanced(numbers)
    if distance <= MIN_DISTANCE:
        message = f"two atoms are {distance:.3f} Å apart, and at most {MIN_DISTANCE} Å is not valid"
        return Validity("too-close", message, distance, balanced)
    return Validity("", "", distance, balanced)


def min_distance(lattice: NDArray[np.float64], frac: NDArray[np.float64]) -> float:
    """Shortest distance in Å between two atoms; an atom and its own periodic images count, too."""
    squared = squared_distances(frac[:, None] - frac[None], lattice)
    own = np.arange(len(frac))
    squared[own, own, ITSELF] = np.inf
    return float(np.sqrt(squared.min()))


def charge_balanced(numbers: NDArray[np.uint8]) -> bool:
    """Whether known oxidation states can add up to zero charge if all atoms of an element have the same state.

    The states are pymatgen's ``icsd_oxidation_states`` and ``common_oxidation_states``.  A single element counts as
    balanced.  Sums are built up element by element, so that the time stays bounded.
    """
    elements, counts = np.unique(numbers, return_counts=True)
    if len(elements) < 2:
        return True
    sums = {0}
    for element, count in zip(elements.tolist(), counts.tolist(), strict=True):
        sums = {total + count * state for total in sums for state in oxidation_states(element)}
    return 0 in sums


@cache
def oxidation_states(number: int) -> frozenset[int]:
    """Oxidation states, other than 0, that pymatgen lists for an element."""
    from pymatgen.core.periodic_table import Element

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pymatgen warns of elements without data
        element = Element.from_Z(number)
        states = {*element.icsd_oxidation_states, *element.common_oxidation_states}
    return frozenset(int(state) for state in states if state)
