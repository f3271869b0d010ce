"""Decides which samples are in each batch of a rank, and reads batches before the step that needs them."""

import queue
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import islice
from typing import Generic, NamedTuple, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from hpcvox.shards.selection import Samples
from hpcvox.training.order import Order

B = TypeVar("B")

AHEAD = 3
"""How many batches are read before the step that needs them."""

AT_ONCE = 4096
"""About so many samples are planned at a time: the calls of NumPy then cost little, and the first batch is soon there.
"""

# The purposes for which random numbers are drawn; each has a stream of its own, independent of the others.
ORDER, TURN, NOISE, VOXELS, REPLICA, CRYSTALS, DROPOUT, SPECKLE = range(8)


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
    samples: Samples,
    batch_size: int,
    rank: int,
    size: int,
    order: Order | None,
    accumulate: int = 1,
    seen: int = 0,
) -> Iterator[Slice]:
    """Plan one pass over ``samples``: the slices of this rank, ``accumulate`` for each step, as they are asked for.

    Over all ranks, every sample is in exactly one slice.  The samples of a step are those that a single rank with
    ``size * accumulate`` times the batch size would take.  They are divided evenly.  All ranks must take every step, so
    a slice for which no sample is left repeats one with weight 0.

    Args:
        samples: numbers of the samples.
        batch_size: samples per rank and slice.
        rank: number of this rank.
        size: number of ranks.
        order: which of ``samples`` comes at each place; None: they keep their order.
        accumulate: slices of a rank in each step.
        seen: how many samples of this pass were trained on before, by any number of ranks.
    """
    spans = _spans(len(samples), batch_size, rank, size, accumulate, seen)
    while group := list(islice(spans, max(1, AT_ONCE // batch_size))):
        places = np.concatenate([np.arange(first, end) for first, end, _ in group])
        numbers = samples[places if order is None else order(places)]
        ends = np.cumsum([end - first for first, end, _ in group])[:-1]
        for mine, (_, _, weight) in zip(np.split(numbers, ends), group, strict=True):
            yield Slice(mine, np.full(len(mine), weight, np.float32))


def _spans(
    n: int, batch_size: int, rank: int, size: int, accumulate: int, seen: int
) -> Iterator[tuple[int, int, float]]:
    """The places of each slice of :func:`plan` (first, end), and the weight of its samples."""
    parts = size * accumulate
    for start in range(seen, n, batch_size * parts):
        together = min(batch_size * parts, n - start)
        least, longer = divmod(together, parts)  # the first parts have one sample more
        for part in range(rank * accumulate, (rank + 1) * accumulate):
            first = start + part * least + min(part, longer)
            end = first + least + (part < longer)
            # the average over ranks gives each rank the same weight, however many samples it has
            yield (first, end, size / together) if end > first else (start, start + 1, 0.0)


class Loader(Generic[B]):
    """Iterates over the batches that ``read`` makes of ``parts`` in another thread; measures the time spent waiting."""

    def __init__(self, read: Callable[[Slice], B], parts: Iterable[Slice]) -> None:
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
