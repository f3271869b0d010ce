"""Court's density, species and mask voxels as samples."""

from typing import Any

import numpy as np

from hpcvox.crystals.cells import conventional, is_cubic
from hpcvox.crystals.record import Crystal
from hpcvox.descriptors.density import Voxels, voxelize
from hpcvox.descriptors.grids import is_orthogonal
from hpcvox.descriptors.oblique import voxelize_oblique
from hpcvox.descriptors.radii import widths
from hpcvox.errors import Rejected
from hpcvox.featurize.sampler import Arrays, Sampler
from hpcvox.featurize.settings import DensitySettings
from hpcvox.shards.half import to_half
from hpcvox.shards.layout import density_arrays


class DensitySampler(Sampler):
    """Makes density, species and mask voxels on a grid that follows the cell."""

    def __init__(self, settings: DensitySettings) -> None:
        self.settings = settings
        self.arrays = density_arrays(settings.voxels, settings.dtype)
        self._widths = widths(settings.sigma)
        self._density = np.empty((settings.voxels,) * 3, np.float32)

    def prepare(self, crystal: Crystal) -> Crystal:
        """Bring the crystal to a cell that the grid can hold: conventional if the settings say so.

        Raises:
            Rejected: ``not-cubic`` or ``not-orthogonal``, where ``shapes`` does not allow the cell.
        """
        if _simple_cube(crystal.lattice):
            return crystal
        tolerance = self.settings.cubic_tolerance
        if self.settings.cell == "conventional":
            crystal = conventional(crystal, tolerance)
        if is_cubic(crystal.lattice, tolerance):
            return crystal
        lengths = np.linalg.norm(crystal.lattice, axis=1)
        size = " × ".join(f"{length:.4g}" for length in lengths)
        if self.settings.shapes == "cubic":
            raise Rejected(
                "not-cubic",
                f"the {self.settings.cell} cell of {size} Å is not cubic (cubic_tolerance={tolerance:g})",
            )
        if self.settings.shapes == "orthogonal" and not is_orthogonal(crystal.lattice):
            raise Rejected("not-orthogonal", f"the {self.settings.cell} cell of {size} Å is oblique")
        return crystal

    def fill(self, crystal: Crystal, place: tuple[int, int], slot: Arrays) -> Arrays:
        """See :class:`hpcvox.featurize.sampler.Sampler`."""
        half = slot["density"].dtype == np.float16
        density = self._density if half else slot["density"]
        out = Voxels(density, slot["species"])
        n = self.settings.voxels
        cube = _simple_cube(crystal.lattice)
        if cube or is_orthogonal(crystal.lattice):
            lengths = crystal.lattice.diagonal().copy() if cube else np.linalg.norm(crystal.lattice, axis=1)
            voxelize(lengths, crystal.frac, crystal.numbers, self.settings.grid, n, out, self._widths)
        else:
            voxelize_oblique(crystal.lattice, crystal.frac, crystal.numbers, n, out, self._widths)
        if half:
            to_half(density, slot["density"])
        slot["mask"].reshape(-1)[:] = np.packbits(slot["species"].reshape(-1))
        return {}


def _simple_cube(lattice: Any) -> bool:
    """Whether the cell is diagonal with three equal lengths: a quick test that nearly all cubic CIFs pass."""
    (a, d, e), (f, b, g), (h, i, c) = lattice.tolist()
    return bool(0.0 < a == b == c and d == e == f == g == h == i == 0.0)
