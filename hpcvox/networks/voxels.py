"""Reads batches of density voxels, and rotates each sample."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from hpcvox.descriptors.grids import cell_coordinates
from hpcvox.descriptors.rotations import ROTATIONS, rotate
from hpcvox.shards.reading.cells import read_cells
from hpcvox.shards.reading.densities import grid_voxels, read_densities
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.training.data import TURN, Slice, generator


class VoxelBatch(NamedTuple):
    """The density voxels of one step on one rank."""

    indices: NDArray[np.int64]
    """(B,) int64: numbers of the samples in the shard set."""
    share: torch.Tensor
    """(B,) float32: weight of each sample in the rank's loss; with it the mean over ranks is the mean over samples."""
    x: torch.Tensor
    """(B, 4, n, n, n) float32: density in e/Å³, then x, y, z in Å."""
    species: torch.Tensor
    """(B, n, n, n) uint8: atomic numbers, 0 = background."""
    epoch: int


def load(shards: ShardSet, part: Slice, epoch: int, turn_seed: int | None) -> VoxelBatch:
    """Read the samples of ``part``; with ``turn_seed``, each is turned by the rotation drawn for (epoch, sample)."""
    density, species = read_densities(shards, part.indices)
    cells = read_cells(shards, part.indices)
    n = grid_voxels(shards)
    x = np.empty((len(part.indices), 4, n, n, n), np.float32)
    labels = np.empty_like(species)
    for row, index in enumerate(part.indices):
        turn = 0
        if turn_seed is not None:
            turn = int(generator(turn_seed, TURN, epoch, int(index)).integers(len(ROTATIONS)))
        rotation = ROTATIONS[turn]
        x[row, 0] = rotate(density[row], rotation)
        labels[row] = rotate(species[row], rotation)
        # rotating the axes of an oblique cell gives another setting of the cell, with its angles exchanged
        x[row, 1:] = cell_coordinates(rotation.matrix @ cells[row], shards.grid, n)
    return VoxelBatch(
        part.indices, torch.from_numpy(part.share), torch.from_numpy(x), torch.from_numpy(labels), epoch
    )
