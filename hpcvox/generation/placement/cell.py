"""The cell, read back from decoded coordinate channels."""

import numpy as np
from numpy.typing import NDArray

from hpcvox.crystals.checks import oriented
from hpcvox.descriptors.grids import Grid, centres, is_orthogonal
from hpcvox.errors import Rejected
from hpcvox.generation.limits import MAX_LENGTH, MIN_LENGTH

MIN_ANGLE, MAX_ANGLE = 10.0, 170.0
"""Of cell vectors, in degrees."""

MIN_SHARE = 0.05
"""Least volume of a cell as a share of that of a box with its lengths."""


def as_fitted(lattice: NDArray[np.float64]) -> NDArray[np.float64]:
    """The cell (3, 3), rows in Å, turned as :func:`fit_cell` gives one: diagonal where its angles are right ones."""
    return np.diag(np.linalg.norm(lattice, axis=1)) if is_orthogonal(lattice) else oriented(lattice)


def fit_cell(coordinates: NDArray[np.floating], grid: Grid, oblique: bool) -> NDArray[np.float64]:
    """The cell vectors from the Cartesian coordinate channels, by least squares.

    Channel x is fitted by the plane x = x0 + u a_x + v b_x + w c_x over the voxel centres (u, v, w) in units of the
    cell, and so are y and z.  The centres form a product grid, so that the parameters are independent and
    a_x is the regression of the channel's mean over v and w on u.  Exact channels give the exact cell on both
    grids (a channel spans (n-1)/n of its box, which a fit on voxel centres takes into account).

    Args:
        coordinates: x, y, z in Å at every voxel centre, (3, n, n, n).
        oblique: whether the cell may be; else it has right angles, and three lengths are fitted.

    Returns:
        (3, 3): rows a, b, c in Å, a along x and b in the xy plane.

    Raises:
        Rejected: ``not-finite``, or ``no-cell`` where a length is not between 1 and 60 Å, an angle not between 10 and
            170°, the vectors left-handed, or the volume less than 5 % of that of a box with the same lengths.
    """
    if not oblique:
        return np.diag(fit_lengths(coordinates, grid))
    position = centres(grid, coordinates.shape[1])
    position = position - position.mean()
    values = np.stack([coordinates.mean(axis=(1 + i, 1 + j), dtype=np.float64) for i, j in OTHERS])
    if not np.isfinite(values).all():
        raise Rejected("not-finite", "the coordinate channels hold values that are not finite")
    lattice = values @ position / (position @ position)
    lengths = np.linalg.norm(lattice, axis=1)
    _check_lengths(lengths)
    angles = cell_angles(lattice)
    if not ((angles >= MIN_ANGLE) & (angles <= MAX_ANGLE)).all():
        shown = ", ".join(f"{angle:.3g}" for angle in angles)
        raise Rejected("no-cell", f"fitted cell angles {shown}°; valid: {MIN_ANGLE:g} to {MAX_ANGLE:g}° each")
    share = float(np.linalg.det(lattice / lengths[:, None]))
    if share < 0:
        raise Rejected("no-cell", "the fitted cell vectors are left-handed")
    if share < MIN_SHARE:
        raise Rejected(
            "no-cell",
            f"the fitted cell has {share:.2g} of the volume of a box with its lengths; valid: from {MIN_SHARE:g}",
        )
    return oriented(lattice)


def cell_angles(lattice: NDArray[np.float64]) -> NDArray[np.float64]:
    """Angles alpha, beta and gamma, (3,), of the cell (3, 3), in degrees."""
    a, b, c = lattice / np.linalg.norm(lattice, axis=1, keepdims=True)
    angles: NDArray[np.float64] = np.degrees(np.arccos(np.clip([b @ c, a @ c, a @ b], -1, 1)))
    return angles


def fit_lengths(coordinates: NDArray[np.floating], grid: Grid) -> NDArray[np.float64]:
    """Cell lengths a, b, c from the Cartesian coordinate channels, by least squares.

    Channel x is fitted by the plane x = x0 + a u + p v + q w over the voxel centres (u, v, w) in units
    of the cell.  The centres form a product grid, so the four parameters are independent and a is the
    regression of the channel's mean over v and w on u.  Exact channels give the exact length on both
    grids (a channel spans (n-1)/n of its box, which a fit on voxel centres takes into account).

    Args:
        coordinates: x, y, z in Å at every voxel centre, (3, n, n, n).

    Returns:
        (3,) float64 in Å.

    Raises:
        Rejected: ``not-finite``, or ``no-cell`` where a length is not between 1 and 60 Å.
    """
    n = coordinates.shape[1]
    position = centres(grid, n)
    position = position - position.mean()
    values = np.stack(
        [coordinates[axis].mean(axis=others, dtype=np.float64) for axis, others in enumerate(OTHERS)]
    )
    if not np.isfinite(values).all():
        raise Rejected("not-finite", "the coordinate channels hold values that are not finite")
    lengths: NDArray[np.float64] = values @ position / (position @ position)
    _check_lengths(lengths)
    return lengths


def _check_lengths(lengths: NDArray[np.float64]) -> None:
    if not ((lengths >= MIN_LENGTH) & (lengths <= MAX_LENGTH)).all():
        shown = ", ".join(f"{length:.3g}" for length in lengths)
        raise Rejected(
            "no-cell", f"fitted cell lengths {shown} Å; valid: {MIN_LENGTH:g} to {MAX_LENGTH:g} Å each"
        )


OTHERS = ((1, 2), (0, 2), (0, 1))
"""The two axes that a coordinate channel does not vary along."""
