"""The storage of a study: Optuna's journal file, which no kill can spoil, on any file system that all workers see.

Optuna appends lines under a lock.  As it is, a worker that is killed while it writes leaves half a line: the next
one is written behind it, is lost, and no later reader gets past the two.  Here whoever writes first takes away what
has no end.  The lock is the kernel's, which ends with its holder (Optuna's own is a file that outlives it by 30 s);
file systems without locks have Optuna's.
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
"""Folder beside the journal, with the files that its entries name."""


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file ``path``; other processes and threads wait.

    Raises:
        BusyError: it is a link, or no file.
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
    """Lines of JSON in a file, each whole or not there."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, path.with_name(f".{path.name}.lock")
        self._file = JournalFileBackend(str(path), _NoLock())

    def read_logs(self, log_number_from: int) -> Any:
        """The operations from a number on; half a line at the end is none."""
        return self._file.read_logs(log_number_from)

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Write operations, durably."""
        with locked(self._lock):
            mend(self._path)
            self._file.append_logs(logs)


class _NoLock(BaseJournalFileLock):
    """The journal is locked around it."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        pass


def mend(path: Path) -> int:
    """Cut what follows the last line's end off ``path``; the number of bytes that were cut.

    Raises:
        BusyError: it is a link, or no file.
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
