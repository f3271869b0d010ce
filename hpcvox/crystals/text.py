"""Converts texts of other programs to UTF-8: with a byte-order mark, in UTF-16 or UTF-32, with line ends of old Macs.

The result has no byte-order mark, and its lines end with ``\\n`` if the text has carriage returns.  Other bytes do not
change.
"""

import codecs
import io
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, Final

from hpcvox.crystals.compressed import decompressed
from hpcvox.crystals.limits import MAX_BYTES
from hpcvox.errors import Rejected

MARK: Final = codecs.BOM_UTF8
"""The byte-order mark of UTF-8; in files that were joined, it also occurs in the middle."""

_MARKS: Final = (  # UTF-32 first: its mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (MARK, "utf-8-sig"),
)
_ZEROS: Final[dict[tuple[bool, ...], str]] = {
    (True, False, True, False): "utf-16-be",
    (False, True, False, True): "utf-16-le",
}
_RETURN: Final = ord("\r")  # bytes are searched for a number ten times faster than for bytes
_PLAIN: Final = "utf-8-sig"
_PIECE: Final = 64 * 1024
_HEAD = 4096
"""Number of bytes from which the encoding of a stream is determined."""


def decoded(data: bytes) -> bytes:
    """``data`` as UTF-8 without a byte-order mark, its lines ended by ``\\n``."""
    if 0 in data[:4] or not data[:2].isascii():
        found = _encoding(data)
        if found == "utf-8-sig":
            data = data.removeprefix(MARK)
        elif found:
            data = data.decode(found, errors="replace").encode(errors="replace")
    if _RETURN in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return data


def usable(data: bytes, what: str = "text", nothing: str = "there is no text") -> bytes:
    """Check that the text of one structure is not too long and not empty, and return it as :func:`decoded`.

    Args:
        data: the raw text.
        what: word for the text in the message if it is too long.
        nothing: the message if it is empty.

    Raises:
        Rejected: ``too-large``, ``empty``.
    """
    if len(data) > MAX_BYTES:
        raise Rejected("too-large", f"the {what} is longer than {MAX_BYTES // 1024**2} MiB")
    text = decoded(data)
    if not text or text.isspace():
        raise Rejected("empty", nothing)
    return text


def binary_lines(path: Path) -> IO[bytes]:
    """Open a file, plain or compressed, as a stream of bytes in UTF-8, as :func:`decoded` makes them."""
    file = decompressed(path)
    head = _head(file)
    found = _encoding(head)
    if found is None and _RETURN not in head.replace(b"\r\n", b"").removesuffix(b"\r"):
        return file
    return io.BufferedReader(_Recoded(file, found or "utf-8"))


def text_lines(path: Path) -> io.TextIOWrapper:
    """Open a file, plain or compressed, as text; line ends are not changed, as the csv module requires."""
    file = decompressed(path)
    found = _encoding(_head(file))
    return io.TextIOWrapper(file, found or _PLAIN, errors="replace", newline="")


def pieced_lines(path: Path, take: Callable[[int], None]) -> Iterator[Iterable[str]]:
    """The lines of :func:`text_lines`, in pieces of the file.

    This takes half the time: a text file checks at each line whether it is closed, and no line passes a generator here.

    Args:
        path: the file.
        take: called with the number of bytes of each piece, before its lines are yielded; it may raise to stop.
    """
    with decompressed(path) as file:
        found = _encoding(_head(file))
        decoder = codecs.getincrementaldecoder(found or _PLAIN)(errors="replace")
        parts: list[str] = []
        while data := file.read1(_PIECE):  # type: ignore[attr-defined]
            take(len(data))
            text = decoder.decode(data)
            # a carriage return at the end may have its line feed in the next piece
            if end := max(text.rfind("\n"), text.rfind("\r", 0, -1)) + 1:
                yield io.StringIO("".join([*parts, text[:end]]), newline="")
                parts = []
            parts.append(text[end:])
        yield io.StringIO("".join([*parts, decoder.decode(b"", final=True)]), newline="")


def _encoding(head: bytes) -> str | None:
    """The encoding, from a byte-order mark or from the zeros of UTF-16 in the first letters; None for other texts."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    return _ZEROS.get(tuple(byte == 0 for byte in head[:4]))


def _head(file: Any) -> bytes:
    """The beginning of a file, without moving its position."""
    head: bytes = file.peek(_HEAD)[:_HEAD]
    return head


class _Recoded(io.RawIOBase):
    """A stream that converts another stream to UTF-8 and ``\\n``."""

    def __init__(self, file: IO[bytes], encoding: str) -> None:
        # invalid UTF-8 is kept as it is; invalid UTF-16 cannot be kept
        errors = "surrogateescape" if encoding.startswith("utf-8") else "replace"
        self._text = io.TextIOWrapper(file, encoding, errors=errors, newline=None)
        self._errors = errors
        self._pieces = self._encoded()
        self._rest = b""

    def _encoded(self) -> Iterator[bytes]:
        while piece := self._text.read(io.DEFAULT_BUFFER_SIZE):
            yield piece.encode(errors=self._errors)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        piece = self._rest or next(self._pieces, b"")
        n = min(len(piece), len(buffer))
        buffer[:n], self._rest = piece[:n], piece[n:]
        return n

    def close(self) -> None:
        self._text.close()
        super().close()
