"""Finds sites that are too near to be two atoms, and sites that are one atom, under periodic boundaries.

All compiled code of ``hpcvox.crystals`` is in this file (except that for numbers of fields), because numba's cache of a
function does not notice changes in other files.
"""

import math
from typing import Final, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from hpcvox.crystals.elements import COVALENT_RADII_A

MIN_DISTANCE_A = 0.4
"""Sites nearer than this, in Å, are never two atoms, whatever their elements."""

LEAST_OF_BOND: Final = 0.5
"""Least distance of two atoms, as a share of the sum of their covalent radii.  In 36,737 crystals of the Materials
Project and 7,572 perovskites none is below 0.607 (Nb2P); of 80,140 other crystals, 23 have one below 0.5."""

LEAST_OF_HYDROGEN: Final = 0.4
"""The same for hydrogen, whose published positions are often inexact: N-H of 0.47 Å is 0.46, C-H of 0.52 Å is 0.49."""

SAME_SITE_A: Final = 0.05
"""Entries of one element nearer than this, in Å, are one site."""

PART_TOLERANCE: Final = 0.01
"""Tolerance of the sum of a site's occupancies, which are often written 0.333 + 0.667 or 0.99."""

SPECIAL_POSITION_A: Final = 0.05
"""Images of a site nearer than this, in Å, are one atom on a special position, whose coordinates were rounded."""

DENSEST = 0.75
"""Greatest share of space that equal spheres can fill (the closest packing has 0.7405)."""


def least_distances(of_bond: float, of_hydrogen: float) -> NDArray[np.float64]:
    """Least distances in Å by two atomic numbers, (119, 119): shares of the sum of their covalent radii.

    Args:
        of_bond: the share for two elements other than hydrogen.
        of_hydrogen: the share for hydrogen and any element.
    """
    radii = np.array(COVALENT_RADII_A)
    least = of_bond * (radii[:, None] + radii)
    least[1, :] *= of_hydrogen / of_bond
    least[2:, 1] = least[1, 2:]
    return np.asarray(np.maximum(least, MIN_DISTANCE_A))


LEAST_DISTANCES_A: Final = least_distances(LEAST_OF_BOND, LEAST_OF_HYDROGEN)
"""(119, 119): least distance in Å of two atoms in a crystal that is read, by their atomic numbers."""


LEAST_OF_CANDIDATES_A: Final = np.full_like(LEAST_DISTANCES_A, MIN_DISTANCE_A)
"""The same for generated crystals, whose distances are judged later by other limits."""


class Near(NamedTuple):
    """Two sites that are too near."""

    first: int
    second: int  # equal to the first if the site is too near to its own image in the next cell
    distance: float  # Å
    least: float  # Å | least distance of two such atoms


