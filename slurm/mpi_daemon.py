"""mpirun, or its daemon on one node of an allocation, for slurm/lib.sh: ``mpi_daemon.py mpirun|orted ARGS...``.

SLURM tells every process of a job that is to end, or of its steps where a job is preempted and has some time left.
mpirun and its daemons would end at that and take the ranks with them before these have saved their state: they do not
hear of it.  The job's script is told, and has mpirun ask the ranks (USR1).  What is left in the end SLURM kills.
"""

import os
import signal
import subprocess
import sys
import time

from hpcvox.process.preemption import ENDS, deaf, job_goes_on, tell_the_job

LOOK_S = 0.2


def main(command: list[str]) -> int:
    """Run the command until it ends; its exit status."""
    told: list[int] = []
    asked: list[int] = []
    signal.signal(signal.SIGUSR1, lambda number, _: asked.append(number))
    for number in ENDS:
        signal.signal(number, lambda number, _: told.append(number))
    with deaf():  # Open MPI's ranks hear again
        program = subprocess.Popen(command)
    tells = os.environ.get("SLURM_NODEID", "0") == "0"
    while program.poll() is None:
        while asked:
            program.send_signal(asked.pop())
        if told and tells and job_goes_on():
            tell_the_job()
            tells = False
        time.sleep(LOOK_S)
    return program.returncode if program.returncode >= 0 else 128 - program.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
