"""Opens regular files only, because a pipe, a device or a socket could keep its reader waiting forever."""

import errno
import io
import os
import stat
from pathlib import Path

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def open_regular(path: Path) -> io.BufferedReader:
    """Open the regular file at ``path`` for reading bytes; links are followed.

    Raises:
        OSError: it cannot be opened, or is no regular file.
    """
    return io.BufferedReader(io.FileIO(path, "rb", opener=_opened))


def read_text(path: Path, most: int) -> str:
    """Read the regular file at ``path`` as UTF-8.

    Raises:
        OSError: it cannot be read, is no regular file, or has more than ``most`` bytes.
        UnicodeDecodeError: it is no UTF-8.
    """
    with open_regular(path) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"it is longer than {most >> 10} KiB")
    return data.decode()


def _opened(path: str, flags: int) -> int:
    descriptor = os.open(path, flags | os.O_NONBLOCK)  # otherwise opening a pipe would wait for a writer
    kind = stat.S_IFMT(os.fstat(descriptor).st_mode)
    if kind != stat.S_IFREG:
        os.close(descriptor)
        raise OSError(errno.EINVAL, f"it is {_KINDS.get(kind, 'no file')}, and a regular file is needed")
    return descriptor
