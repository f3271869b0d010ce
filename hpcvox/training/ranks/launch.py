"""Starts a training on several ranks of this machine.

mpirun starts the ranks if Horovod was built with MPI, else horovodrun does.  Without Horovod, this module starts each
rank.  It does not use torchrun: torchrun's server has no key and unpickles what it receives, so anybody who reaches its
port could run code as this user.
"""

import contextlib
import importlib.util
import math
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from hpcvox.errors import MissingDependencyError, TrainingError
from hpcvox.process.launcher import (
    MEETING,
    RANK,
    RANKS,
    launched_ranks,
    of_this_hpcvox,
    step_ranks,
    without_secrets,
)
from hpcvox.process.outcome import INTERRUPTED
from hpcvox.terminal import say

GRACE_S = 60.0
"""Seconds in which ranks must save their state after a signal."""

ALONE_S = 15.0
"""Seconds in which ranks must notice that another has failed; after that they are killed."""

LOOK_S = 0.5

CYCLE_MS = "10"
"""Milliseconds between two looks for tensors to exchange (Horovod's default: 1).  With ``mpi_yield_when_idle``, 2 CPUs
and 2 ranks, a training of the UNet gets faster from 12.8 to 17.1 samples/s."""


def run_ranks(verb: Sequence[str], config: Path, ranks: int, backend: str) -> int:
    """Run ``hpcvox VERB CONFIG`` on ``ranks`` processes; return 0, or INTERRUPTED if a signal stopped them.

    Raises:
        MissingDependencyError: Horovod or its launcher is not installed.
        TrainingError: the ranks failed.
    """
    command = _launcher(ranks, backend)
    environment = {"HOROVOD_CYCLE_TIME": CYCLE_MS, **of_this_hpcvox(os.environ)}
    environment |= {"PYTHONUNBUFFERED": "1", RANKS: str(ranks)}
    if os.geteuid() == 0:  # Open MPI refuses root unless told twice
        environment |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    if "--gloo" in command:
        environment = without_secrets(environment)
    environments = [environment]
    if not command:  # no launcher: start each rank
        meeting = secrets.token_hex(8)
        environments = [{**environment, RANK: str(rank), MEETING: meeting} for rank in range(ranks)]
    python = [*dies_with_us(), *command, sys.executable, "-m", "hpcvox", *verb, str(config)]
    processes = [subprocess.Popen(python, env=one, start_new_session=True) for one in environments]
    try:
        status = _ended(processes)
    except KeyboardInterrupt:
        _stop(processes)
        return INTERRUPTED
    if status in (0, INTERRUPTED):
        return status
    raise TrainingError(
        f"{ranks} ranks of {' '.join(verb)} ended with status {status} (see above); run the same command again "
        "and it goes on from the last checkpoint"
    )


def joins_by_slurm(backend: str) -> bool:
    """Whether the ranks are tasks of ``srun`` without MPI, which torch.distributed joins."""
    by_torch = backend == "torch" or (backend == "auto" and _horovod() is None)
    return launched_ranks() == 1 and step_ranks() > 1 and by_torch


def _ended(processes: Sequence[subprocess.Popen[bytes]]) -> int:
    """Wait for all processes; return 0 if all ended with 0, else the status of one that did not, preferably a failure.

    If one fails, the others are ended if they have not ended themselves after :data:`ALONE_S`.
    """
    ends = math.inf
    while running := [process for process in processes if process.poll() is None]:
        failed = any(process.returncode not in (None, 0, INTERRUPTED) for process in processes)
        ends = min(ends, time.monotonic() + ALONE_S) if failed else ends
        if time.monotonic() > ends:
            _kill(running)
        with contextlib.suppress(subprocess.TimeoutExpired):
            running[0].wait(LOOK_S)
    statuses = [process.returncode for process in processes]
    return next((status for status in statuses if status not in (0, INTERRUPTED)), max(statuses))


def _stop(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Ask the ranks to save their state and end; kill those that still run after the grace time."""
    for number, patience_s in ((signal.SIGUSR1, GRACE_S), (signal.SIGTERM, 10.0)):
        for process in processes:
            process.send_signal(number)
        ends = time.monotonic() + patience_s
        try:
            for process in processes:
                process.wait(max(0.0, ends - time.monotonic()))
            return
        except subprocess.TimeoutExpired:
            continue
    _kill(processes)


def _kill(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Kill processes and everything that they have started."""
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def dies_with_us() -> list[str]:
    """A command prefix that ends the launcher if this process is killed; the ranks then save their state."""
    return ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []


def _horovod() -> Path | None:
    """The file of Horovod's library for PyTorch, if it was built; it is not imported, which would take seconds."""
    spec = importlib.util.find_spec("horovod")
    places = spec.submodule_search_locations if spec is not None else None
    libraries = [library for place in places or () for library in Path(place, "torch").glob("mpi_lib_v2*.so")]
    return libraries[0] if libraries else None


def _why_not() -> str:
    probe = [sys.executable, "-c", "import horovod.torch"]
    done = subprocess.run(probe, capture_output=True, encoding="utf-8", errors="replace", check=False)
    return (done.stderr.strip().splitlines() or ["?"])[-1]


def _launcher(ranks: int, backend: str) -> list[str]:
    """The command prefix that starts a command ``ranks`` times; empty if this module must start each rank."""
    library = _horovod()
    if backend == "auto" and library is None:
        say(f"Horovod is not installed: torch.distributed joins the {ranks} ranks, as backend=torch does")
        return []
    if backend == "torch":
        return []
    if library is None:
        raise MissingDependencyError(
            f"backend=horovod: Horovod cannot be imported ({_why_not()}): take backend=torch, train on one rank "
            "(ranks=1), or build it by `make setup` in hpcvox's source, with a C++ compiler and CMake at hand"
        )
    if b"libmpi" in library.read_bytes() and shutil.which("mpirun"):
        # Open MPI pins each rank to one core unless told not to, and its waiting threads take the cores from
        # those that compute unless told to yield
        options = ["--bind-to", "none", "--oversubscribe", "--mca", "mpi_yield_when_idle", "1"]
        return ["mpirun", "-np", str(ranks), *options]
    beside = Path(sys.executable).with_name("horovodrun")
    if beside.exists():
        return [str(beside), "--gloo", "-np", str(ranks), "--network-interfaces", "lo"]
    raise MissingDependencyError(
        "neither mpirun nor horovodrun is there to start ranks: take backend=torch, or run `make setup`"
    )
