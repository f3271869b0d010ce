"""The ranks of a pass, and how they stay together: the only file that knows mpi4py."""

import traceback
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from hpcvox.errors import HpcvoxError, MissingDependencyError
from hpcvox.interrupt import StopRequest
from hpcvox.launcher import launched_ranks

T = TypeVar("T")


class _Comm(Protocol):
    def allgather(self, sendobj: Any) -> list[Any]: ...

    def Abort(self, errorcode: int = 0) -> Any: ...


class _Alone:
    """The communicator of a single process; needs no MPI."""

    def allgather(self, sendobj: Any) -> list[Any]:
        return [sendobj]

    def Abort(self, errorcode: int = 0) -> None:
        raise SystemExit(errorcode)


class Ranks:
    """Ranks that go on together or end together."""

    def __init__(self, comm: _Comm, rank: int, size: int, stop: StopRequest) -> None:
        self.rank, self.size = rank, size
        self._comm, self._stop = comm, stop

    def together(self, work: Callable[[], T]) -> list[T]:
        """Call ``work`` on every rank; what it returned on each, in their order.

        Where it fails on one rank no other waits for it in vain: all learn of it here.

        Raises:
            HpcvoxError: on every rank, that of the first one on which ``work`` raised one.
            KeyboardInterrupt: on every rank, where one was told to stop.
        """
        result: T | None = None
        failure: HpcvoxError | None = None
        try:
            result = work()
        except HpcvoxError as error:
            failure = error
        except Exception:  # a mistake in the code: the others are waiting and would not be told
            traceback.print_exc()
            self._comm.Abort(1)
        told: list[Any] = self._comm.allgather((result, failure, self._stop.received))
        for _, failure, _ in told:
            if failure is not None:
                raise failure
        if any(received for _, _, received in told):
            raise KeyboardInterrupt
        return [result for result, _, _ in told]


def connect(stop: StopRequest) -> Ranks:
    """The ranks that this process is one of; alone where no launcher started it.

    Raises:
        MissingDependencyError: a launcher started several, and MPI is not there or does not join them.
    """
    launched = launched_ranks()
    if launched == 1:
        return Ranks(_Alone(), 0, 1, stop)
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:
        raise MissingDependencyError(
            f"{launched} ranks were started, and mpi4py finds no MPI to join them "
            f"({str(error).splitlines()[0]}): install the MPI whose launcher this was (Debian: openmpi-bin; "
            "a cluster: module load openmpi), or start one process without a launcher"
        ) from None
    comm = MPI.COMM_WORLD
    if comm.size != launched:
        raise MissingDependencyError(
            f"{launched} ranks were started, and MPI joins {comm.size} of them: the launcher is not that of "
            f"{MPI.Get_library_version().split(',')[0]}; start the ranks by its own mpirun, or by srun with the "
            "--mpi that it was built for (HPCVOX_SRUN_MPI in configs/site.sh)"
        )
    return Ranks(comm, comm.rank, comm.size, stop)
