"""Keeps the ranks of a pass together; only this module of ``hpcvox.statistics`` uses mpi4py."""

import time
import traceback
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from hpcvox.errors import HpcvoxError, MissingDependencyError
from hpcvox.process.interrupt import StopRequest
from hpcvox.process.launcher import launched_ranks, no_mpi, require_joined
from hpcvox.terminal import say

T = TypeVar("T")


POLL_S = 0.002
"""Seconds between two looks whether the other ranks have come; MPI's own waiting would use a whole core."""


class Ranks:
    """Ranks that all go on or all end."""

    def __init__(self, mpi: Any, stop: StopRequest, stall_s: float) -> None:
        """``mpi``: the module mpi4py.MPI, or None for a process alone."""
        self._pickle: Any = None if mpi is None else mpi.pickle
        self._comm: Any = None if mpi is None else mpi.COMM_WORLD
        self.rank: int = 0 if mpi is None else mpi.COMM_WORLD.rank
        self.size: int = 1 if mpi is None else mpi.COMM_WORLD.size
        self._stop, self._stall_s = stop, stall_s

    def together(self, work: Callable[[], T]) -> list[T]:
        """Call ``work`` on every rank, and return the results of all ranks in their order.

        If it fails on one rank, all ranks learn of it here, so that none waits in vain.

        Raises:
            HpcvoxError: raised on every rank, the one of the first rank on which ``work`` failed.
            KeyboardInterrupt: raised on every rank, if one was told to stop.
        """
        result: T | None = None
        failure: HpcvoxError | None = None
        try:
            result = work()
        except HpcvoxError as error:
            failure = error
        except Exception:  # a bug: the other ranks wait, and would not learn of it
            if self._comm is None:
                raise
            traceback.print_exc()
            self._comm.Abort(1)
        told = self._gathered((result, failure, self._stop.received))
        for _, failure, _ in told:
            if failure is not None:
                raise failure
        if any(received for _, _, received in told):
            raise KeyboardInterrupt
        return [result for result, _, _ in told]

    def _gathered(self, mine: Any) -> list[Any]:
        """The values of all ranks, in their order."""
        if self._comm is None:
            return [mine]
        data, sizes = self._pickle.dumps(mine), np.zeros(self.size, np.int64)
        self._await(self._comm.Iallgather(np.array([len(data)]), sizes))
        everyone = bytearray(sizes.sum())
        self._await(self._comm.Iallgatherv(data, (everyone, sizes.tolist())))
        ends = np.cumsum(sizes).tolist()
        return [self._pickle.loads(everyone[a:b]) for a, b in zip([0, *ends], ends, strict=False)]

    def _await(self, request: Any) -> None:
        """Wait until ``request`` is done; end all ranks if one keeps the others waiting too long."""
        ends = time.monotonic() + self._stall_s
        while not request.Test():
            if time.monotonic() > ends:
                say(
                    f"rank {self.rank} of {self.size} has waited for another for stall_s={self._stall_s:g} s: that one "
                    "was ended, or its file system does not answer; all ranks end, run the same command again",
                    error=True,
                )
                self._comm.Abort(2)
            time.sleep(POLL_S)


def connect(stop: StopRequest, stall_s: float) -> Ranks:
    """Join the ranks of this process's launcher; without a launcher there is only this process.

    Raises:
        MissingDependencyError: a launcher started several ranks, and MPI is missing or does not join them.
    """
    launched = launched_ranks()
    if launched == 1:
        require_joined(1)
        return Ranks(None, stop, stall_s)
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:
        raise MissingDependencyError(
            f"{launched} ranks were started, and {no_mpi(error)}, or start one process without a launcher"
        ) from None
    if MPI.COMM_WORLD.size != launched:
        raise MissingDependencyError(
            f"{launched} ranks were started, but MPI joins {MPI.COMM_WORLD.size} of them: the launcher is not that of "
            f"{MPI.Get_library_version().split(',')[0]}; start the ranks with its own mpirun, or with srun and the "
            "--mpi that it was built for (HPCVOX_SRUN_MPI in configs/site.sh)"
        )
    return Ranks(MPI, stop, stall_s)
