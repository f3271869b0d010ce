"""Ranks and what they say to each other: the only file that knows Horovod.

Communicators of one interface: :class:`Alone` for one process, :class:`Horovod` for several, :class:`ElasticHorovod`
for several that come and go, and :class:`hpcvox.training.ranks.comm_torch.TorchDistributed` where there is no Horovod.
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
"""Time that a rank may take to join the others, which wait for it as soon as it is started and end where it is late.
Horovod's own 30 s are few: on a busy node, or from a slow disk, loading PyTorch alone can take them."""


class Regroup(Exception):
    """Ranks have joined or are gone: those that are there form a group anew and go on from their last whole step."""


class Comm(Protocol):
    """What a training asks of its ranks."""

    rank: int
    size: int
    local_rank: int
    """Which of the ranks of this node."""
    local_size: int
    """How many there are."""
    exchanges_gpus: bool
    """Whether what it is given may be on GPUs."""
    device: torch.device
    """Where this rank computes."""
    lost: tuple[type[Exception], ...]
    """What is raised where the ranks must form a group anew; empty where this cannot be done."""
    joining: bool
    """Whether this rank has heard of others that wait to join."""

    def wrap(self, optimizer: torch.optim.Optimizer, model: torch.nn.Module) -> torch.optim.Optimizer:
        """An optimizer that averages gradients over the ranks.  Load its state afterwards."""

    def average(
        self, optimizer: torch.optim.Optimizer, parameters: list[torch.nn.Parameter], said: torch.Tensor
    ) -> torch.Tensor:
        """Average the gradients over the ranks; the sum over them of what each has ``said``, sent along."""

    def step(self, optimizer: torch.optim.Optimizer) -> None:
        """One step of a wrapped optimizer on the averaged gradients; says nothing to the other ranks."""

    def broadcast(self, tensors: Iterable[tuple[str, torch.Tensor]]) -> None:
        """Give every rank the named tensors of rank 0, in place."""

    def sum(self, tensor: torch.Tensor, name: str) -> torch.Tensor:
        """Sum over the ranks; differentiable; the same bits on every rank."""

    def at(self, where: str) -> None:
        """What this rank has done so far, to be said where it must give up."""

    def close(self) -> None:
        """Leave the group."""


class Alone:
    """The communicator of a single process; needs nothing installed."""

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
    """Ranks started by horovodrun, mpirun or srun, joined by Horovod (MPI where built with it, else Gloo)."""

    device = torch.device("cpu")
    lost: tuple[type[Exception], ...] = ()
    joining = False

    def __init__(self, settings: TrainSettings) -> None:
        # Horovod's own look-out says which ranks are missing
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
            # summed: the loss of each is divided already
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
    """Ranks started by ``horovodrun --min-np``: the launcher starts new ones and tells rank 0 of them.

    A group anew is a communicator anew: close this one and :func:`connect`.
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
        """Horovod calls this, in a thread of its own, on rank 0."""
        self.joining = True

    def _waiting(self) -> contextlib.AbstractContextManager[None]:
        return self._watchdog.waiting(())

    def close(self) -> None:
        self._notices.remove_listener(self)
        super().close()


@contextlib.contextmanager
def _private_notices(launcher: str, private: str | None) -> Iterator[None]:
    """The service by which a rank hears of others, started within this, listens at the address by which the launcher is
    reached, and not at all of its node's, for which Horovod has no option.

    In a job, whose folder is ``private``, the launcher is told so as ``slurm/elastic/launch.py`` believes it.
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
    """The communicator of this process: of ``settings.backend`` where a launcher started several ranks.

    Raises:
        MissingDependencyError: several ranks were started and what should join them is not installed, cannot
            do it on the device asked for, or has not joined them all.
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
