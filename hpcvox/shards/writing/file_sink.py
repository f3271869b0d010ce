"""The file object through which HDF5 writes a shard, so that a full disk gives an error and no crash."""

import os
from pathlib import Path
from types import TracebackType
from typing import Self


class FileSink:
    """A new file for ``h5py.File(sink, "w")``, with direct access to its file descriptor.

    After a failed write HDF5 cannot close a file: it keeps the descriptor, and may corrupt memory when the process
    ends.  Therefore this class remembers the first error and reports success to HDF5, which then closes cleanly.  The
    end of the ``with`` block raises the error.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(
            path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666
        )
        self._position = 0
        self._error: OSError | None = None

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to ``offset``; return the new position."""
        if whence == os.SEEK_END:
            offset += os.fstat(self._descriptor).st_size
        elif whence == os.SEEK_CUR:
            offset += self._position
        self._position = offset
        return offset

    def tell(self) -> int:
        """The position."""
        return self._position

    def write(self, data: memoryview) -> int:
        """Write all of ``data``; an error is kept for later."""
        view = memoryview(data).cast("B")
        done = 0
        try:
            while done < len(view) and self._error is None:
                done += os.pwrite(self._descriptor, view[done:], self._position + done)
        except OSError as error:
            self._error = error
        self._position += len(view)
        return len(view)

    def read(self, count: int) -> bytes:
        """At most ``count`` bytes (h5py knows a file object by this method)."""
        data = os.pread(self._descriptor, count, self._position)
        self._position += len(data)
        return data

    def readinto(self, out: memoryview) -> int:
        """Fill ``out`` as far as the file goes."""
        count = os.preadv(self._descriptor, [out], self._position)
        self._position += count
        return count

    def truncate(self, size: int) -> int:
        """Set the file's length; an error is kept for later."""
        try:
            if self._error is None:
                os.ftruncate(self._descriptor, size)
        except OSError as error:
            self._error = error
        return size

    def flush(self) -> None:
        """Do nothing, since nothing is buffered."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)
        if self._error is not None:
            raise self._error
