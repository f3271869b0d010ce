"""A script that ends the Ray of a job after the job has ended, in particular if it was killed.

The kernel ends most of Ray's processes with the job, but Ray's agents go on for a minute, and its folder stays forever.
This process holds the reading end of a pipe from the job.  When the job ends, in whatever way, this process ends every
process that has a file of the job's session folder open, and removes the folder.
"""

import os
import shutil
import signal
import sys
import time
from pathlib import Path

PATIENCE_S = 5.0
"""Seconds in which processes that start or end in the meantime are searched."""


def holders(folder: Path) -> list[int]:
    """The processes of this user, except this one, that have a file below ``folder`` open.

    The lock file does not count, because a new job opens it to see whether it may remove the folder.
    """
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            try:
                files = [descriptor.readlink() for descriptor in (process / "fd").iterdir()]
            except OSError:  # gone, or another user's
                continue
            if any(file.is_relative_to(folder) and file != folder / ".lock" for file in files):
                found.append(int(process.name))
    return found


def main(folder: Path) -> None:
    """Wait for the end of the job, then clear up after it."""
    for stop in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(stop, signal.SIG_IGN)
    sys.stdin.buffer.read()
    if not folder.is_dir():
        return  # the job cleared up itself
    end_holders(folder)
    shutil.rmtree(folder, ignore_errors=True)


def end_holders(folder: Path) -> None:
    """End every process of this user, except this one, that has a file below ``folder`` open."""
    ended = time.monotonic() + PATIENCE_S
    while (left := holders(folder)) and time.monotonic() < ended:
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
