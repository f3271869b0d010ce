"""Cells: made from lengths and angles, tested for being cubic, converted to the conventional or the primitive cell."""

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import spglib
from numpy.typing import NDArray

from hpcvox.crystals.record import Crystal
from hpcvox.errors import Rejected
from hpcvox.spglib_cell import spglib_cell

SYMMETRY_TOLERANCE_A = 0.01

CUBIC_TOLERANCE = 1e-3
"""How much the edges of a cubic cell may differ, as a share of their length: 0.004 Å in a cell of 4 Å."""


def lattice_from_parameters(
    a: float, b: float, c: float, alpha: float, beta: float, gamma: float
) -> NDArray[np.float64]:
    """Cell vectors (3, 3), rows in Å, from lengths in Å and angles in degrees.

    ``a`` lies along x and ``b`` in the xy plane (the convention of the CIF core dictionary).
    Angles of 60, 90 and 120 degrees give exact cosines, so that an orthogonal cell is diagonal.
    Raises ``ValueError`` if the parameters do not span a cell.
    """
    if not (0 < a < math.inf and 0 < b < math.inf and 0 < c < math.inf):
        raise ValueError(f"cell lengths {a:g}, {b:g}, {c:g} are not positive and finite")
    if alpha == beta == gamma == 90.0:
        lattice = np.zeros((3, 3))  # in half the time of np.array
        lattice[0, 0], lattice[1, 1], lattice[2, 2] = a, b, c
        return lattice
    if not (0 < alpha < 180 and 0 < beta < 180 and 0 < gamma < 180):
        raise ValueError(f"cell angles {alpha:g}, {beta:g}, {gamma:g} are not between 0 and 180 degrees")
    cos_alpha, cos_beta, cos_gamma = _cosine(alpha), _cosine(beta), _cosine(gamma)
    sin_gamma = math.sqrt(1.0 - cos_gamma**2)
    y = (cos_alpha - cos_beta * cos_gamma) / sin_gamma
    squared = 1.0 - cos_beta**2 - y**2
    if squared <= 1e-6:
        raise ValueError(f"cell angles {alpha:g}, {beta:g}, {gamma:g} do not span a cell")
    return np.array(
        (
            (a, 0.0, 0.0),
            (b * cos_gamma, b * sin_gamma, 0.0),
            (c * cos_beta, c * y, c * math.sqrt(squared)),
        )
    )


def _cosine(degrees: float) -> float:
    exact = {60.0: 0.5, 90.0: 0.0, 120.0: -0.5}.get(degrees)
    return math.cos(math.radians(degrees)) if exact is None else exact


def is_cubic(lattice: NDArray[np.float64], tolerance: float = CUBIC_TOLERANCE) -> bool:
    """Whether the cell vectors (3, 3) are equally long, to ``tolerance`` of their length, and orthogonal.

    The cosines of the angles must also be below ``tolerance``, and below 0.001 (0.06°) in any case, because users of
    cubic cells rely on right angles.
    """
    metric = lattice @ lattice.T
    squared = float(np.trace(metric)) / 3.0
    # the diagonal holds squared lengths, whose relative deviation is twice that of the lengths
    deviation = np.abs(metric / squared - np.eye(3))
    allowed = min(tolerance, CUBIC_TOLERANCE) * (1.0 - np.eye(3)) + 2.0 * tolerance * np.eye(3)
    return bool((deviation <= allowed).all())


class _Cube(NamedTuple):
    """How to unfold the primitive cell of a centred cubic lattice into its cube."""

    cosine: float  # cosine of the angles between the primitive vectors
    edges: NDArray[np.float64]  # (3, 3) | rows: the cube's edges in terms of the primitive vectors
    inverse: NDArray[np.float64]  # (3, 3)
    points: NDArray[np.float64]  # (m, 3) | lattice points within the cube, in units of its edges


def _cube(
    cosine: float, edges: tuple[tuple[int, int, int], ...], *points: tuple[float, float, float]
) -> _Cube:
    matrix = np.array(edges, dtype=np.float64)
    return _Cube(cosine, matrix, np.asarray(np.linalg.inv(matrix)), np.array([(0.0, 0.0, 0.0), *points]))


