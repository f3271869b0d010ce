"""Density voxels of a shard set: density and species of any samples, the density as numbers that one computes with."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpcvox.shards.reading.shard_set import ShardSet

FEW_VALUES = 2**24
"""So many are widened from float16 by NumPy before Numba does so: loading that takes 0.8 s and saves 0.3 s."""

_widened = 0  # about, of this process: several threads may count


def grid_voxels(shards: ShardSet) -> int:
    """Voxels along an edge of the grid.

    Raises:
        ShardError: the set has no densities, or no samples.
    """
    return int(shards.array_shape("density")[0])


def sigma(shards: ShardSet) -> float | None:
    """Width in Å of every Gaussian; None: the ionic radius of each element."""
    width: float | None = shards.manifest.settings.get("sigma")
    return width


def read_densities(
    shards: ShardSet,
    indices: Sequence[int] | NDArray[np.integer[Any]],
    density_out: NDArray[np.float32] | None = None,
    species_out: NDArray[np.uint8] | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Density (B, n, n, n) float32 in e/Å³ and species (B, n, n, n) uint8 of the samples ``indices``.

    ``density_out`` and ``species_out``, of these shapes and C-contiguous, are filled where given; errors are those of
    :meth:`ShardSet.read_array`.
    """
    global _widened  # noqa: PLW0603 - whether Numba is loaded is the whole process's
    species = shards.read_array("species", indices, species_out)
    if shards.array_dtype("density") == np.float32:
        return shards.read_array("density", indices, density_out), species
    stored = shards.read_array("density", indices)
    if density_out is None:
        density_out = np.empty(stored.shape, np.float32)
    _widened += stored.size
    if _widened < FEW_VALUES:
        density_out[:] = stored
    else:
        from hpcvox.shards.half import from_half

        from_half(stored, density_out)
    return density_out, species
