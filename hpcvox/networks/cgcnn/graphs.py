"""Crystal graphs together, one after the other in the same arrays: batches of a shard set, or any."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.training.data import Slice


class Graphs(NamedTuple):
    """B crystals of k sites together, with N neighbours each: what the network takes."""

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


class GraphBatch(NamedTuple):
    """Graphs of one step on one rank."""

    indices: NDArray[np.int64]
    """(B,) samples of the shard set."""
    share: torch.Tensor
    """(B,) float32: weight of each sample in the rank's loss, so that the mean over ranks is that over samples."""
    graph: Graphs
    epoch: int


Ragged = Sequence[NDArray[np.generic]]
"""An array a crystal."""


def joined(numbers: Ragged, neighbours: Ragged, distances: Ragged, orbits: Ragged | None) -> Graphs:
    """One set of arrays from those of each crystal; with ``orbits``, of one site of each alone.

    Args:
        numbers: atomic numbers, (sites,) each.
        neighbours: sites within the crystal, (sites, N) each.
        distances: in Å, (sites, N) each.
        orbits: first site that each one is like, (sites,) each; None: every site is computed.
    """
    sites = np.array([len(sample) for sample in numbers], np.int64)
    first = np.repeat(np.cumsum(sites) - sites, sites)
    number = np.concatenate(numbers).astype(np.int64)
    neighbour = np.concatenate(neighbours).astype(np.int64) + first[:, None]
    distance = np.concatenate(distances).astype(np.float32, copy=False)
    weights: NDArray[np.float64] = np.repeat(1 / sites, sites)
    if orbits is not None:
        orbit = np.concatenate(orbits).astype(np.int64) + first
        chosen, row = np.unique(orbit, return_inverse=True)
        weights = np.bincount(row, weights).astype(np.float64)
        number, neighbour, distance = number[chosen], row[neighbour[chosen]], distance[chosen]
        sites = np.diff(np.searchsorted(chosen, np.cumsum(sites)), prepend=0)
    return Graphs(
        torch.from_numpy(number),
        torch.from_numpy(neighbour),
        torch.from_numpy(distance),
        torch.from_numpy(sites),
        torch.from_numpy(weights.astype(np.float32)[:, None]),
    )


def load(shards: ShardSet, part: Slice, epoch: int) -> GraphBatch:
    """Read the samples of ``part`` from a set of the descriptor ``graph``."""
    graph = joined(
        [shards.sites(int(index))[0] for index in part.indices],
        shards.read_ragged("neighbours", part.indices),
        shards.read_ragged("distances", part.indices),
        shards.read_ragged("orbit", part.indices) if "orbit" in shards.array_names else None,
    )
    return GraphBatch(part.indices, torch.from_numpy(part.share), graph, epoch)
