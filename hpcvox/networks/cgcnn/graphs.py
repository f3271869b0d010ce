"""Batches of crystal graphs: the sites of all crystals one after the other in the same arrays."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.training.data import Slice


class Graphs(NamedTuple):
    """The input of the network: B crystals with k sites in total, each with N neighbours."""

    numbers: torch.Tensor
    """(k,) int64: atomic numbers."""
    neighbours: torch.Tensor
    """(k, N) int64: row of the site at the end of each edge."""
    distances: torch.Tensor
    """(k, N) float32: lengths of the edges in Å."""
    sites: torch.Tensor
    """(B,) int64: number of sites of each crystal; if the shard set has orbits, number of orbits."""
    weights: torch.Tensor
    """(k, 1) float32: share of the site, or of all sites of its orbit, in the sites of its crystal."""


class GraphBatch(NamedTuple):
    """The graphs of one step on one rank."""

    indices: NDArray[np.int64]
    """(B,) int64: numbers of the samples in the shard set."""
    share: torch.Tensor
    """(B,) float32: weight of each sample in the rank's loss; with it the mean over ranks is the mean over samples."""
    graph: Graphs
    epoch: int


Ragged = Sequence[NDArray[np.generic]]
"""One array for each crystal."""


def joined(numbers: Ragged, neighbours: Ragged, distances: Ragged, orbits: Ragged | None) -> Graphs:
    """Join the arrays of several crystals; with ``orbits``, keep only one site of each orbit.

    Args:
        numbers: atomic numbers, (sites,) for each crystal.
        neighbours: the site at the end of each edge, numbered within the crystal, (sites, N) for each crystal.
        distances: lengths of the edges in Å, (sites, N) for each crystal.
        orbits: first site that is equivalent to each site, (sites,) for each crystal; None: every site is computed.
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
    """Read the samples of ``part`` from a shard set of the descriptor ``graph``."""
    graph = joined(
        [shards.sites(int(index))[0] for index in part.indices],
        shards.read_ragged("neighbours", part.indices),
        shards.read_ragged("distances", part.indices),
        shards.read_ragged("orbit", part.indices) if "orbit" in shards.array_names else None,
    )
    return GraphBatch(part.indices, torch.from_numpy(part.share), graph, epoch)
