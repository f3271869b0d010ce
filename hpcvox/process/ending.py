"""Ends a process safely after it has used Ray."""

import atexit
import os
import sys
from typing import NoReturn


def leave(status: int) -> NoReturn:
    """End this process like ``sys.exit(status)``; if Ray is loaded, without running C++ destructors.

    Some threads of Ray go on after ``ray.shutdown``.  If one wakes while the destructors run, it reads freed memory.
    Then a job whose results are all on disk ends with a segmentation fault (about once in a hundred runs).  Python's
    exit functions and MPI's finalization still run.
    """
    if "ray" not in sys.modules:
        sys.exit(status)
    atexit._run_exitfuncs()
    mpi = sys.modules.get("mpi4py.MPI")
    if mpi is not None and mpi.Is_initialized() and not mpi.Is_finalized():
        mpi.Finalize()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
