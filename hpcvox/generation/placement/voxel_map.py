"""A decoded map, prepared for the search for sites."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hpcvox.generation.placement.grid import VoxelGrid
from hpcvox.generation.placement.regions import local_maxima


@dataclass(frozen=True)
class VoxelMap:
    """What the networks predict for each voxel of one crystal; arrays are (n, n, n)."""

    grid: VoxelGrid
    density: NDArray[np.float32]
    """e/Å³, not negative."""

    species: NDArray[np.uint8]
    """The atomic number of each occupied voxel, and 0 for the others."""

    widths: NDArray[np.float64]
    """σ of the density's Gaussians in Å, by atomic number."""

    @cached_property
    def maxima(self) -> NDArray[np.bool_]:
        """Which voxels are local maxima of the density."""
        found: NDArray[np.bool_] = local_maxima(self.density, self.grid.wraps)
        return found
