"""The storage of a study: Optuna's journal file, made safe against kills, on any file system that all workers share.

Optuna appends lines under a lock.  With Optuna alone, a worker that is killed during a write leaves half a line; the
next line is written after it and is lost, and no reader can read beyond.  Here each writer first removes a line without
an end.  The lock is one of the kernel, which ends with its process (Optuna's own is a file that remains for 30 s).  On
file systems without locks Optuna's lock is used.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from optuna.storages.journal import JournalFileOpenLock
from optuna.storages.journal._base import BaseJournalBackend

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
        if not path.exists():
            path.open("ab").close()
        self.place = (0, 0)
        """Number of the next line that is read, and its first byte."""

    def begin_at(self, number: int, offset: int) -> None:
        """Read from line ``number`` on, whose first byte is at ``offset``."""
        self.place = (number, offset)

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        """The operations from number ``log_number_from`` on; half a line at the end is ignored."""
        if log_number_from < self.place[0]:
            self.place = (0, 0)
        with self._path.open("rb") as file:
            number, offset = self.place
            file.seek(offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                number, offset = number + 1, offset + len(line)
                operation = json.loads(line) if number > log_number_from else None
                self.place = (number, offset)  # Optuna asks for the next one, whatever becomes of this one
                if operation is not None:
                    yield operation

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Write operations and sync them to disk."""
        with locked(self._lock):
            mend(self._path)
            text = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs)
            with open(self._path, "ab", opener=own_file) as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())


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
