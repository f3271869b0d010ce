"""Ranks and what they say to each other: the only file that knows Horovod.

Two communicators of one interface: :class:`Alone` for one process, :class:`Horovod` for several.
"""

import os
from collections.abc import Iterable
from typing import Any, Protocol

import torch

from hpcvox.errors import MissingDependencyError


class Comm(Protocol):
    """What a training asks of its ranks."""

    rank: int
    size: int
    local_size: int

    def wrap(self, optimizer: torch.optim.Optimizer, model: torch.nn.Module) -> torch.optim.Optimizer:
        """An optimizer that averages gradients over the ranks.  Load its state afterwards."""

    def step(
        self, optimizer: torch.optim.Optimizer, parameters: list[torch.nn.Parameter], clip_norm: float
    ) -> None:
        """One step of a wrapped optimizer on the averaged gradients, their norm cut to ``clip_norm`` (0: not)."""

    def broadcast(self, tensors: Iterable[tuple[str, torch.Tensor]]) -> None:
        """Give every rank the named tensors of rank 0, in place."""

    def sum(self, tensor: torch.Tensor, name: str) -> torch.Tensor:
        """Sum over the ranks; differentiable; the same bits on every rank."""

    def close(self) -> None:
        """Leave the group."""


class Alone:
    """The communicator of a single process; needs nothing installed."""

    rank, size, local_size = 0, 1, 1

    def wrap(self, optimizer: torch.optim.Optimizer, model: torch.nn.Module) -> torch.optim.Optimizer:
        return optimizer

    def step(
        self, optimizer: torch.optim.Optimizer, parameters: list[torch.nn.Parameter], clip_norm: float
    ) -> None:
        if clip_norm:
            torch.nn.utils.clip_grad_norm_(parameters, clip_norm)
        optimizer.step()

    def broadcast(self, tensors: Iterable[tuple[str, torch.Tensor]]) -> None:
        pass

    def sum(self, tensor: torch.Tensor, name: str) -> torch.Tensor:
        return tensor

    def close(self) -> None:
        pass


class Horovod:
    """Ranks started by horovodrun, mpirun or srun, joined by Horovod (MPI where built with it, else Gloo)."""

    def __init__(self) -> None:
        try:
            import horovod.torch as hvd
        except ImportError as error:
            raise MissingDependencyError(
                f"training on several ranks needs Horovod, which cannot be imported ({error}): "
                "run `make setup` with a C++ compiler and CMake at hand, or train on one rank (ranks=1)"
            ) from None
        hvd.init()
        self._hvd: Any = hvd
        self.rank: int = hvd.rank()
        self.size: int = hvd.size()
        self.local_size: int = hvd.local_size()

    def wrap(self, optimizer: torch.optim.Optimizer, model: torch.nn.Module) -> torch.optim.Optimizer:
        wrapped: torch.optim.Optimizer = self._hvd.DistributedOptimizer(
            optimizer, named_parameters=model.named_parameters(), op=self._hvd.Average
        )
        return wrapped

    def step(
        self, optimizer: torch.optim.Optimizer, parameters: list[torch.nn.Parameter], clip_norm: float
    ) -> None:
        wrapped: Any = optimizer
        wrapped.synchronize()  # the norm is that of the averaged gradient, alike on all ranks
        if clip_norm:
            torch.nn.utils.clip_grad_norm_(parameters, clip_norm)
        with wrapped.skip_synchronize():
            wrapped.step()

    def broadcast(self, tensors: Iterable[tuple[str, torch.Tensor]]) -> None:
        self._hvd.broadcast_parameters(dict(tensors), root_rank=0)

    def sum(self, tensor: torch.Tensor, name: str) -> torch.Tensor:
        total: torch.Tensor = self._hvd.allreduce(tensor, op=self._hvd.Sum, name=name)
        return total

    def close(self) -> None:
        self._hvd.shutdown()


def launched_ranks() -> int:
    """Number of ranks that a launcher (horovodrun, mpirun, srun) started beside this process; 1 without one."""
    for size in ("HOROVOD_SIZE", "OMPI_COMM_WORLD_SIZE"):
        if size in os.environ:
            return int(os.environ[size])
    if "PMIX_RANK" in os.environ or "PMI_RANK" in os.environ:
        return int(os.environ.get("SLURM_STEP_NUM_TASKS", "1"))
    return 1


def connect() -> Comm:
    """The communicator of this process: Horovod's where a launcher started several ranks.

    Raises:
        MissingDependencyError: several ranks were started and Horovod is not installed.
    """
    return Horovod() if launched_ranks() > 1 else Alone()
