"""The storage of a study: Optuna's journal file, made safe against kills, on any file system that all workers share.

Optuna appends lines under a lock.  With Optuna alone, a worker that is killed during a write leaves half a line; the
next line is written after it and is lost, and no reader can read beyond.  Here each writer first removes a line without
an end.  The lock is one of the kernel, which ends with its process (Optuna's own is a file that remains for 30 s).  On
file systems without locks Optuna's lock is used.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.storages.journal._base import BaseJournalBackend
from optuna.storages.journal._file import BaseJournalFileLock

from hpcvox.files.durable import NO_LOCKS, own_file

JOURNAL = "journal.log"
ARTIFACTS = "artifacts"
"""Folder beside the journal with the files that its entries name."""


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """A context that holds the lock file ``path``; other processes and threads wait.

    Raises:
        BusyError: the path is a link, or no file.
    """
    descriptor = own_file(path, os.O_RDWR | os.O_CREAT)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
            lock = JournalFileOpenLock(str(path))
            lock.acquire()
            try:
                yield
            finally:
                lock.release()
        else:
            yield
    finally:
        os.close(descriptor)


class Journal(BaseJournalBackend):
    """Lines of JSON in a file, each of which is complete or does not exist."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, path.with_name(f".{path.name}.lock")
        self._file = JournalFileBackend(str(path), _NoLock())

    def read_logs(self, log_number_from: int) -> Any:
        """The operations from number ``log_number_from`` on; half a line at the end is ignored."""
        return self._file.read_logs(log_number_from)

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Write operations and sync them to disk."""
        with locked(self._lock):
            mend(self._path)
            self._file.append_logs(logs)


class _NoLock(BaseJournalFileLock):
    """Does nothing, because the journal is already locked."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        pass


def mend(path: Path) -> int:
    """Cut off everything after the last line end of ``path``; return the number of bytes that were cut.

    Raises:
        BusyError: the path is a link, or no file.
    """
    with open(path, "r+b", opener=own_file) as file:
        end = file.seek(0, os.SEEK_END)
        keep = end
        while keep:
            file.seek(max(keep - 4096, 0))
            block = file.read(keep - file.tell())
            if (at := block.rfind(b"\n")) >= 0:
                keep -= len(block) - at - 1
                break
            keep -= len(block)
        if keep != end:
            file.truncate(keep)
            os.fsync(file.fileno())
    return end - keep


def storage(folder: Path) -> JournalStorage:
    """The storage of the study in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    return JournalStorage(Journal(folder / JOURNAL))
