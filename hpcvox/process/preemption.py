"""Handles preemption by SLURM, for ``slurm/ray_node.py`` and ``slurm/mpi_daemon.py``.

When SLURM preempts a job, it signals every process of its steps.  If the job has time left to save its state, SLURM
does not signal the job's script.
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
    """A context in which new processes are started with the signals that end a process blocked (not SIGKILL)."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def job_goes_on() -> bool:
    """Whether SLURM still counts the job as running although it tells its steps to end: then it is preempted."""
    return "JobState=RUNNING" in _slurm("scontrol", "show", "job")


def tell_the_job() -> None:
    """Signal the job's script, since SLURM tells a preemption to the steps alone; the script asks SLURM why."""
    _slurm("scancel", "--batch", "--signal=USR2")


def _slurm(*command: str) -> str:
    """The output of a SLURM command about this job; empty if SLURM does not answer."""
    job = os.environ.get("HPCVOX_JOB") or os.environ["SLURM_JOB_ID"]
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        return subprocess.run(
            [*command, job], check=False, timeout=20, capture_output=True, encoding="utf-8", errors="replace"
        ).stdout
    return ""
