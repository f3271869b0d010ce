"""Batches for a rank: which samples, turned how, read ahead of the step that needs them."""

import queue
import threading
import time
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from hpcvox.descriptors.grids import coordinates
from hpcvox.descriptors.rotations import ROTATIONS, rotate
from hpcvox.shards.reader import ShardSet

AHEAD = 3
"""Batches read ahead of the training step."""

# The purposes for which random numbers are drawn: each has its own stream, so that none depends on another.
ORDER, TURN, NOISE, VOXELS = range(4)


class Batch(NamedTuple):
    """Samples of one step on one rank."""

    indices: NDArray[np.int64]
    """(B,) samples of the shard set."""
    share: torch.Tensor
    """(B,) float32: weight of each sample in the rank's loss, so that the mean over ranks is that over samples."""
    x: torch.Tensor
    """(B, 4, n, n, n) float32: density in e/Å³, then x, y, z in Å."""
    species: torch.Tensor
    """(B, n, n, n) uint8: atomic numbers, 0 = background."""
    epoch: int


class Slice(NamedTuple):
    """The part of a step that one rank computes."""

    indices: NDArray[np.int64]
    share: NDArray[np.float32]


def generator(seed: int, purpose: int, *key: int) -> np.random.Generator:
    """Random numbers that depend on the seed, the purpose and the key alone: not on ranks, order or restarts."""
    return np.random.default_rng([seed, purpose, *key])


def plan(
    samples: NDArray[np.int64], batch_size: int, rank: int, size: int, order: np.random.Generator | None
) -> list[Slice]:
    """This rank's slices of the steps of one pass over ``samples``; every sample is in one step, once.

    A step's samples are those that one rank with ``size`` times the batch would see.  They are dealt out
    evenly; a rank for which none is left repeats one with no weight, since all ranks step together.
    """
    sequence = samples if order is None else order.permutation(samples)
    steps = []
    for start in range(0, len(sequence), batch_size * size):
        together = sequence[start : start + batch_size * size]
        mine = np.array_split(together, size)[rank]
        # the ranks' gradients are averaged with equal weight whatever their number of samples
        share = np.full(len(mine), size / len(together), np.float32)
        if not len(mine):
            mine, share = together[:1], np.zeros(1, np.float32)
        steps.append(Slice(mine, share))
    return steps


def load(shards: ShardSet, part: Slice, epoch: int, turn_seed: int | None) -> Batch:
    """Read the samples of ``part``; with ``turn_seed``, each is turned by the rotation drawn for (epoch, sample)."""
    density, species = shards.read(part.indices)
    n = shards.voxels
    x = np.empty((len(part.indices), 4, n, n, n), np.float32)
    labels = np.empty_like(species)
    for row, index in enumerate(part.indices):
        lengths = np.linalg.norm(shards.cells[index], axis=1)
        turn = 0
        if turn_seed is not None:
            turn = int(generator(turn_seed, TURN, epoch, int(index)).integers(len(ROTATIONS)))
        rotation = ROTATIONS[turn]
        x[row, 0] = rotate(density[row], rotation)
        labels[row] = rotate(species[row], rotation)
        x[row, 1:] = coordinates(lengths[list(rotation.axes)], shards.grid, n)
    return Batch(
        part.indices, torch.from_numpy(part.share), torch.from_numpy(x), torch.from_numpy(labels), epoch
    )


class Loader:
    """Iterates over the batches of ``parts``, read by a thread of its own; counts the time spent waiting."""

    def __init__(self, shards: ShardSet, parts: list[Slice], epoch: int, turn_seed: int | None) -> None:
        self._arguments = shards, parts, epoch, turn_seed
        self.waited_s = 0.0

    def __iter__(self) -> Iterator[Batch]:
        shards, parts, epoch, turn_seed = self._arguments
        ready: queue.Queue[Batch | BaseException | None] = queue.Queue(AHEAD)
        stop = threading.Event()

        def put(item: Batch | BaseException | None) -> None:
            while not stop.is_set():
                try:
                    ready.put(item, timeout=0.5)
                    break
                except queue.Full:
                    continue

        def read() -> None:
            try:
                for part in parts:
                    if stop.is_set():
                        return
                    put(load(shards, part, epoch, turn_seed))
                put(None)
            except BaseException as error:  # handed to the consumer, which raises it
                put(error)

        thread = threading.Thread(target=read, name="loader", daemon=True)
        thread.start()
        try:
            while True:
                start = time.perf_counter()
                item = ready.get()
                self.waited_s += time.perf_counter() - start
                if item is None:
                    return
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            stop.set()
            thread.join()
