"""The two voxel boxes of Court et al. 2020 around a cell, and the Cartesian coordinates of their voxels."""

from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hpcvox.angles import largest_cosine

RIGHT: Final = 1e-3
"""The largest |cos| of an angle that counts as one of 90°."""

Grid = Literal["periodic", "padded"]


class Box(NamedTuple):
    """The position of a grid along each axis, in units of the cell's length."""

    origin: float
    extent: float
    wraps: bool
    """Whether the grid is periodic, so that opposite faces are neighbours."""


BOXES: dict[str, Box] = {
    # the exact cell, 0 to a, with every periodic image that matters
    "periodic": Box(0.0, 1.0, True),
    # the authors' box, -a/4 to 5a/4, with the sites of the one cell and no images
    "padded": Box(-0.25, 1.5, False),
}


def centres(grid: str, n: int) -> NDArray[np.float64]:
    """Positions of the ``n`` voxel centres along an axis, in units of the cell's length, (n,)."""
    box = BOXES[grid]
    return box.origin + (np.arange(n) + 0.5) / n * box.extent


def coordinates(lengths: NDArray[np.floating], grid: str, n: int) -> NDArray[np.float32]:
    """Cartesian x, y, z in Å of every voxel centre of an orthogonal cell.

    Args:
        lengths: cell lengths a, b, c in Å, (3,).

    Returns:
        (3, n, n, n) float32.
    """
    axis = centres(grid, n)
    out = np.empty((3, n, n, n), np.float32)
    out[0] = (axis * lengths[0])[:, None, None]
    out[1] = (axis * lengths[1])[None, :, None]
    out[2] = (axis * lengths[2])[None, None, :]
    return out


def cell_coordinates(lattice: NDArray[np.float64], grid: str, n: int) -> NDArray[np.float32]:
    """Cartesian x, y, z in Å of every voxel centre of any cell, rotated so that a is along x and b in the xy plane.

    (x, y, z) = u a + v b + w c at (u, v, w) in units of the cell.  They depend only on the cell's lengths and angles:
    for right angles they are those of :func:`coordinates`, and a left-handed cell gives the same as its mirror image.

    Args:
        lattice: rows a, b, c in Å, (3, 3).

    Returns:
        (3, n, n, n) float32.
    """
    along_axes = np.count_nonzero(lattice) == 3  # a quick test, true for nearly all cells with right angles
    if along_axes or is_orthogonal(lattice):
        return coordinates(np.linalg.norm(lattice, axis=1), grid, n)
    turned = np.linalg.cholesky(lattice @ lattice.T)
    along_a, along_b, along_c = centres(grid, n)[:, None] * turned[:, None, :]
    out = np.empty((3, n, n, n), np.float32)
    for axis in range(3):
        plane = along_b[:, None, axis] + along_c[None, :, axis]
        out[axis] = along_a[:, None, None, axis] + plane
    return out


def is_orthogonal(lattice: NDArray[np.float64], rtol: float = RIGHT) -> bool:
    """Whether all angles of the cell (3, 3), or of each cell (..., 3, 3), are 90°: their cosines are below ``rtol``."""
    return largest_cosine(lattice) <= rtol