# Face-centred (60° between the primitive vectors) and body-centred (109.47°), as databases write them.
_CUBES = (
    _cube(0.5, ((-1, 1, 1), (1, -1, 1), (1, 1, -1)), (0.0, 0.5, 0.5), (0.5, 0.0, 0.5), (0.5, 0.5, 0.0)),
    _cube(-1.0 / 3.0, ((0, 1, 1), (1, 0, 1), (1, 1, 0)), (0.5, 0.5, 0.5)),
)


def conventional(crystal: Crystal, cubic_tolerance: float = CUBIC_TOLERANCE) -> Crystal:
    """Convert a crystal to its conventional cell; a cell that is cubic to within ``cubic_tolerance`` is not changed.

    Databases often store primitive cells (rocksalt with 60° angles), but the conventional cell of a cubic crystal is a
    cube.  Primitive cells of face- and body-centred cubic lattices are unfolded directly.  Others are standardized by
    spglib (symmetry to 0.01 Å, positions idealized), which takes a hundred times as long.

    Raises:
        Rejected: ``symmetry``, if spglib finds no space group.
    """
    if is_cubic(crystal.lattice, cubic_tolerance):
        return crystal
    return _unfolded(crystal) or standardized(crystal)


def _unfolded(crystal: Crystal) -> Crystal | None:
    """Unfold a primitive cell with equal lengths and angles of 60° or 109.47° into its cube; None for other cells."""
    metric = crystal.lattice @ crystal.lattice.T
    cosines = metric / (np.trace(metric) / 3.0)
    for cosine, edges, inverse, points in _CUBES:
        if (np.abs(cosines - cosine - (1.0 - cosine) * np.eye(3)) < 1e-3).all():
            volume = float(np.linalg.det(edges @ crystal.lattice))
            if volume <= 0:
                return None  # left-handed vectors: leave them to spglib
            frac = wrapped(((crystal.frac @ inverse)[:, None, :] + points).reshape(-1, 3))
            numbers = np.repeat(crystal.numbers, len(points))
            return replace(crystal, lattice=volume ** (1 / 3) * np.eye(3), frac=frac, numbers=numbers)
    return None


def primitive(crystal: Crystal) -> Crystal:
    """Convert a crystal to its Niggli-reduced primitive cell, which is small and has angles near 90°.

    spglib finds the symmetry to within 0.01 Å and idealizes positions.

    Raises:
        Rejected: ``symmetry``, if spglib finds no space group.
    """
    small = standardized(crystal, to_primitive=True)
    reduced = spglib.niggli_reduce(small.lattice)
    if reduced is None:
        raise Rejected("symmetry", "spglib cannot reduce the primitive cell")
    change = np.rint(
        reduced @ np.linalg.inv(small.lattice)
    )  # integers; the identity if the cell is reduced already
    frac = wrapped(small.frac @ np.linalg.inv(change))
    return replace(small, lattice=np.ascontiguousarray(change @ small.lattice), frac=frac)


def standardized(
    crystal: Crystal, to_primitive: bool = False, symprec: float = SYMMETRY_TOLERANCE_A
) -> Crystal:
    """Convert to the conventional or primitive cell, with exactly the symmetry that spglib finds within ``symprec`` Å.

    Raises:
        Rejected: ``symmetry``, if spglib finds no space group.
    """
    kind = "primitive" if to_primitive else "conventional"
    try:
        standard = spglib.standardize_cell(spglib_cell(crystal), to_primitive=to_primitive, symprec=symprec)
    except spglib.SpglibError as error:
        raise Rejected("symmetry", f"spglib finds no {kind} cell: {error}") from None
    if standard is None:
        raise Rejected("symmetry", f"spglib finds no {kind} cell: no space group matches the sites")
    lattice, frac, numbers = standard
    return replace(
        crystal,
        lattice=np.ascontiguousarray(lattice, dtype=np.float64),
        frac=wrapped(np.asarray(frac, dtype=np.float64)),
        numbers=np.asarray(numbers, dtype=np.uint8),
    )


def wrapped(frac: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move fractional coordinates into [0, 1)."""
    inside = frac - np.floor(frac)
    inside[inside >= 1.0] = 0.0  # -1e-17 rounds up to 1.0
    return inside
