"""Computes the posteriors of the training samples on all ranks, and gathers them in the order of the samples."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from hpcvox.process.interrupt import StopRequest
from hpcvox.progress import Progress
from hpcvox.shards.selection import Samples
from hpcvox.training.data import Loader, Slice
from hpcvox.training.ranks.comm import Comm

BATCH = 32
"""Samples in every batch: libraries choose kernels by the shape of a batch, and kernels round differently."""


class Posterior(NamedTuple):
    """The posteriors of N samples: normal distributions in the latent space."""

    mean: NDArray[np.float32]
    """(N, L)"""
    log_variance: NDArray[np.float32]
    """(N, L)"""


def gather(
    read: Callable[[Slice], Any],
    encode: Callable[[Any], tuple[torch.Tensor, torch.Tensor]],
    samples: Samples,
    latent: int,
    comm: Comm,
) -> Posterior | None:
    """Compute the posteriors of ``samples``, in their order; the bits are the same for any number of ranks.

    Args:
        read: reads the batch of a slice; called in another thread.
        encode: returns the mean and the log-variance, each (B, L), of a batch.
        samples: numbers of the samples in the shard set.
        latent: L, dimensions of the latent space.
        comm: the ranks.

    Returns:
        None on every rank if a signal has stopped one of them.
    """
    batches = [samples[start : start + BATCH] for start in range(0, len(samples), BATCH)]
    # the last batch is filled up with samples of its own; their rows are removed at the end
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
            # each rank fills its own rows and leaves the others zero, so that the sum over ranks holds all rows
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
    """A context in which PyTorch uses one thread, because sums may round differently with another number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
