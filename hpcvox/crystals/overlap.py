"""Sites that are too near to each other to be two atoms, under periodic boundaries."""

from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

MIN_DISTANCE_A = 0.4
"""Sites nearer than this are not two atoms.  H2 is 0.74 Å long; hydrogens of published X-ray structures
come as near as 0.46 Å to a neighbour: the 0.5 Å asked of generated crystals would refuse real ones."""

_NEIGHBOURS = np.array(list(product((-1.0, 0.0, 1.0), repeat=3)))
_PAIRS_AT_ONCE = 2_000_000


def plane_spacings(lattice: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distances (3,) in Å between the opposite faces of the cell with vectors ``lattice`` (3, 3)."""
    inverse = np.linalg.inv(lattice)
    return np.asarray(1.0 / np.sqrt((inverse * inverse).sum(axis=0)))


def overlapping(
    lattice: NDArray[np.float64], frac: NDArray[np.float64], orthogonal: bool, limit: float = MIN_DISTANCE_A
) -> tuple[int, int, float] | None:
    """The nearest two sites i < j and their distance in Å where that is below ``limit``, else None.

    ``lattice`` (3, 3) rows in Å, ``frac`` (n, 3).  Exact for any cell whose faces are further apart
    than ``limit``: a vector shorter than ``limit`` has fractional components below limit/spacing, so
    where that is under 1/2 only the wrapped difference can be one.
    """
    spacing = float((lattice.diagonal() if orthogonal else plane_spacings(lattice)).min())
    exact = spacing >= 2 * limit
    n = len(frac)
    if n < 2:
        return None
    if n <= 64 and exact:
        first, second = _pairs(n)
        difference = frac[first] - frac[second]
        difference -= np.rint(difference)
        vector = difference * lattice.diagonal() if orthogonal else difference @ lattice
        squared = (vector * vector).sum(axis=1)
        k = int(squared.argmin())
        if squared[k] >= limit * limit:
            return None
        return int(first[k]), int(second[k]), float(squared[k]) ** 0.5
    return _nearest_in_blocks(lattice, frac, limit, None if exact else _NEIGHBOURS)


@lru_cache(maxsize=64)
def _pairs(n: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    first, second = np.triu_indices(n, 1)
    return first, second


def _nearest_in_blocks(
    lattice: NDArray[np.float64], frac: NDArray[np.float64], limit: float, shifts: NDArray[np.float64] | None
) -> tuple[int, int, float] | None:
    n = len(frac)
    nearest: tuple[int, int, float] | None = None
    rows = max(1, _PAIRS_AT_ONCE // n)
    for start in range(0, n, rows):
        stop = min(start + rows, n)
        difference = frac[start:stop, None, :] - frac[None, :, :]
        difference -= np.rint(difference)
        squared = _squared_lengths(difference, lattice)
        for shift in () if shifts is None else shifts:
            np.minimum(squared, _squared_lengths(difference + shift, lattice), out=squared)
        squared[np.arange(start, stop)[:, None] >= np.arange(n)[None, :]] = np.inf
        k = int(squared.argmin())
        distance = float(squared.flat[k]) ** 0.5
        if distance < limit and (nearest is None or distance < nearest[2]):
            nearest = start + k // n, k % n, distance
    return nearest


def _squared_lengths(difference: NDArray[np.float64], lattice: NDArray[np.float64]) -> NDArray[np.float64]:
    vector = difference @ lattice
    return np.asarray(np.einsum("ijk,ijk->ij", vector, vector))
