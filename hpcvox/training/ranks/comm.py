"""Communication between the ranks of a training.  No other file uses Horovod.

All communicators have one interface: :class:`Alone` for one process, :class:`Horovod` for several,
:class:`ElasticHorovod` for ranks that come and go, and :class:`hpcvox.training.ranks.comm_torch.TorchDistributed` for
sites without Horovod.
"""

import contextlib
import os
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import torch

from hpcvox.errors import MissingDependencyError
from hpcvox.process.launcher import RANK, is_elastic, launched_ranks, require_joined
from hpcvox.training.ranks import notices
from hpcvox.training.ranks.addresses import address_towards, interface_of
from hpcvox.training.ranks.launch import joins_by_slurm
from hpcvox.training.ranks.watchdog import Watchdog
from hpcvox.training.settings import TrainSettings

JOINS_S = 120
"""Seconds in which a rank must join the others after its start; they wait for it, and end if it is late.
Horovod's own 30 s are too short: on a busy node or with a slow disk, importing PyTorch alone can take that long."""


class Regroup(Exception):
    """Ranks have joined or left: the present ranks must form a new group and go on from their last complete step."""


class Comm(Protocol):
    """The interface of a communicator."""

    rank: int
    size: int
    local_rank: int
    """Number of this rank among the ranks of its node, from 0."""
    local_size: int
    """Number of ranks on this node."""
    exchanges_gpus: bool
    """Whether it can exchange tensors that are on GPUs."""
    device: torch.device
    """The device on which this rank computes."""
    lost: tuple[type[Exception], ...]
    """The exceptions after which the ranks must form a new group; empty if they cannot."""
    joining: bool
    """Whether this rank knows of new ranks that wait to join."""

    def wrap(self, optimizer: torch.optim.Optimizer, model: torch.nn.Module) -> torch.optim.Optimizer:
        """Return an optimizer that averages gradients over the ranks.  Load its state only after this call."""

    def average(
        self, optimizer: torch.optim.Optimizer, parameters: list[torch.nn.Parameter], said: torch.Tensor
    ) -> torch.Tensor:
        """Average the gradients over the ranks, and return the sum over ranks of the message ``said``, sent along."""

    def step(self, optimizer: torch.optim.Optimizer) -> None:
        """Take one step of a wrapped optimizer with the averaged gradients; does not communicate."""

    def broadcast(self, tensors: Iterable[tuple[str, torch.Tensor]]) -> None:
        """Copy the named tensors of rank 0 to every rank, in place."""

    def sum(self, tensor: torch.Tensor, name: str) -> torch.Tensor:
        """The sum over the ranks; differentiable, with the same bits on every rank.  ``name`` identifies the sum."""

    def at(self, where: str) -> None:
        """Note how far this rank is, for the message if it has to give up."""

    def close(self) -> None:
        """Leave the group."""


class Alone:
    """The communicator of a single process; needs no library."""

    rank, size, local_rank, local_size = 0, 1, 0, 1
    exchanges_gpus = True
    device = torch.device("cpu")
    lost: tuple[type[Exception], ...] = ()
    joining = False

    def wrap(self, optimizer: torch.optim.Optimizer, model: torch.nn.Module) -> torch.optim.Optimizer:
        return optimizer

    def average(
        self, optimizer: torch.optim.Optimizer, parameters: list[torch.nn.Parameter], said: torch.Tensor
    ) -> torch.Tensor:
        return said

    def step(self, optimizer: torch.optim.Optimizer) -> None:
        optimizer.step()

    def broadcast(self, tensors: Iterable[tuple[str, torch.Tensor]]) -> None:
        pass

    def sum(self, tensor: torch.Tensor, name: str) -> torch.Tensor:
        return tensor

    def at(self, where: str) -> None:
        pass

    def close(self) -> None:
        pass


