"""Decides which samples are in each batch of a rank, and reads batches before the step that needs them."""

import queue
import threading
import time
from collections.abc import Callable, Generator
from typing import Generic, NamedTuple, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

B = TypeVar("B")

AHEAD = 3
"""How many batches are read before the step that needs them."""

# The purposes for which random numbers are drawn; each has a stream of its own, independent of the others.
ORDER, TURN, NOISE, VOXELS, REPLICA, CRYSTALS, DROPOUT = range(7)


class Batch(Protocol):
    """The samples of one step on one rank.  A task may add fields, which its ``read`` fills and its ``losses`` use."""

    @property
    def indices(self) -> NDArray[np.int64]:
        """(B,) int64: numbers of the samples in the shard set."""

    @property
    def share(self) -> torch.Tensor:
        """(B,) float32: weight of a sample in the rank's loss; with it the mean over ranks is the mean over samples."""

    @property
    def epoch(self) -> int:
        """The number of the pass over the samples, from 0; -1 in an evaluation."""


def counts(batch: Batch) -> bool:
    """Whether a sample of the batch has a weight; a rank for which no sample was left has a batch without weight."""
    return bool(batch.share.any())


class Slice(NamedTuple):
    """The part of a step that one rank computes."""

    indices: NDArray[np.int64]
    share: NDArray[np.float32]


def generator(seed: int, purpose: int, *key: int) -> np.random.Generator:
    """A generator whose numbers depend only on seed, purpose and key, not on ranks, order or restarts."""
    return np.random.default_rng([seed, purpose, *key])


def plan(
    samples: NDArray[np.int64],
    batch_size: int,
    rank: int,
    size: int,
    order: np.random.Generator | None,
    accumulate: int = 1,
    seen: int = 0,
) -> list[Slice]:
    """Plan one pass over ``samples``: the slices of this rank, ``accumulate`` for each step.

    Over all ranks, every sample is in exactly one slice.  The samples of a step are those that a single rank with
    ``size * accumulate`` times the batch size would take.  They are divided evenly.  All ranks must take every step, so
    a slice for which no sample is left repeats one with weight 0.

    Args:
        samples: numbers of the samples.
        batch_size: samples per rank and slice.
        rank: number of this rank.
        size: number of ranks.
        order: shuffles the samples; None: they keep their order.
        accumulate: slices of a rank in each step.
        seen: how many samples of this pass were trained on before, by any number of ranks.
    """
    sequence = samples if order is None else order.permutation(samples)
    parts = size * accumulate
    slices = []
    for start in range(seen, len(sequence), batch_size * parts):
        together = sequence[start : start + batch_size * parts]
        # the average over ranks gives each rank the same weight, however many samples it has
        weight = size / len(together)
        for mine in np.array_split(together, parts)[rank * accumulate : (rank + 1) * accumulate]:
            if len(mine):
                slices.append(Slice(mine, np.full(len(mine), weight, np.float32)))
            else:
                slices.append(Slice(together[:1], np.zeros(1, np.float32)))
    return slices


class Loader(Generic[B]):
    """Iterates over the batches that ``read`` makes of ``parts`` in another thread; measures the time spent waiting."""

    def __init__(self, read: Callable[[Slice], B], parts: list[Slice]) -> None:
        self._read, self._parts = read, parts
        self.waited_s = 0.0

    def __iter__(self) -> Generator[B, None, None]:
        ready: queue.Queue[B | BaseException | None] = queue.Queue(AHEAD)
        stop = threading.Event()

        def put(item: B | BaseException | None) -> None:
            while not stop.is_set():
                try:
                    ready.put(item, timeout=0.5)
                    break
                except queue.Full:
                    continue

        def read() -> None:
            try:
                for part in self._parts:
                    if stop.is_set():
                        return
                    put(self._read(part))
                put(None)
            except BaseException as error:  # passed to the consumer, which raises it
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
