"""Batches for a rank: which samples, and read ahead of the step that needs them."""

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
"""Batches read ahead of the training step."""

# The purposes for which random numbers are drawn: each has its own stream, so that none depends on another.
ORDER, TURN, NOISE, VOXELS, REPLICA, CRYSTALS, DROPOUT = range(7)


class Batch(Protocol):
    """Samples of one step on one rank; what else there is, is between a task's ``read`` and its ``losses``."""

    @property
    def indices(self) -> NDArray[np.int64]:
        """(B,) samples of the shard set."""

    @property
    def share(self) -> torch.Tensor:
        """(B,) float32: weight of a sample in the rank's loss, so that the mean over ranks is that over samples."""

    @property
    def epoch(self) -> int:
        """Which pass over the samples this is, from 0."""


def counts(batch: Batch) -> bool:
    """Whether any sample of the batch has a weight; those of a rank for which none was left have not."""
    return bool(batch.share.any())


class Slice(NamedTuple):
    """The part of a step that one rank computes."""

    indices: NDArray[np.int64]
    share: NDArray[np.float32]


def generator(seed: int, purpose: int, *key: int) -> np.random.Generator:
    """Random numbers that depend on the seed, the purpose and the key alone: not on ranks, order or restarts."""
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
    """This rank's slices of one pass over ``samples``, ``accumulate`` a step; every sample is in one, once.

    The first ``seen`` of the pass have been trained on, by whatever number of ranks.

    A step's samples are those that one rank with ``size * accumulate`` times the batch would see.  They are
    dealt out evenly; a slice for which none is left repeats one with no weight, since all ranks step together.
    """
    sequence = samples if order is None else order.permutation(samples)
    parts = size * accumulate
    slices = []
    for start in range(seen, len(sequence), batch_size * parts):
        together = sequence[start : start + batch_size * parts]
        # the ranks' gradients are averaged with equal weight whatever their number of samples
        weight = size / len(together)
        for mine in np.array_split(together, parts)[rank * accumulate : (rank + 1) * accumulate]:
            if len(mine):
                slices.append(Slice(mine, np.full(len(mine), weight, np.float32)))
            else:
                slices.append(Slice(together[:1], np.zeros(1, np.float32)))
    return slices


class Loader(Generic[B]):
    """Iterates over ``read`` of each of ``parts``, called in a thread of its own; counts the time spent waiting."""

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
