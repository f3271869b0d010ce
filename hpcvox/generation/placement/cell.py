"""Computes the cell from the decoded coordinate channels."""

import numpy as np
from numpy.typing import NDArray

from hpcvox.crystals.checks import oriented
from hpcvox.descriptors.grids import Grid, centres, is_orthogonal
from hpcvox.errors import Rejected
from hpcvox.generation.limits import MAX_LENGTH, MIN_LENGTH

MIN_ANGLE, MAX_ANGLE = 10.0, 170.0
"""Range of valid angles between cell vectors, in degrees."""

MIN_SHARE = 0.05
"""Least volume of a cell, as a share of the volume of a right-angled box with the same lengths."""


def as_fitted(lattice: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotate a cell, (3, 3) rows in Å, as :func:`fit_cell` returns it; it is diagonal if all angles are 90°."""
    return np.diag(np.linalg.norm(lattice, axis=1)) if is_orthogonal(lattice) else oriented(lattice)


def fit_cell(coordinates: NDArray[np.floating], grid: Grid, oblique: bool) -> NDArray[np.float64]:
    """Fit the cell vectors to the Cartesian coordinate channels by least squares.

    Channel x is fitted by the plane x = x0 + u a_x + v b_x + w c_x over the voxel centres (u, v, w) in units of the
    cell; y and z likewise.  The centres form a product grid, so the parameters are independent, and a_x is the
    regression on u of the channel's mean over v and w.  Exact channels give the exact cell on both grids.  (A channel
    spans only (n-1)/n of its box; a fit at voxel centres accounts for that.)

    Args:
        coordinates: x, y, z in Å at every voxel centre, (3, n, n, n).
        grid: which box around the cell the map shows.
        oblique: whether the cell may be oblique; if not, three lengths are fitted and the angles are 90°.

    Returns:
        (3, 3): rows a, b, c in Å, a along x and b in the xy plane.

    Raises:
        Rejected: ``not-finite``; or ``no-cell`` if a length is outside 1 to 60 Å, an angle outside 10 to 170°, the
            vectors are left-handed, or the volume is below 5 % of that of a right-angled box with the same lengths.
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
    """Angles alpha, beta, gamma in degrees, (3,), of the cell (3, 3)."""
    a, b, c = lattice / np.linalg.norm(lattice, axis=1, keepdims=True)
    angles: NDArray[np.float64] = np.degrees(np.arccos(np.clip([b @ c, a @ c, a @ b], -1, 1)))
    return angles


def fit_lengths(coordinates: NDArray[np.floating], grid: Grid) -> NDArray[np.float64]:
    """Fit the cell lengths a, b, c to the Cartesian coordinate channels by least squares.

    Channel x is fitted by the plane x = x0 + a u + p v + q w over the voxel centres (u, v, w) in units of the cell; y
    and z likewise.  The centres form a product grid, so the four parameters are independent, and a is the regression on
    u of the channel's mean over v and w.  Exact channels give the exact lengths on both grids, see :func:`fit_cell`.

    Args:
        coordinates: x, y, z in Å at every voxel centre, (3, n, n, n).
        grid: which box around the cell the map shows.

    Returns:
        (3,) float64 in Å.

    Raises:
        Rejected: ``not-finite``; or ``no-cell`` if a length is outside 1 to 60 Å.
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
"""For each coordinate channel, the two axes along which it is constant in a right-angled cell."""
