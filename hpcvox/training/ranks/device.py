"""Where a rank computes: on a GPU of its own, or on CPUs."""

import os
from typing import Any, TypeVar

import torch

from hpcvox.errors import ConfigError
from hpcvox.training.ranks.comm import Comm

T = TypeVar("T")


def place(name: str, comm: Comm) -> torch.device:
    """The device of this rank by the setting ``device``; the ranks decide it together.

    ``auto`` is a GPU where every rank of every node finds one of its own and what joins the ranks exchanges GPUs'
    data, else CPUs.  ``cuda`` also takes the one GPU that a rank sees where a site shows each rank its own alone.

    Raises:
        ConfigError: ``cuda``, and some rank has none.
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
        raise ConfigError(
            f"device: cuda is asked for, and {comm.size - having} of {comm.size} ranks have no GPU of their own "
            f"(PyTorch {torch.__version__} finds {found} on {os.uname().nodename}, {comm.local_size} wanted): "
            "give each one, or use cpu or auto"
        )
    return torch.device("cpu")


def gpu_of(found: int, local_rank: int, local_size: int, sure: bool) -> int | None:
    """Which of the GPUs ``found`` is this rank's; None: there is none for it.

    Of a single one, other ranks of the node may see another: ``sure`` counts on what is certain alone.
    """
    if found == 1 and not sure:
        return 0
    return local_rank if found >= local_size else None


def on_device(value: T, device: torch.device) -> T:
    """A batch with all its tensors on ``device``; on CPUs, the batch as it is."""
    given: Any = value
    if isinstance(value, torch.Tensor):
        given = value.to(device)
    elif isinstance(value, tuple):  # a named one
        given = given._make(on_device(part, device) for part in value)
    moved: T = given
    return moved
