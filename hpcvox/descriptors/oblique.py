"""Court's density and species voxels of a cell of any shape, with every periodic image.

If a Gaussian is wide compared with the cell, few of its Fourier coefficients matter; if it is narrow, few voxels matter
(the product of the two numbers is constant).  For each element the cheaper way is used.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hpcvox.descriptors.density import Voxels, refuse
from hpcvox.descriptors.grid_sums import heights
from hpcvox.descriptors.lattice_sums import fill, forms
from hpcvox.descriptors.radii import RADII
from hpcvox.errors import Rejected


def voxelize_oblique(
    lattice: NDArray[np.float64],
    frac: NDArray[np.float64],
    numbers: NDArray[np.uint8],
    n: int = 32,
    out: Voxels | None = None,
    widths: NDArray[np.float64] = RADII,
) -> Voxels:
    """Compute the density and the species matrices of a crystal in its own cell; the grid follows the cell vectors.

    As :func:`hpcvox.descriptors.density.voxelize` on the periodic grid, with the voxel (i, j, h) centred at
    ((i + ½) a1 + (j + ½) a2 + (h + ½) a3)/n: M(v) = (2π)^(-3/2) Σ_i Z_i / σ_i³ exp(-d²/(2 σ_i²)) over all images
    (Court et al. 2020, eq. 1), in a float32 sum of error below 2e-6 of its maximum and never below 0.  The species
    is the atomic number of the nearest image of any site with d < r, the heavier in a tie, else 0; every site has
    at least the voxel that holds it.

    Where planes of voxels lie more than σ_i apart, a Gaussian is divided by its sum over all voxels and images, so that
    the voxels hold Σ Z_i electrons: by one factor for the three axes; in a cell of right angles it is the product of
    those that ``voxelize`` divides by.

    Args:
        lattice: rows a1, a2, a3 in Å, (3, 3) float64, of either hand.
        frac: fractional coordinates in [0, 1), (k, 3) float64.
        numbers: atomic numbers, (k,) uint8.
        out: arrays to fill, C-contiguous; made where None.
        widths: σ in Å by atomic number, (MAX_Z + 1,) float64.

    Returns:
        density (n, n, n) float32 in e/Å³, species (n, n, n) uint8.

    Raises:
        Rejected: an element has no radius (``no-radius``), two sites share a voxel (``sites-unresolved``), or the
            vectors do not span a cell (``cell``).
    """
    if out is None:
        out = Voxels(np.empty((n, n, n), np.float32), np.empty((n, n, n), np.uint8))
    (a, b, c), (d, e, f), (g, h, i) = lattice.tolist()
    if not abs(a * (e * i - f * h) + b * (f * g - d * i) + c * (d * h - e * g)) > 1e-6:
        raise Rejected("cell", f"the cell vectors {np.round(lattice, 4).tolist()} do not span a cell")
    cell = forms(lattice, n)
    scale = heights(cell, frac, numbers, widths, n)
    fault, site = fill(cell, frac, numbers, RADII, widths, scale, _waves(n), *out)
    refuse(fault, site, frac, numbers, n, "oblique")
    return out


@lru_cache(maxsize=8)
def _waves(n: int) -> NDArray[np.float32]:
    """Rows cos and -sin of 2πm (j + ½)/n, j = 0 ... n - 1, for m = 0 ... 2n: (4n + 2, n)."""
    angles = 2 * np.pi / n * np.outer(np.arange(2 * n + 1), np.arange(n) + 0.5)
    return np.stack([np.cos(angles), -np.sin(angles)], axis=1).reshape(-1, n).astype(np.float32)
