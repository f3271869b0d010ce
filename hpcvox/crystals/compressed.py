"""Files that may be compressed, told by their first bytes, whatever the name says."""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Final

from hpcvox.files.regular import open_regular

_MAGIC: Final[dict[bytes, Callable[[Any], Any]]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\0": lzma.open,
}
_STARTS: Final = tuple(_MAGIC)

SUFFIXES: Final = ("", ".gz", ".bz2", ".xz")
"""What the name of a file that may be compressed ends with."""

READ_ERRORS: Final = (EOFError, lzma.LZMAError, zlib.error, OSError)
"""What reading a damaged file may raise."""


def decompressed(path: Path) -> IO[bytes]:
    """The bytes of a regular file, plain or compressed by gzip, bzip2 or xz."""
    with open_regular(path) as file:
        magic = file.read(6)
    opener = next((opener for start, opener in _MAGIC.items() if magic.startswith(start)), None)
    return path.open("rb") if opener is None else opener(path)


def unpacked(data: bytes, most: int) -> bytes:
    """``data`` as it is or, where it is compressed, the first ``most`` bytes of what it holds.

    Raises:
        EOFError, OSError, lzma.LZMAError, zlib.error: it is damaged (:data:`READ_ERRORS`).
    """
    if not data.startswith(_STARTS):
        return data
    opener = next(opener for start, opener in _MAGIC.items() if data.startswith(start))
    with opener(io.BytesIO(data)) as file:
        held: bytes = file.read(most)
    return held


def suffixes(*names: str) -> tuple[str, ...]:
    """Each of ``names`` (``.xyz``) plain and compressed."""
    return tuple(name + packed for name in names for packed in SUFFIXES)
