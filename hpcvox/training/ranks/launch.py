"""Start a training on several ranks of this machine.

By mpirun where Horovod has MPI, else by horovodrun; without Horovod by torchrun.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from hpcvox.errors import MissingDependencyError, TrainingError
from hpcvox.process.launcher import RANKS, launched_ranks, step_ranks, without_secrets
from hpcvox.process.outcome import INTERRUPTED

GRACE_S = 60.0
"""Time that ranks have to save their state after a signal."""

CYCLE_MS = "10"
"""How often ranks look what to exchange (Horovod's own: 1 ms).  With ``mpi_yield_when_idle`` on 2 CPUs and
2 ranks: 12.8 → 17.1 samples/s of the UNet."""


def run_ranks(verb: Sequence[str], config: Path, ranks: int, backend: str) -> int:
    """Run ``hpcvox VERB CONFIG`` on ``ranks`` processes; returns 0, or INTERRUPTED where a signal stopped them.

    Raises:
        MissingDependencyError: Horovod or its launcher is not installed.
        TrainingError: the ranks failed.
    """
    command = [*dies_with_us(), *_launcher(ranks, backend), "-m", "hpcvox", *verb, str(config)]
    environment = {"HOROVOD_CYCLE_TIME": CYCLE_MS, **os.environ, "PYTHONUNBUFFERED": "1", RANKS: str(ranks)}
    if os.geteuid() == 0:  # Open MPI refuses root unless told twice
        environment |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    if "--gloo" in command:
        environment = without_secrets(environment)
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    try:
        status = process.wait()
    except KeyboardInterrupt:
        _stop(process)
        return INTERRUPTED
    if status in (0, INTERRUPTED):
        return status
    raise TrainingError(
        f"{ranks} ranks of {' '.join(verb)} ended with status {status} (see above); run the same command again "
        "and it goes on from the last checkpoint"
    )


def joins_by_slurm(backend: str) -> bool:
    """Whether the ranks are tasks of ``srun`` that no MPI has told of each other, and torch.distributed joins them."""
    by_torch = backend == "torch" or (backend == "auto" and _horovod() is None)
    return launched_ranks() == 1 and step_ranks() > 1 and by_torch


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


def _horovod() -> Path | None:
    """Horovod's library for PyTorch, where one was built; not imported, which would take seconds."""
    spec = importlib.util.find_spec("horovod")
    places = spec.submodule_search_locations if spec is not None else None
    libraries = [library for place in places or () for library in Path(place, "torch").glob("mpi_lib_v2*.so")]
    return libraries[0] if libraries else None


def _why_not() -> str:
    probe = [sys.executable, "-c", "import horovod.torch"]
    done = subprocess.run(probe, capture_output=True, encoding="utf-8", errors="replace", check=False)
    return (done.stderr.strip().splitlines() or ["?"])[-1]


def _launcher(ranks: int, backend: str) -> list[str]:
    """The command that starts ``ranks`` Pythons, without what they run."""
    library = _horovod()
    if backend == "torch" or (backend == "auto" and library is None):
        return [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={ranks}"]
    if library is None:
        raise MissingDependencyError(
            f"backend=horovod: Horovod cannot be imported ({_why_not()}): run `make setup` with a C++ compiler "
            "and CMake at hand, take backend=torch, or train on one rank (ranks=1)"
        )
    if b"libmpi" in library.read_bytes() and shutil.which("mpirun"):
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
