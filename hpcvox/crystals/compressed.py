"""Reads files that may be compressed; their first bytes decide, not their names."""

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
"""Endings of the names of compressed files."""

READ_ERRORS: Final = (EOFError, lzma.LZMAError, zlib.error, OSError)
"""The exceptions that reading a damaged file may raise."""


def decompressed(path: Path) -> IO[bytes]:
    """Open a regular file and read its content, which may be compressed by gzip, bzip2 or xz."""
    with open_regular(path) as file:
        magic = file.read(6)
    opener = next((opener for start, opener in _MAGIC.items() if magic.startswith(start)), None)
    return path.open("rb") if opener is None else opener(path)


def unpacked(data: bytes, most: int) -> bytes:
    """``data`` itself or, if it is compressed, the first ``most`` bytes of its content.

    Raises:
        EOFError, OSError, lzma.LZMAError, zlib.error: the data are damaged (:data:`READ_ERRORS`).
    """
    if not data.startswith(_STARTS):
        return data
    opener = next(opener for start, opener in _MAGIC.items() if data.startswith(start))
    with opener(io.BytesIO(data)) as file:
        held: bytes = file.read(most)
    return held


def suffixes(*names: str) -> tuple[str, ...]:
    """Each suffix of ``names`` (``.xyz``), alone and with the suffixes of compressed files (``.xyz.gz``)."""
    return tuple(name + packed for name in names for packed in SUFFIXES)
