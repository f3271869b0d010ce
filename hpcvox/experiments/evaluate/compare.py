"""Measures the distance of a reconstructed crystal from the true one; the functions only compute numbers."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from hpcvox.crystals.images import squared_distances
from hpcvox.crystals.known import structure
from hpcvox.crystals.record import Crystal

MATCH_DISTANCE = 0.5
"""In :attr:`Match.exact`, sites farther apart than this, in Å, are different."""

LTOL, STOL, ANGLE_TOL = 0.3, 0.5, 10
"""The usual tolerances for comparing generators (Xie et al. 2022, CDVAE): relative for lengths, in (volume/site)^(1/3)
for sites, in degrees for angles."""


class Match(NamedTuple):
    """The result of pairing two sets of sites so that the sum of distances is least."""

    emd: float  # Å | mean distance of the pairs: the earth mover's distance for equal numbers of sites
    pairs: int  # the smaller number of sites
    excess: int  # number of sites found minus number of true sites
    species_right: float  # share of the pairs that have the same element
    exact: bool  # no excess, all elements right, every pair within 0.5 Å


def match_sites(
    lattice: NDArray[np.float64],
    true_frac: NDArray[np.float64],
    true_numbers: NDArray[np.uint8],
    frac: NDArray[np.float64],
    numbers: NDArray[np.uint8],
) -> Match:
    """Compare the sites of two crystals by the Hungarian assignment (Court et al. 2020, "EMD").

    Distances are those of the nearest periodic images in the *true* cell.  So an error of the cell, which has its own
    measure, does not count twice.  The assignment ignores elements.  If the numbers of sites differ, the smaller number
    is paired, and ``excess`` is the difference.

    Args:
        lattice: the true cell, rows in Å, (3, 3).
        true_frac: (k, 3); true_numbers: (k,); frac: (m, 3); numbers: (m,); k and m at least 1.
    """
    distances = periodic_distances(lattice, true_frac, frac)
    mine, other = linear_sum_assignment(distances)
    paired = distances[mine, other]
    same = true_numbers[mine] == numbers[other]
    excess = len(numbers) - len(true_numbers)
    exact = excess == 0 and bool(same.all()) and bool((paired <= MATCH_DISTANCE).all())
    return Match(float(paired.mean()), len(paired), excess, float(same.mean()), exact)


def structure_rms(true: Crystal, found: Crystal) -> float | None:
    """Root mean square distance of the sites, in units of (volume/site)^(1/3); None if the structures do not match.

    pymatgen's ``StructureMatcher`` decides, as in CDVAE's "match rate" and "RMSE".
    """
    from pymatgen.analysis.structure_matcher import StructureMatcher

    if true.formula != found.formula:
        return None
    matcher = StructureMatcher(ltol=LTOL, stol=STOL, angle_tol=ANGLE_TOL)
    distances = matcher.get_rms_dist(structure(true), structure(found))  # type: ignore[no-untyped-call]
    return None if distances is None else float(distances[0])


def periodic_distances(
    lattice: NDArray[np.float64], first: NDArray[np.float64], second: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Distances in Å between the nearest images of two sets of fractional coordinates, (k, m)."""
    squared = squared_distances(first[:, None] - second[None], lattice).min(axis=-1)
    nearest: NDArray[np.float64] = np.sqrt(squared)
    return nearest


def right_voxels(true_species: NDArray[np.uint8], species: NDArray[np.uint8]) -> tuple[int, int]:
    """The number of occupied voxels of the true map that have the right element, and the number of occupied voxels."""
    occupied = true_species > 0
    return int((species[occupied] == true_species[occupied]).sum()), int(occupied.sum())
