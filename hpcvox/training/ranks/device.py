"""Chooses where a rank computes: on a GPU of its own, or on CPUs."""

import os
from typing import Any, TypeVar

import torch

from hpcvox.errors import ConfigError
from hpcvox.terminal import counted
from hpcvox.training.ranks.comm import Comm

T = TypeVar("T")


def place(name: str, comm: Comm) -> torch.device:
    """Choose the device of this rank by the setting ``device``; all ranks must call this, since they decide together.

    ``auto`` is a GPU if every rank of every node finds a GPU of its own and the backend exchanges data of GPUs; else
    CPUs.  ``cuda`` also takes a GPU if each rank sees only one, as on sites that show each rank only its own.

    Raises:
        ConfigError: the setting is ``cuda``, and a rank has no GPU of its own.
    """
    found = torch.cuda.device_count() if name != "cpu" else 0
    own = (
        gpu_of(found, comm.local_rank, comm.local_size, sure=name == "auto") if comm.exchanges_gpus else None
    )
    having = int(comm.sum(torch.tensor([own is not None], dtype=torch.float64), "device"))
    if own is not None and having == comm.size:
        torch.cuda.set_device(own)
        return torch.device("cuda", own)
    if name == "cuda":
        of = f"of {comm.size}"
        lack = counted(
            comm.size - having, f"rank {of} lacks a GPU of its own", f"ranks {of} lack a GPU of their own"
        )
        raise ConfigError(
            f"device=cuda: {lack} "
            f"(PyTorch {torch.__version__} finds {found} on {os.uname().nodename}, {comm.local_size} wanted): "
            "give each rank a GPU, or use cpu or auto"
        )
    return torch.device("cpu")


def gpu_of(found: int, local_rank: int, local_size: int, sure: bool) -> int | None:
    """The number of this rank's GPU; None if there is none for it.

    Args:
        found: number of GPUs that this rank sees.
        local_rank: number of this rank on its node.
        local_size: number of ranks on the node.
        sure: refuse a single GPU for several ranks; without it, each rank is assumed to see a different one.
    """
    if found == 1 and not sure:
        return 0
    return local_rank if found >= local_size else None


def on_device(value: T, device: torch.device) -> T:
    """A batch with all its tensors on ``device``; on CPUs, the batch as it is."""
    given: Any = value
    if isinstance(value, torch.Tensor):
        given = value.to(device)
    elif isinstance(value, tuple):  # a named tuple
        given = given._make(on_device(part, device) for part in value)
    moved: T = given
    return moved
