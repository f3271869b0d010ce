"""Start a training on several ranks of this machine.

By mpirun where Horovod has MPI, else by horovodrun; without Horovod by torchrun.
"""

import functools
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from hpcvox.errors import MissingDependencyError, TrainingError
from hpcvox.outcome import INTERRUPTED

GRACE_S = 60.0
"""Time that ranks have to save their state after a signal."""

CYCLE_MS = "10"
"""How often ranks look what to exchange (Horovod's own: 1 ms).  With ``mpi_yield_when_idle`` on 2 CPUs and
2 ranks: 12.8 → 17.1 samples/s of the UNet."""


def run_ranks(verb: str, config: Path, ranks: int, backend: str) -> int:
    """Run ``hpcvox VERB CONFIG`` on ``ranks`` processes; returns 0, or INTERRUPTED where a signal stopped them.

    Raises:
        MissingDependencyError: Horovod or its launcher is not installed.
        TrainingError: the ranks failed.
    """
    command = [*dies_with_us(), *_launcher(ranks, backend), "-m", "hpcvox", verb, str(config)]
    environment = {"HOROVOD_CYCLE_TIME": CYCLE_MS, **os.environ, "PYTHONUNBUFFERED": "1"}
    if os.geteuid() == 0:  # Open MPI refuses root unless told twice
        environment |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    try:
        status = process.wait()
    except KeyboardInterrupt:
        _stop(process)
        return INTERRUPTED
    if status in (0, INTERRUPTED):
        return status
    raise TrainingError(
        f"{ranks} ranks of {verb} ended with status {status} (see above); run the same command again "
        "and it goes on from the last checkpoint"
    )


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask the ranks to save and leave; end what is left after the grace time."""
    for number, patience in ((signal.SIGUSR1, GRACE_S), (signal.SIGTERM, 10.0)):
        process.send_signal(number)
        try:
            process.wait(patience)
            return
        except subprocess.TimeoutExpired:
            continue
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def dies_with_us() -> list[str]:
    """What makes the launcher end (its ranks save their state) when this process is killed outright."""
    return ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []


class _Found(NamedTuple):
    """What a look at Horovod found."""

    there: bool
    mpi: bool
    problem: str


@functools.cache
def _horovod() -> _Found:
    # asked in a process of its own: Horovod stays out of this one
    probe = "import horovod.torch as h; raise SystemExit(0 if h.mpi_built() else 3)"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False)
    problem = (done.stderr.strip().splitlines() or ["?"])[-1]
    return _Found(done.returncode in (0, 3), done.returncode == 0, problem)


def _launcher(ranks: int, backend: str) -> list[str]:
    """The command that starts ``ranks`` Pythons, without what they run."""
    found = _horovod()
    if backend == "torch" or (backend == "auto" and not found.there):
        return [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={ranks}"]
    if not found.there:
        raise MissingDependencyError(
            f"backend=horovod: Horovod cannot be imported ({found.problem}): run `make setup` with a C++ compiler "
            "and CMake at hand, take backend=torch, or train on one rank (ranks=1)"
        )
    if found.mpi and shutil.which("mpirun"):
        # Open MPI pins each rank to one core unless told not to, and its waiting threads take the cores from
        # those that compute unless told to yield
        options = ["--bind-to", "none", "--oversubscribe", "--mca", "mpi_yield_when_idle", "1"]
        return ["mpirun", "-np", str(ranks), *options, sys.executable]
    beside = Path(sys.executable).with_name("horovodrun")
    if beside.exists():
        gloo = ["--gloo", "-np", str(ranks), "--network-interfaces", "lo"]
        return [str(beside), *gloo, sys.executable]
    raise MissingDependencyError(
        "neither mpirun nor horovodrun is there to start ranks: run `make setup`, or ranks=1"
    )
