"""Reads text of numbers as a stream: the lines of a header, then blocks with a known number of values."""

import lzma
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import numpy as np
from numpy.typing import NDArray

from hpcvox.crystals.compressed import READ_ERRORS, decompressed
from hpcvox.crystals.decimals import decimal
from hpcvox.crystals.fields.numbers import POWERS, parse_numbers
from hpcvox.crystals.text import binary_lines
from hpcvox.errors import Rejected

CHUNK: Final = 1 << 20
"""Bytes of text in memory at a time."""

MAX_LINE: Final = 65536
"""Longest line or word in bytes; valid files have shorter ones."""

MAX_BYTES: Final = 16 << 30
"""Most bytes that are unpacked of a file; the largest grid that is read takes less."""

LARGEST: Final = 1e100
"""A greater value counts as infinite."""

_NO_E = re.compile(rb"([+-]?[0-9]*\.[0-9]+)([+-][0-9]{3})")
"""Numbers as Fortran writes them, without the E before an exponent of three digits."""


class Text:
    """Reads a stream of text line by line or as blocks of numbers; keeps only one chunk of it in memory."""

    def __init__(self, stream: IO[bytes], name: str) -> None:
        self.name = name
        self._stream = stream
        self._rest = b""
        self._left = MAX_BYTES

    def line(self) -> str | None:
        """The next line without its end, or None at the end of the file."""
        end = self._rest.find(b"\n")
        if end < 0:
            self._rest += self._read()
            end = self._rest.find(b"\n")
        if end < 0:  # a last line without end, or a very long one
            line, self._rest = self._rest, b""
            if len(line) > MAX_LINE:
                raise Rejected("not-text", f"{self.name}: a line is longer than {MAX_LINE} bytes")
            return line.decode("latin-1") if line else None
        line, self._rest = self._rest[:end], self._rest[end + 1 :]
        if len(line) > MAX_LINE:
            raise Rejected("not-text", f"{self.name}: a line is longer than {MAX_LINE} bytes")
        return line.decode("latin-1")

    def header(self, what: str) -> str:
        """The next line, which holds ``what``.

        Raises:
            Rejected: the file ends before it (``truncated``).
        """
        line = self.line()
        if line is None:
            raise Rejected("truncated", f"{self.name} ends before {what}")
        return line

    def numbers(self, what: str, least: int) -> list[float]:
        """The numbers at the start of the next line, at least ``least`` of them.

        Raises:
            Rejected: there are fewer (``header``).
        """
        line = self.header(what)
        found: list[float] = []
        for token in line.split():
            try:
                found.append(decimal(token.replace("D", "E").replace("d", "e")))
            except ValueError:
                break
        if len(found) < least:
            raise Rejected("header", f"{self.name}: {what} should be {least} numbers, and is {line[:80]!r}")
        return found

    def block(self, count: int, what: str) -> NDArray[np.float64]:
        """The next ``count`` values, (count,) float64, on any number of lines.

        Raises:
            Rejected: there are fewer (``truncated``), one is no number (``number``) or not finite
                (``not-finite``).
        """
        out = np.empty(min(count, CHUNK // 2))  # a file may announce more values than it has
        done = 0
        while done < count:
            piece = self._whole_words()
            if not piece:
                message = f"the block of {what} ends after {done} of {count} values"
                raise Rejected("truncated", f"{self.name}: {message}")
            need = min(count, done + len(piece) // 2 + 1)
            if need > len(out):
                out.resize(min(count, max(2 * len(out), need)), refcheck=False)
            text = np.frombuffer(piece, np.uint8)
            at = 0
            while done < count and at < len(piece):
                found, word, end = parse_numbers(text[at:], out[done:need], POWERS)
                new = out[done : done + found]
                if not (np.abs(new) < LARGEST).all():
                    first = int(np.argmin(np.abs(new) < LARGEST))
                    raise self._infinite(new[first], done + first, count, what)
                done += found
                if end > word:
                    out[done] = self._odd(piece[at + word : at + end], done, count, what)
                    done += 1
                at += end
            self._rest = piece[at:] + self._rest
        return out[:count]

    def _odd(self, word: bytes, done: int, count: int, what: str) -> float:
        """The number in a word with more digits, or a greater exponent, than the fast reader takes."""
        try:
            value = decimal(_NO_E.sub(rb"\1E\2", word.replace(b"D", b"E")).decode("latin-1"))
        except ValueError:
            shown = word[:24].decode("latin-1")
            where = f"value {done + 1} of {count} of {what}"
            raise Rejected("number", f"{self.name}: {where} is {shown!r}, not a number") from None
        if not abs(value) < LARGEST:
            raise self._infinite(value, done, count, what)
        return value

    def _infinite(self, value: float, done: int, count: int, what: str) -> Rejected:
        return Rejected("not-finite", f"{self.name}: value {done + 1} of {count} of {what} is {value}")

    def _whole_words(self) -> bytes:
        """About a chunk of text that ends between two words; empty at the end of the file."""
        while True:
            more = self._read()
            text = self._rest + more
            if not more:
                self._rest = b""
                return text
            cut = max(text.rfind(b" "), text.rfind(b"\n"))
            if cut >= 0 and not text[:cut].isspace() and cut > 0:
                self._rest = text[cut:]
                return text[:cut]
            if len(text.strip()) > MAX_LINE:
                raise Rejected("not-text", f"{self.name}: a word is longer than {MAX_LINE} bytes")
            self._rest = text[-MAX_LINE:]  # only white space is dropped

    def _read(self) -> bytes:
        try:
            text = self._stream.read(CHUNK)
        except EOFError:
            return b""  # the compressed file is cut off; the caller will say where
        except READ_ERRORS as error:
            raise Rejected("damaged", f"{self.name} cannot be read: {error}") from None
        self._left -= len(text)
        if self._left < 0:
            raise Rejected("too-large", f"{self.name} has more than {MAX_BYTES >> 30} GiB of text")
        return text


@contextmanager
def opened(path: Path) -> Iterator[Text]:
    """Open the text of a file, plain or compressed, in any usual encoding and with any usual line ends.

    Raises:
        Rejected: it cannot be opened (``unreadable``).
    """
    try:
        try:
            stream = binary_lines(path)
        except (
            EOFError,
            lzma.LZMAError,
            zlib.error,
        ):  # damaged at its beginning; the first read will say so
            stream = decompressed(path)
    except READ_ERRORS as error:
        raise Rejected("unreadable", f"{path.name} cannot be opened: {error}") from None
    with stream:
        yield Text(stream, path.name)
