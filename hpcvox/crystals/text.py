"""Texts as other programs write them: with a byte-order mark, in UTF-16 or UTF-32, with the line ends of old Macs.

What leaves this module is UTF-8 without a mark, its lines ended by ``\\n`` wherever a carriage return was among
them.  Bytes of no such kind are left as they are.
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
"""The byte-order mark of UTF-8, which appended files have in their midst, too."""

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
"""Bytes that tell how a stream is written."""


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
    """The text of one structure as :func:`decoded` leaves it, which is not too long and not empty.

    Raises:
        Rejected: ``too-large``, ``empty``; ``what`` it is and that there is ``nothing`` are words of the message.
    """
    if len(data) > MAX_BYTES:
        raise Rejected("too-large", f"the {what} is longer than {MAX_BYTES // 1024**2} MiB")
    text = decoded(data)
    if not text or text.isspace():
        raise Rejected("empty", nothing)
    return text


def binary_lines(path: Path) -> IO[bytes]:
    """A file, plain or compressed, as a stream of what :func:`decoded` would make of it."""
    file = decompressed(path)
    head = _head(file)
    found = _encoding(head)
    if found is None and _RETURN not in head.replace(b"\r\n", b"").removesuffix(b"\r"):
        return file
    return io.BufferedReader(_Recoded(file, found or "utf-8"))


def text_lines(path: Path) -> io.TextIOWrapper:
    """A file, plain or compressed, as text; its line ends as they are, as the csv module wants them."""
    file = decompressed(path)
    found = _encoding(_head(file))
    return io.TextIOWrapper(file, found or _PLAIN, errors="replace", newline="")


def pieced_lines(path: Path, take: Callable[[int], None]) -> Iterator[Iterable[str]]:
    """The lines of :func:`text_lines`, piece by piece of the file.

    In half the time: a text file asks with each line whether it is closed, and no line goes through a generator.

    Args:
        take: called with the number of bytes of each piece, before its lines are told; may raise to end it.
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
    """The encoding that a mark tells, or the zeros of UTF-16 among the first letters; None for all others."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    return _ZEROS.get(tuple(byte == 0 for byte in head[:4]))


def _head(file: Any) -> bytes:
    """The beginning of a file, which is still to be read."""
    head: bytes = file.peek(_HEAD)[:_HEAD]
    return head


class _Recoded(io.RawIOBase):
    """A stream of bytes in another encoding and with other line ends."""

    def __init__(self, file: IO[bytes], encoding: str) -> None:
        # what is no UTF-8 stays as it is; of UTF-16 there is nothing to keep
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
