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
    """(B,) int64: sites of each crystal; where the set has their orbits, one of each."""
    weights: torch.Tensor
    """(k, 1) float32: share of a site, or of those it stands for, in its crystal."""
    epoch: int

    @property
    def graph(self) -> tuple[torch.Tensor, ...]:
        """What the network takes."""
        return self.numbers, self.neighbours, self.distances, self.sites, self.weights


def load(shards: ShardSet, part: Slice, epoch: int) -> GraphBatch:
    """Read the samples of ``part`` from a set of the descriptor ``graph``."""
    samples = [shards.sites(int(index))[0] for index in part.indices]
    sites = np.array([len(sample) for sample in samples], np.int64)
    first = np.repeat(np.cumsum(sites) - sites, sites)
    numbers = np.concatenate(samples).astype(np.int64)
    neighbours = np.concatenate(shards.read_ragged("neighbours", part.indices)) + first[:, None]
    distances = np.concatenate(shards.read_ragged("distances", part.indices))
    weights: NDArray[np.float64] = np.repeat(1 / sites, sites)
    if "orbit" in shards.array_names:
        orbit = np.concatenate(shards.read_ragged("orbit", part.indices)) + first
        chosen, row = np.unique(orbit, return_inverse=True)
        weights = np.bincount(row, weights).astype(np.float64)
        numbers, neighbours, distances = numbers[chosen], row[neighbours[chosen]], distances[chosen]
        sites = np.diff(np.searchsorted(chosen, np.cumsum(sites)), prepend=0)
    return GraphBatch(
        part.indices,
        torch.from_numpy(part.share),
        torch.from_numpy(numbers),
        torch.from_numpy(neighbours),
        torch.from_numpy(distances),
        torch.from_numpy(sites),
        torch.from_numpy(weights.astype(np.float32)[:, None]),
        epoch,
    )
