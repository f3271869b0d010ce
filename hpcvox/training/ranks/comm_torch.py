"""Ranks joined by torch.distributed (Gloo, NCCL between GPUs), for sites where Horovod cannot be built."""

import contextlib
import os
import socket
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist

from hpcvox.errors import MissingDependencyError
from hpcvox.training.ranks.watchdog import Watchdog
from hpcvox.training.settings import TrainSettings


class TorchDistributed:
    """Ranks started by torchrun, or by mpirun or srun, where MPI tells them where to meet."""

    device = torch.device("cpu")
    lost: tuple[type[Exception], ...] = ()
    joining = False

    def __init__(self, settings: TrainSettings) -> None:
        self._settings = settings
        if "TORCHELASTIC_RUN_ID" in os.environ:
            self.local_rank, self.local_size = (
                int(os.environ["LOCAL_RANK"]),
                int(os.environ["LOCAL_WORLD_SIZE"]),
            )
        else:
            self.local_rank, self.local_size = self._meet_by_mpi()
        self.exchanges_gpus = (
            settings.device != "cpu" and torch.cuda.is_available() and dist.is_nccl_available()
        )
        dist.init_process_group(
            "cpu:gloo,cuda:nccl" if self.exchanges_gpus else "gloo",
            timeout=timedelta(seconds=settings.stall_s),
        )
        self.rank: int = dist.get_rank()
        self.size: int = dist.get_world_size()
        self._watchdog = Watchdog(self.rank, settings.stall_s)

    def _meet_by_mpi(self) -> tuple[int, int]:
        """Set what torch.distributed reads from the environment; which rank of this node it is, and of how many."""
        try:
            from mpi4py import MPI
        except (ImportError, RuntimeError) as error:
            raise MissingDependencyError(
                f"backend=torch takes torchrun, or mpirun or srun with MPI, and MPI cannot be loaded ({error})"
            ) from None
        world = MPI.COMM_WORLD
        if world.rank == 0:
            with socket.socket() as probe:
                probe.bind(("", 0))
                port = probe.getsockname()[1]
            place = (os.uname().nodename, port)
        else:
            place = None
        host, port = world.bcast(place)
        node = world.Split_type(MPI.COMM_TYPE_SHARED)
        if node.size == world.size:
            host = "127.0.0.1"
        os.environ |= {"MASTER_ADDR": host, "MASTER_PORT": str(port)}
        os.environ |= {"RANK": str(world.rank), "WORLD_SIZE": str(world.size)}
        return node.rank, node.size

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
        return self._watchdog.waiting(RuntimeError)  # Gloo's own: a connection was closed, or the time is up

    def at(self, where: str) -> None:
        self._watchdog.where = where

    def close(self) -> None:
        self._watchdog.stop()
        dist.destroy_process_group()


class _Sum(torch.autograd.Function):
    """Sum over the ranks; the gradient of a sum is the sum of the gradients."""

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
