"""The cell's lengths, read back from decoded coordinate channels."""

import numpy as np
from numpy.typing import NDArray

from hpcvox.descriptors.grids import Grid, centres
from hpcvox.errors import Rejected

MIN_LENGTH, MAX_LENGTH = 1.0, 60.0
"""Cell lengths in Å outside this range are no crystal's: the shortest known is about 2 Å."""


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
    if not ((lengths >= MIN_LENGTH) & (lengths <= MAX_LENGTH)).all():
        shown = ", ".join(f"{length:.3g}" for length in lengths)
        raise Rejected(
            "no-cell", f"fitted cell lengths {shown} Å; valid: {MIN_LENGTH:g} to {MAX_LENGTH:g} Å each"
        )
    return lengths


OTHERS = ((1, 2), (0, 2), (0, 1))
"""The two axes that a coordinate channel does not vary along."""
