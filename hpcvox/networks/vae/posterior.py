"""Where a trained network has its training samples in the latent space: gathered from all ranks, in their order."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from hpcvox.process.interrupt import StopRequest
from hpcvox.progress import Progress
from hpcvox.training.data import Loader, Slice
from hpcvox.training.ranks.comm import Comm

BATCH = 32
"""Samples a batch, always: libraries choose their kernels by its shape, and other kernels round otherwise."""


class Posterior(NamedTuple):
    """The posteriors of N samples."""

    mean: NDArray[np.float32]
    """(N, L)"""
    log_variance: NDArray[np.float32]
    """(N, L)"""


def gather(
    read: Callable[[Slice], Any],
    encode: Callable[[Any], tuple[torch.Tensor, torch.Tensor]],
    samples: NDArray[np.int64],
    latent: int,
    comm: Comm,
) -> Posterior | None:
    """Posteriors of ``samples``, in their order: the same bits on every rank, by any number of ranks.

    Args:
        read: the batch of a slice; called in another thread.
        encode: mean and log-variance, each (B, L), of a batch.

    Returns:
        None, on every rank, where a signal has stopped one of them.
    """
    batches = [samples[start : start + BATCH] for start in range(0, len(samples), BATCH)]
    # the last one is filled up with samples of its own, whose rows are cut off at the end
    mine = [
        Slice(np.resize(batch, BATCH), np.ones(BATCH, np.float32))
        for batch in batches[comm.rank :: comm.size]
    ]
    comm.at("the last epoch")
    rounds = []
    with (
        one_thread(),
        StopRequest() as stop,
        Progress("prior", len(samples), "samples") if comm.rank == 0 else contextlib.nullcontext() as bar,
        contextlib.closing(iter(Loader(read, mine))) as loaded,
    ):
        for first in range(0, len(batches), comm.size):
            # a row for each rank, zero in those of the others: their sum is all rows
            said = torch.zeros(comm.size, 1 + BATCH * 2 * latent)
            if first + comm.rank < len(batches):
                with torch.no_grad():
                    pair = torch.stack(encode(next(loaded)), dim=1)
                said[comm.rank, 1:] = pair.float().cpu().flatten()
            said[comm.rank, 0] = float(stop.received != 0)
            said = comm.sum(said, "posterior")
            if said[:, 0].any():
                return None
            rounds.append(said[:, 1:].reshape(-1, 2, latent))
            if bar is not None:
                bar.advance(sum(map(len, batches[first : first + comm.size])))
    rows = torch.cat(rounds)[: len(samples)].numpy()
    return Posterior(rows[:, 0], rows[:, 1])


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """PyTorch computes with one thread: with another number, as ranks share the CPUs, sums may round otherwise."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
