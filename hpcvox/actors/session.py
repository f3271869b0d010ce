"""Makes the folder of a Ray on a node: private, with a short path, and removed with the job, however that ends."""

import contextlib
import fcntl
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from hpcvox.actors import reaper
from hpcvox.errors import HpcvoxError

SOCKET_LIMIT = 107
"""Longest path of a Unix socket on Linux, in bytes."""

RAY = "r"
"""Name of Ray's own folder, which everybody may enter; so it lies in our folder, which nobody else may enter."""

SESSION = len(f"/{RAY}/session_2026-01-01_00-00-00_000000_4194304/sockets/plasma_store")
NAME = len("/hpcvox-12345678")
STALE_S = 3600.0


class ClusterError(HpcvoxError):
    """Ray cannot be started or reached."""


@contextlib.contextmanager
def session_folder() -> Iterator[Path]:
    """A context with a new folder of mode 0700 and a short path; folders of killed jobs are removed at its start.

    It lies in ``HPCVOX_NODE_TMP``, ``TMPDIR`` or ``/tmp``: the first of these that can be written to, is short enough
    for Ray's sockets, and where other users cannot replace the folder.  The job holds a lock on the folder, which shows
    other jobs, also in other containers, that it is in use.  After the job its guard (``reaper``) holds the lock while
    it removes the folder.

    Raises:
        ClusterError: there is no such place.
    """
    base = _base()
    _sweep(base)
    folder = Path(tempfile.mkdtemp(prefix="hpcvox-", dir=base))
    with (folder / ".lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        guard = subprocess.Popen(
            [sys.executable, "-I", "-S", reaper.__file__, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=[lock.fileno()],
        )
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            guard.communicate()


def _base() -> Path:
    places = [os.environ.get("HPCVOX_NODE_TMP", ""), tempfile.gettempdir(), "/tmp"]
    for place in filter(None, places):
        short = len(os.fsencode(place)) + NAME + SESSION <= SOCKET_LIMIT
        if short and os.access(place, os.W_OK) and not _others_may_rename(place):
            return Path(place)
    raise ClusterError(
        f"no folder for Ray's sockets: of {', '.join(filter(None, places))} none can be written to, has a path of at "
        f"most {SOCKET_LIMIT - SESSION - NAME} characters, and either is yours alone or has the sticky bit (chmod +t), "
        "without which others could put their files in the place of yours: set TMPDIR to one that does"
    )


def _others_may_rename(place: str) -> bool:
    """Whether other users may rename or remove files of this user in a folder."""
    mode = Path(place).stat().st_mode
    return bool(mode & (stat.S_IWGRP | stat.S_IWOTH)) and not mode & stat.S_ISVTX


def _sweep(base: Path) -> None:
    """Remove the session folders of this user's jobs that were killed."""
    for folder in base.glob("hpcvox-*"):
        with contextlib.suppress(OSError):
            if folder.is_symlink() or folder.stat().st_uid != os.getuid():
                continue
            path = folder / ".lock"
            if not path.exists():
                if time.time() - folder.stat().st_mtime > STALE_S:
                    folder.rmdir()  # its job was killed between the two steps of making it
                continue
            with path.open("r+b") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