def plane_spacings(lattice: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distances (3,) in Å between the opposite faces of the cell with vectors ``lattice`` (3, 3)."""
    inverse = np.linalg.inv(lattice)
    return np.asarray(1.0 / np.sqrt((inverse * inverse).sum(axis=0)))


def overlapping(
    lattice: NDArray[np.float64],
    frac: NDArray[np.float64],
    numbers: NDArray[np.uint8],
    spacing: float,
    least: NDArray[np.float64] = LEAST_DISTANCES_A,
) -> Near | None:
    """Find the two sites that are too near by the greatest factor; None if no two sites are too near.

    This is exact for any cell: a vector shorter than ``least`` has fractional components below least/spacing, so
    farther images need no check.  If there are more sites than spheres of their least diameter fit into the cell, any
    two sites that are too near are returned.

    Args:
        lattice: (3, 3) rows in Å.
        frac: fractional coordinates, (n, 3).
        numbers: atomic numbers, (n,).
        spacing: least distance in Å between opposite faces of the cell.
        least: least distance in Å of two atoms, by their atomic numbers, (119, 119).
    """
    first, second, squared = _nearest(lattice, frac, numbers, spacing, least)
    if first < 0:
        return None
    return Near(first, second, math.sqrt(squared), float(least[numbers[first], numbers[second]]))


@numba.njit(cache=True)
def _squared_length(x: float, y: float, z: float, lattice: NDArray[np.float64]) -> float:
    """The squared length of the vector with components ``x``, ``y``, ``z`` along the rows of ``lattice`` (3, 3)."""
    squared = 0.0
    for k in range(3):
        d = x * lattice[0, k] + y * lattice[1, k] + z * lattice[2, k]
        squared += d * d
    return squared


@numba.njit(cache=True)
def _nearest(
    lattice: NDArray[np.float64],
    frac: NDArray[np.float64],
    numbers: NDArray[np.uint8],
    spacing: float,
    least: NDArray[np.float64],
) -> tuple[int, int, float]:
    n = frac.shape[0]
    widest, narrowest = 0.0, np.inf
    for z in numbers:
        widest, narrowest = max(widest, least[z, z]), min(narrowest, least[z, z])
    # Faces are volume/area apart.  No cell is smaller than its spacing³.
    spacings = np.full(3, spacing)
    spheres = n * narrowest**3 * math.pi / 6 / DENSEST
    crowded = spheres > spacing**3
    if crowded or spacing < 2 * widest:
        for k in range(3):
            a, b, c = lattice[k], lattice[(k + 1) % 3], lattice[(k + 2) % 3]
            x, y, z = b[1] * c[2] - b[2] * c[1], b[2] * c[0] - b[0] * c[2], b[0] * c[1] - b[1] * c[0]
            volume = abs(a[0] * x + a[1] * y + a[2] * z)
            spacings[k] = volume / math.sqrt(x * x + y * y + z * z)
            crowded = crowded and spheres > volume
    best, found, first, second = (
        1.0,
        0.0,
        -1,
        -1,
    )  # best: squared distance over the least squared distance
    reach = np.empty(3, np.int64)
    for j in range(n):
        for i in range(j + 1):
            limit = least[numbers[i], numbers[j]]
            if i == j and spacing >= limit:  # no vector of the lattice is shorter than the spacing
                continue
            x, y, z = frac[j, 0] - frac[i, 0], frac[j, 1] - frac[i, 1], frac[j, 2] - frac[i, 2]
            x, y, z = x - np.rint(x), y - np.rint(y), z - np.rint(z)
            if spacing >= 2 * limit:
                squared = _squared_length(x, y, z, lattice)
                if squared < best * limit * limit:
                    best, found, first, second = squared / (limit * limit), squared, i, j
                continue
            for k in range(3):
                reach[k] = math.ceil(limit / spacings[k] - 0.5)
            for p in range(-reach[0], reach[0] + 1):
                for q in range(-reach[1], reach[1] + 1):
                    for r in range(-reach[2], reach[2] + 1):
                        squared = _squared_length(x + p, y + q, z + r, lattice)
                        if squared < best * limit * limit and not (i == j and p == 0 and q == 0 and r == 0):
                            best, found, first, second = squared / (limit * limit), squared, i, j
        if crowded and first >= 0:
            break
    return first, second, found


@numba.njit(cache=True)
def join(
    lattice: NDArray[np.float64],
    frac: NDArray[np.float64],
    numbers: NDArray[np.uint8],
    parts: NDArray[np.float64],
    kept: NDArray[np.bool_],
) -> None:
    """Keep the first of several entries of one element on one site, and add the others' occupancies to it."""
    n = len(numbers)
    for i in range(n):
        if not kept[i]:
            continue
        others, whole, shared = 0, parts[i] >= 1 - PART_TOLERANCE, 0.0
        for j in range(i + 1, n):
            if not kept[j] or numbers[j] != numbers[i]:
                continue
            x, y, z = frac[j, 0] - frac[i, 0], frac[j, 1] - frac[i, 1], frac[j, 2] - frac[i, 2]
            x, y, z = x - np.rint(x), y - np.rint(y), z - np.rint(z)
            if _squared_length(x, y, z, lattice) < SAME_SITE_A * SAME_SITE_A:
                kept[j] = False
                others += 1
                whole = whole and parts[j] >= 1 - PART_TOLERANCE
                shared += parts[j]
        if others and not whole:
            parts[i] += shared


@numba.njit(cache=True)
def distinct(images: NDArray[np.float64], lattice: NDArray[np.float64]) -> NDArray[np.float64]:
    """The images (m, 3) without those that are the same atom as an earlier one."""
    n = len(images)
    kept = np.ones(n, dtype=np.bool_)
    for i in range(n):
        if not kept[i]:
            continue
        for j in range(i + 1, n):
            if not kept[j]:
                continue
            x, y, z = images[j, 0] - images[i, 0], images[j, 1] - images[i, 1], images[j, 2] - images[i, 2]
            x, y, z = x - np.rint(x), y - np.rint(y), z - np.rint(z)
            if _squared_length(x, y, z, lattice) < SPECIAL_POSITION_A * SPECIAL_POSITION_A:
                kept[j] = False
    return images[kept]


@numba.njit(cache=True)
def wrap_columns(columns: NDArray[np.float64], frac: NDArray[np.float64]) -> int:
    """Fill ``frac`` (n, 3) with ``columns`` (3n,), all x, then all y, then all z, moved into [0, 1).

    Returns the first site with a coordinate that is not finite or beyond 1000 cells; -1 if there is none.
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
