"""Outlives a job that was killed for as long as it takes to end its Ray: run as a script.

Most of Ray's processes end with the job, by the kernel's doing; its agents linger for a minute and its
folder for good.  This process holds the reading end of a pipe from the job.  When the job ends, in
whatever way, it ends every process that has a file of the job's own session folder open, and removes it.
"""

import os
import shutil
import signal
import sys
import time
from pathlib import Path

PATIENCE_S = 5.0
"""How long processes that start or end in the meantime are looked for."""


def holders(folder: Path) -> list[int]:
    """Processes of this user that have a file below ``folder`` open, this one aside.

    Its lock does not count: another job that starts looks whether it may clear up here.
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
    """End every process of this user that has a file below ``folder`` open, this one aside."""
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
