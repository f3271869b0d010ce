"""Batches of crystal graphs, one after the other in the same arrays."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from hpcvox.shards.reader import ShardSet
from hpcvox.training.data import Slice


class GraphBatch(NamedTuple):
    """Graphs of one step on one rank: B crystals of k sites together, with N neighbours each."""

    indices: NDArray[np.int64]
    """(B,) samples of the shard set."""
    share: torch.Tensor
    """(B,) float32: weight of each sample in the rank's loss, so that the mean over ranks is that over samples."""
    numbers: torch.Tensor
    """(k,) int64: atomic numbers."""
    neighbours: torch.Tensor
    """(k, N) int64: row of the site that each edge leads to."""
    distances: torch.Tensor
    """(k, N) float32, in Å."""
    sites: torch.Tensor
    """(B,) int64: sites of each crystal."""
    epoch: int


def load(shards: ShardSet, part: Slice, epoch: int) -> GraphBatch:
    """Read the samples of ``part`` from a set of the descriptor ``graph``."""
    numbers = [shards.sites(int(index))[0] for index in part.indices]
    sites = np.array([len(sample) for sample in numbers], np.int64)
    first = np.repeat(np.cumsum(sites) - sites, sites)
    neighbours = np.concatenate(shards.read_ragged("neighbours", part.indices)) + first[:, None]
    distances = np.concatenate(shards.read_ragged("distances", part.indices))
    return GraphBatch(
        part.indices,
        torch.from_numpy(part.share),
        torch.from_numpy(np.concatenate(numbers).astype(np.int64)),
        torch.from_numpy(neighbours),
        torch.from_numpy(distances),
        torch.from_numpy(sites),
        epoch,
    )