class Horovod:
    """Ranks started by horovodrun, mpirun or srun, and joined by Horovod (with MPI if built with it, else Gloo)."""

    device = torch.device("cpu")
    lost: tuple[type[Exception], ...] = ()
    joining = False

    def __init__(self, settings: TrainSettings) -> None:
        # Horovod's own stall inspector says which ranks are missing
        os.environ.setdefault("HOROVOD_STALL_CHECK_TIME_SECONDS", str(max(1, int(settings.stall_s / 2))))
        try:
            import horovod.torch as hvd
        except ImportError as error:
            raise MissingDependencyError(
                f"backend=horovod needs Horovod, which cannot be imported ({error}): take backend=torch, train on one "
                "rank (ranks=1), or build it by `make setup` in hpcvox's source, with a C++ compiler and CMake at hand"
            ) from None
        self.exchanges_gpus = bool(hvd.cuda_built() or hvd.rocm_built())
        if settings.device == "cuda" and not self.exchanges_gpus:
            raise MissingDependencyError(
                "device=cuda with Horovod needs one that exchanges GPUs' data, and this one was built without: take "
                "backend=torch, or run `HOROVOD_GPU_OPERATIONS=NCCL make setup` where PyTorch has CUDA"
            )
        hvd.init()
        self._hvd: Any = hvd
        self._settings = settings
        self.rank: int = hvd.rank()
        self.size: int = hvd.size()
        self.local_rank: int = hvd.local_rank()
        self.local_size: int = hvd.local_size()
        self._watchdog = Watchdog(self.rank, settings.stall_s)

    def wrap(self, optimizer: torch.optim.Optimizer, model: torch.nn.Module) -> torch.optim.Optimizer:
        half = self._settings.compression == "float16"
        wrapped: torch.optim.Optimizer = self._hvd.DistributedOptimizer(
            optimizer,
            named_parameters=model.named_parameters(),
            op=self._hvd.Average,
            compression=self._hvd.Compression.fp16 if half else self._hvd.Compression.none,
            # summed, not averaged: the loss of each batch is already divided
            backward_passes_per_step=self._settings.accumulate,
        )
        return wrapped

    def average(
        self, optimizer: torch.optim.Optimizer, parameters: list[torch.nn.Parameter], said: torch.Tensor
    ) -> torch.Tensor:
        wrapped: Any = optimizer
        with self._waiting():
            message = self._hvd.allreduce_async(said, op=self._hvd.Sum, name="said")
            wrapped.synchronize()
            total: torch.Tensor = self._hvd.synchronize(message)
        return total

    def step(self, optimizer: torch.optim.Optimizer) -> None:
        wrapped: Any = optimizer
        with wrapped.skip_synchronize():
            wrapped.step()

    def broadcast(self, tensors: Iterable[tuple[str, torch.Tensor]]) -> None:
        with self._waiting():
            self._hvd.broadcast_parameters(dict(tensors), root_rank=0)

    def sum(self, tensor: torch.Tensor, name: str) -> torch.Tensor:
        with self._waiting():
            total: torch.Tensor = self._hvd.allreduce(tensor, op=self._hvd.Sum, name=name)
        return total

    def _waiting(self) -> contextlib.AbstractContextManager[None]:
        return self._watchdog.waiting(self._hvd.HorovodInternalError)

    def at(self, where: str) -> None:
        self._watchdog.where = where

    def close(self) -> None:
        self._watchdog.stop()
        self._hvd.shutdown()


class ElasticHorovod(Horovod):
    """Ranks started by ``horovodrun --min-np``: the launcher starts new ranks and tells rank 0 of them.

    A new group needs a new communicator: close this one and call :func:`connect`.
    """

    def __init__(self, settings: TrainSettings) -> None:
        os.environ.setdefault("HOROVOD_GLOO_TIMEOUT_SECONDS", str(JOINS_S))
        super().__init__(settings)
        from horovod.common.elastic import notification_manager

        self.lost = (Regroup, self._hvd.HorovodInternalError)
        self._notices = notification_manager
        with _private_notices(os.environ["HOROVOD_GLOO_RENDEZVOUS_ADDR"], os.environ.get("HPCVOX_ELASTIC")):
            self._notices.init()
        self._notices.register_listener(self)

    def on_hosts_updated(self, timestamp: int, update: int) -> None:
        """Horovod calls this on rank 0, in another thread, when ranks can join or have left."""
        self.joining = True

    def _waiting(self) -> contextlib.AbstractContextManager[None]:
        return self._watchdog.waiting(())

    def close(self) -> None:
        self._notices.remove_listener(self)
        super().close()


@contextlib.contextmanager
def _private_notices(launcher: str, private: str | None) -> Iterator[None]:
    """A context in which Horovod's service for notices of new ranks listens at one address only.

    This is the address on the route to the launcher.  Horovod itself listens at all addresses of the node and has no
    option for that.  In a job, whose folder is ``private``, the launcher is told the address in a signed message, as
    ``slurm/elastic/launch.py`` requires.
    """
    from horovod.runner.common.util import network, secret
    from horovod.runner.elastic import worker

    own, anywhere = address_towards(launcher), network.find_port

    def addresses(service: Any) -> notices.Addresses:
        return {interface_of(own) or "": [(own, service.get_port())]}

    with contextlib.ExitStack() as replaced:
        there = partial(_replaced, replaced)
        there(network, "find_port", lambda make: anywhere(lambda place: make((own, place[1]))))
        there(network.BasicService, "_get_local_addresses", addresses)
        if private is not None:
            key = notices.read_key(Path(private))
            there(secret, "make_secret_key", lambda: key)
            there(worker, "put_data_into_kvstore", partial(notices.tell, key))
        yield


def _replaced(until: contextlib.ExitStack, owner: Any, name: str, value: Any) -> None:
    until.callback(setattr, owner, name, getattr(owner, name))
    setattr(owner, name, value)


def connect(settings: TrainSettings) -> Comm:
    """Connect this process with the other ranks by ``settings.backend``, if a launcher started several.

    Raises:
        MissingDependencyError: several ranks were started, but the backend is not installed, does not support the
            device, or has not joined all ranks.
    """
    comm = _connect(settings)
    try:
        require_joined(comm.size)
    except MissingDependencyError:
        comm.close()
        raise
    return comm


def _connect(settings: TrainSettings) -> Comm:
    from hpcvox.training.ranks.comm_torch import TorchDistributed

    if is_elastic():
        return ElasticHorovod(settings)
    by_slurm = joins_by_slurm(settings.backend)
    if launched_ranks() == 1 and not by_slurm:
        return Alone()
    if by_slurm or settings.backend == "torch" or RANK in os.environ or "TORCHELASTIC_RUN_ID" in os.environ:
        return TorchDistributed(settings)
    try:
        return Horovod(settings)
    except MissingDependencyError:
        if settings.backend == "horovod":
            raise
        return TorchDistributed(settings)
