"""What a step of a job is told when SLURM preempts it: for ``slurm/ray_node.py`` and ``slurm/mpi_daemon.py``.

Every process of a step is told to end; where the job has some time left to save its state, the steps alone are told.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from typing import Final

ENDS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@contextlib.contextmanager
def deaf() -> Iterator[None]:
    """Processes that are started within this do not hear of their end, short of SIGKILL."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def job_goes_on() -> bool:
    """Whether SLURM lets the job run on for a while, though its steps are told to end: it is preempted."""
    return "JobState=RUNNING" in _slurm("scontrol", "show", "job")


def tell_the_job() -> None:
    """A preemption is told to the steps of a job alone; its script asks SLURM what it is."""
    _slurm("scancel", "--batch", "--signal=USR2")


def _slurm(*command: str) -> str:
    """What a command of SLURM's says of this job; nothing where it does not answer."""
    job = os.environ.get("HPCVOX_JOB") or os.environ["SLURM_JOB_ID"]
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        return subprocess.run(
            [*command, job], check=False, timeout=20, capture_output=True, encoding="utf-8", errors="replace"
        ).stdout
    return ""
