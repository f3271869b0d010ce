"""Joins ranks by torch.distributed (Gloo, or NCCL between GPUs), for sites where Horovod cannot be built."""

import contextlib
import os
import secrets
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist

from hpcvox.errors import MissingDependencyError
from hpcvox.process.launcher import RANK, no_mpi, step_ranks
from hpcvox.training.ranks.meeting import Meeting, Place
from hpcvox.training.ranks.watchdog import Watchdog
from hpcvox.training.settings import TrainSettings


class TorchDistributed:
    """Ranks started by torchrun, by ``ranks=N``, by srun, or by mpirun with MPI.

    torchrun brings its ranks together.  The others only tell each rank its number; those ranks meet in a folder below
    ``out`` that only this user may enter.
    """

    device = torch.device("cpu")
    lost: tuple[type[Exception], ...] = ()
    joining = False

    def __init__(self, settings: TrainSettings) -> None:
        self._settings = settings
        self.exchanges_gpus = (
            settings.device != "cpu" and torch.cuda.is_available() and dist.is_nccl_available()
        )
        backend = "cpu:gloo,cuda:nccl" if self.exchanges_gpus else "gloo"
        timeout = timedelta(seconds=settings.stall_s)
        self._meeting: Meeting | None = None
        if "TORCHELASTIC_RUN_ID" in os.environ:
            self.local_rank, self.local_size = (
                int(os.environ["LOCAL_RANK"]),
                int(os.environ["LOCAL_WORLD_SIZE"]),
            )
            dist.init_process_group(backend, timeout=timeout)
        else:
            place = _place()
            self.local_rank, self.local_size = place.local_rank, place.local_size
            self._meeting = Meeting(settings.out, place, settings.stall_s)
            dist.init_process_group(
                backend, store=self._meeting, rank=place.rank, world_size=place.size, timeout=timeout
            )
        self.rank: int = dist.get_rank()
        self.size: int = dist.get_world_size()
        self._watchdog = Watchdog(self.rank, settings.stall_s)
        if self._meeting is not None and not self.exchanges_gpus:  # NCCL needs the meeting at its first use
            self.sum(torch.zeros(1), "met")
            self._meeting.close()

    def wrap(self, optimizer: torch.optim.Optimizer, model: torch.nn.Module) -> torch.optim.Optimizer:
        return optimizer

    def average(
        self, optimizer: torch.optim.Optimizer, parameters: list[torch.nn.Parameter], said: torch.Tensor
    ) -> torch.Tensor:
        gradients = [p.grad if p.grad is not None else torch.zeros_like(p) for p in parameters]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        if self._settings.compression == "float16":
            flat = flat.half()
        total = said.clone()
        with self._waiting():
            dist.all_reduce(flat)
            dist.all_reduce(total)
        parts = torch.split(flat.float() / self.size, [p.numel() for p in parameters])
        for parameter, part in zip(parameters, parts, strict=True):
            parameter.grad = part.view_as(parameter)
        return total

    def step(self, optimizer: torch.optim.Optimizer) -> None:
        optimizer.step()

    def broadcast(self, tensors: Iterable[tuple[str, torch.Tensor]]) -> None:
        with self._waiting():
            for _, tensor in tensors:
                dist.broadcast(tensor, 0)

    def sum(self, tensor: torch.Tensor, name: str) -> torch.Tensor:
        with self._waiting():
            total: torch.Tensor = _Sum.apply(tensor)  # type: ignore[no-untyped-call]
        return total

    def _waiting(self) -> contextlib.AbstractContextManager[None]:
        return self._watchdog.waiting(
            RuntimeError
        )  # Gloo raises it if a connection was closed or the time is up

    def at(self, where: str) -> None:
        self._watchdog.where = where

    def close(self) -> None:
        self._watchdog.stop()
        dist.destroy_process_group()
        if self._meeting is not None:
            self._meeting.close()


def _place() -> Place:
    """The place of this rank among those that srun or mpirun has started.

    Raises:
        MissingDependencyError: srun did not start them, and MPI cannot be loaded.
    """
    if RANK in os.environ:
        return Place.of_one_machine()
    if step_ranks() > 1:  # do not ask MPI here: if it does not fit this srun, it would end the process
        return Place.of_slurm()
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:
        raise MissingDependencyError(
            f"ranks were started by mpirun, and {no_mpi(error)}; or have them started by ranks=N or srun, which "
            "takes no MPI"
        ) from None
    world = MPI.COMM_WORLD
    node = world.Split_type(MPI.COMM_TYPE_SHARED)
    job = os.environ.get("SLURM_JOB_ID", f"{os.uname().nodename}.{os.getpid()}")
    name = world.bcast(f"{job}-{secrets.token_hex(8)}")
    return Place(name, world.rank, world.size, node.rank, node.size, 1 if node.size == world.size else None)


class _Sum(torch.autograd.Function):
    """The sum over the ranks; its gradient is the sum of the gradients of all ranks."""

    @staticmethod
    def forward(ctx: Any, tensor: torch.Tensor) -> torch.Tensor:
        total = tensor.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        total = gradient.clone()
        dist.all_reduce(total)
        return total
