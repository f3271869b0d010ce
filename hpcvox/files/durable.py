"""Writes files atomically (written aside, synced, renamed), and allows only one writer per folder."""

import contextlib
import csv
import errno
import fcntl
import json
import os
import stat
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from hpcvox.errors import BusyError, ConfigError
from hpcvox.files.rows import Lines
from hpcvox.process import gain
from hpcvox.terminal import say

NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EINVAL)
"""Error numbers of a file system without locks; if another process holds the lock, it gives EAGAIN or EACCES."""


@contextlib.contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """A context that yields a temporary path beside ``path``; at its end the file is synced and renamed to ``path``.

    After an error or a kill, ``path`` is unchanged.  The temporary name is always ``.NAME.part``, so that the next try
    removes what a kill has left.  The temporary file exists and is empty at the start.  If another user has put a link
    in its place, the link is not followed.
    """
    with renamed(fresh(part_of(path)), path) as part:
        yield part


@contextlib.contextmanager
def renamed(part: Path, path: Path) -> Iterator[Path]:
    """A context for the existing file ``part``; at its end ``part`` is synced and renamed to ``path``, or removed after
    an error.
    """
    try:
        yield part
        descriptor = os.open(part, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        news = gain.is_awaited() and gain.is_news(part, path)
        os.replace(part, path)
        sync_folder(path.parent)
        if news:
            gain.gained()
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def part_of(path: Path) -> Path:
    """The temporary path that :func:`written_aside` uses for ``path``."""
    return path.with_name(f".{path.name}.part")


def fresh(path: Path) -> Path:
    """Make ``path`` a new, empty file; what was there, for example a link, is removed and not followed."""
    path.unlink(missing_ok=True)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666))
    return path


def own_file(path: str | Path, flags: int) -> int:
    """An ``opener`` for files that are written in place; it does not follow a link that another user has put there.

    Raises:
        BusyError: the path is a link, or no file.
    """
    try:
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return descriptor
        os.close(descriptor)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
            raise
    raise BusyError(f"{path} is no plain file (a link, perhaps): remove it, or choose another output folder")


def _made(path: str, flags: int) -> int:
    return own_file(path, flags | os.O_CREAT)


def sync_folder(folder: Path) -> None:
    """Sync the names in ``folder`` to disk; a rename is lost in a crash until its folder is synced."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` atomically."""
    with written_aside(path) as part:
        part.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` as UTF-8, atomically."""
    write_bytes(path, text.encode())


def write_changed(path: Path, text: str) -> None:
    """Write ``text`` unless the file has it already, so that a repeated run changes nothing."""
    try:
        if path.read_bytes() == text.encode():
            return
    except OSError:
        pass
    write_text(path, text)


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON, keys in their given order, atomically."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write ``rows`` as a CSV table with a header, atomically."""
    with written_aside(path) as part, part.open("w", encoding="utf-8", newline="") as text:
        table = csv.DictWriter(Lines(text), fieldnames=list(columns))
        table.writeheader()
        table.writerows(rows)


def make_folder(folder: Path) -> None:
    """Make the folder of a job's results, if it does not exist.

    Raises:
        ConfigError: it cannot be made, or this user may not write there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        there = "there is a file of this name" if isinstance(error, FileExistsError) else error.strerror
        raise ConfigError(f"out={folder}: the folder cannot be made: {there}: choose another out") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigError(f"out={folder}: you may not write there: choose another out")


@contextlib.contextmanager
def sole_writer(folder: Path, patience_s: float = 0.0) -> Iterator[None]:
    """A context that locks ``folder`` (made if it does not exist), so that two runs do not mix their files.

    The lock ends with the process, however that ends.  A file system may have no locks (Lustre mounted without
    ``flock``, NFS without its lock service); then a warning is printed and the work goes on.

    Args:
        folder: the folder.
        patience_s: seconds to wait for another process that holds the lock.

    Raises:
        BusyError: another process holds the lock.
    """
    make_folder(folder)
    with open(folder / ".lock", "r+", encoding="utf-8", opener=_made) as handle:
        ends = time.monotonic() + patience_s
        while not _locked(handle):
            if time.monotonic() >= ends:
                handle.seek(0)
                raise BusyError(
                    f"{folder} is being written by another run ({handle.read().strip() or 'unknown'}): "
                    "wait for it, or choose another output folder"
                )
            time.sleep(0.1)  # the kernel has no lock with a time limit
        handle.seek(0)
        handle.truncate()
        handle.write(f"host {os.uname().nodename}, pid {os.getpid()}\n")
        handle.flush()
        yield


def _locked(handle: IO[str]) -> bool:
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        say(
            f"warning: the file system of {handle.name} has no locks ({error.strerror}): another run that writes "
            "in this folder would not be noticed, start one at a time",
            error=True,
        )
    return True
