"""Files that may be compressed: opened by their first bytes, whatever their names say."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Final

PACKED: Final = ("", ".gz", ".bz2", ".xz")
"""What the name of a compressed file may end with."""

DAMAGE: Final = (OSError, EOFError, lzma.LZMAError, zlib.error)
"""What reading a damaged file raises."""

_MAGIC: Final[dict[bytes, Callable[[Path], Any]]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\0": lzma.open,
}


def decompressed(path: Path) -> IO[bytes]:
    """The bytes of the file at ``path``, decompressed as a stream."""
    with path.open("rb") as file:
        magic = file.read(6)
    opener = next((opener for start, opener in _MAGIC.items() if magic.startswith(start)), None)
    return path.open("rb") if opener is None else opener(path)


def suffixes(*names: str) -> tuple[str, ...]:
    """Each of ``names`` (``.xyz``) plain and compressed."""
    return tuple(name + packed for name in names for packed in PACKED)
