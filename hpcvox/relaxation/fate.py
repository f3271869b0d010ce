"""What became of a crystal in relaxation: whether it is still the one that was given, and what happened where not."""

from enum import StrEnum
from typing import Final

import numpy as np
import spglib
from numpy.typing import NDArray

from hpcvox.crystals.known import SYMMETRY_TOLERANCE_A, Known
from hpcvox.crystals.record import Crystal
from hpcvox.relaxation.measures import parameters, site_distances
from hpcvox.relaxation.symmetry import symmetric

Array = NDArray[np.float64]

EXPLODED_FACTOR: Final = 2.0
"""Of the volume: what has grown or shrunk by more has no bonds of before."""

EXPLODED_FORCE: Final = 20.0
"""eV/Å; where a force is larger at the end, atoms lie in each other."""

LOST: Final = frozenset({"not-finite", "cell-lost", "no-minimum"})
"""Codes of what ended a relaxation because the crystal flew apart or collapsed."""

LENGTHS: Final = 0.2
ANGLES: Final = 5.0
SITES: Final = 0.3
"""Limits of pymatgen's ``StructureMatcher``: lengths as a share, angles in degrees, sites in (volume/site)^(1/3)."""


class Fate(StrEnum):
    """The column ``outcome`` of ``relaxed.csv``."""

    RELAXED = "relaxed"
    SYMMETRY = "other-symmetry"
    STRUCTURE = "other-structure"
    EXPLODED = "exploded"
    UNCONVERGED = "not-converged"
    FAILED = "failed"


def of_failure(code: str) -> Fate:
    """Of a crystal without a last stage's end."""
    return Fate.EXPLODED if code in LOST else Fate.FAILED


def fate(before: Crystal, after: Crystal, converged: bool, force: float, symprec: float) -> Fate:
    """Of a crystal that has passed all stages.

    Args:
        before, after: the same atoms in the same order, coordinates after not wrapped.
        converged: whether the last stage was.
        force: the largest of all atoms after it, eV/Å.
        symprec: Å, within which the crystal got its symmetry before it was relaxed.
    """
    ratio = abs(float(np.linalg.det(after.lattice)) / float(np.linalg.det(before.lattice)))
    if not 1 / EXPLODED_FACTOR <= ratio <= EXPLODED_FACTOR or force > EXPLODED_FORCE:
        return Fate.EXPLODED
    if not converged:
        return Fate.UNCONVERGED
    if not (_is_where_it_was(before, after) or Known([before]).match(after)):
        return Fate.STRUCTURE
    start = symmetric(before, symprec) if symprec else before
    return Fate.RELAXED if _group(start) == _group(after) else Fate.SYMMETRY


def _is_where_it_was(before: Crystal, after: Crystal) -> bool:
    """Whether each atom is still at its own place within the matcher's limits, so that it need not be asked."""
    first, second = parameters(before.lattice), parameters(after.lattice)
    scale = np.cbrt(abs(np.linalg.det(before.lattice) / np.linalg.det(after.lattice)))
    lengths = np.abs(scale * second[:3] / first[:3] - 1)
    reach = np.cbrt(abs(np.linalg.det(before.lattice)) / before.n_sites)
    distances = site_distances((before.lattice, before.frac), (after.lattice, after.frac))
    return bool(
        lengths.max() < LENGTHS
        and np.abs(second[3:] - first[3:]).max() < ANGLES
        and distances.max() < SITES * reach
    )


def _group(crystal: Crystal) -> int:
    """Number of the space group; 0 where there is none."""
    cell = (crystal.lattice.tolist(), crystal.frac.tolist(), crystal.numbers.tolist())
    found = spglib.get_symmetry_dataset(cell, symprec=SYMMETRY_TOLERANCE_A)
    return 0 if found is None else int(found.number)
