"""Sites that are too near to each other to be two atoms, under periodic boundaries."""

import math

import numba
import numpy as np
from numpy.typing import NDArray

MIN_DISTANCE_A = 0.4
"""Sites nearer than this are not two atoms.  H2 is 0.74 Å long; hydrogens of published X-ray structures
come as near as 0.46 Å to a neighbour: the 0.5 Å asked of generated crystals would refuse real ones."""

DENSEST = 0.75
"""No packing of equal spheres fills more of space (the closest one 0.7405)."""


def plane_spacings(lattice: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distances (3,) in Å between the opposite faces of the cell with vectors ``lattice`` (3, 3)."""
    inverse = np.linalg.inv(lattice)
    return np.asarray(1.0 / np.sqrt((inverse * inverse).sum(axis=0)))


def overlapping(
    lattice: NDArray[np.float64], frac: NDArray[np.float64], spacing: float, limit: float = MIN_DISTANCE_A
) -> tuple[int, int, float] | None:
    """The nearest two sites i < j and their distance in Å where that is below ``limit``, else None.

    ``lattice`` (3, 3) rows in Å, ``frac`` (n, 3), ``spacing`` the least distance in Å between
    opposite faces of the cell.  Exact for any cell with ``spacing`` above ``limit``: a vector shorter
    than ``limit`` has fractional components below limit/spacing, so along an axis where that is under
    1/2 only the wrapped difference can be one, and else only its neighbours.  Of more sites than spheres
    of that diameter fit into the cell, any two that are too near are returned.
    """
    reach = (
        np.zeros(3, np.int64) if spacing >= 2 * limit else (plane_spacings(lattice) < 2 * limit).astype(int)
    )
    spheres = len(frac) * limit**3 * math.pi / 6 / DENSEST
    # No cell is smaller than its spacing³, which is at hand.
    crowded = spheres > spacing**3 and spheres > float(np.linalg.det(lattice))
    first, second, squared = _nearest(lattice, frac, reach, limit * limit, crowded)
    return None if first < 0 else (first, second, math.sqrt(squared))


@numba.njit(cache=True)
def squared_length(x: float, y: float, z: float, lattice: NDArray[np.float64]) -> float:
    """Of the vector with the components ``x``, ``y``, ``z`` along the rows of ``lattice`` (3, 3); for other kernels."""
    squared = 0.0
    for k in range(3):
        d = x * lattice[0, k] + y * lattice[1, k] + z * lattice[2, k]
        squared += d * d
    return squared


@numba.njit(cache=True)
def _nearest(
    lattice: NDArray[np.float64],
    frac: NDArray[np.float64],
    reach: NDArray[np.int64],
    squared_limit: float,
    any_pair: bool,
) -> tuple[int, int, float]:
    best, first, second = squared_limit, -1, -1
    for j in range(frac.shape[0]):
        for i in range(j):
            x, y, z = frac[j, 0] - frac[i, 0], frac[j, 1] - frac[i, 1], frac[j, 2] - frac[i, 2]
            x, y, z = x - np.rint(x), y - np.rint(y), z - np.rint(z)
            for p in range(-reach[0], reach[0] + 1):
                for q in range(-reach[1], reach[1] + 1):
                    for r in range(-reach[2], reach[2] + 1):
                        squared = squared_length(x + p, y + q, z + r, lattice)
                        if squared < best:
                            best, first, second = squared, i, j
        if any_pair and first >= 0:
            break
    return first, second, best


@numba.njit(cache=True)
def wrap_columns(columns: NDArray[np.float64], frac: NDArray[np.float64]) -> int:
    """Fill ``frac`` (n, 3) with ``columns`` (3n,), all x, then all y, then all z, brought into [0, 1).

    Returns the first site with a coordinate that is not finite (or beyond 1000 cells), else -1.
    """
    n = frac.shape[0]
    for i in range(n):
        for k in range(3):
            value = columns[k * n + i]
            if not abs(value) < 1000.0:
                return i
            inside = value - math.floor(value)
            frac[i, k] = inside if inside < 1.0 else 0.0  # -1e-17 rounds up to 1
    return -1
