"""How a process ends that had Ray in it."""

import subprocess
import sys

import pytest

# A destructor of C++ that would crash, as far as a process can tell: it ends it by itself, with status 1.
PROBE = """
import atexit, ctypes, sys, threading
libc = ctypes.CDLL(None)
libc.__cxa_atexit(ctypes.cast(libc._exit, ctypes.c_void_p), ctypes.c_void_p(1), None)
atexit.register(print, "atexit")
{imports}
print("done", end=" ")
from hpcvox.process.ending import leave
leave({status})
"""


def run(imports: str, status: int) -> subprocess.CompletedProcess[str]:
    probe = PROBE.format(imports=imports, status=status)
    return subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.slow
@pytest.mark.parametrize("status", [0, 4])
def test_with_ray_no_destructor_runs_and_all_else_does(status: int) -> None:
    done = run("import ray", status)
    assert (done.returncode, done.stdout) == (status, "done atexit\n"), done.stderr


def test_without_ray_it_is_the_usual_exit() -> None:
    done = run("", 4)
    assert (done.returncode, done.stdout) == (1, "done atexit\n"), done.stderr


@pytest.mark.slow
def test_mpi_is_finalized() -> None:
    done = run("import ray; from mpi4py import MPI; atexit.register(lambda: print(MPI.Is_finalized()))", 4)
    assert (done.returncode, done.stdout) == (4, "done False\natexit\n"), done.stderr
    again = run("import ray; from mpi4py import MPI; MPI.Finalize()", 0)
    assert (again.returncode, again.stdout) == (0, "done atexit\n"), again.stderr
