"""The end of a process that had Ray in it."""

import atexit
import os
import sys
from typing import NoReturn


def leave(status: int) -> NoReturn:
    """End this process as ``sys.exit(status)`` does, but without the C++ destructors where Ray was loaded.

    Threads of Ray's core outlive ``ray.shutdown``: one that wakes while the destructors run reads freed memory, and
    a job whose work is done and on disk ends with a segmentation fault (once in some hundred runs).  What Python and
    MPI have to do at the end is done.
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
