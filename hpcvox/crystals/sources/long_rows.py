"""Reads lines of a table with rows that are too long for the memory.

The csv module keeps a row of any length in memory, at four bytes per character, and a quotation mark that is never
closed makes the rest of the file one row.  Tables are read at full speed until a row is too long.  Then they are read
again, with only the outline of such rows.
"""

import io
import re
from collections.abc import Iterator
from typing import Final

from hpcvox.crystals.limits import MAX_BYTES

MAX_ROW: Final = MAX_BYTES
"""Longest row in bytes that is read."""

MOST: Final = 8 * MAX_ROW
"""The search for the end of a row stops after this many characters."""

_PIECE: Final = 64 * 1024
_OTHERS: Final = re.compile(r'[^",\r\n]+')
_CELLS: Final = re.compile(r"(?:x?,)+")
_PAIRS: Final = re.compile(r'(?:"")+')


class RowTooLongError(Exception):
    """A row has more than :data:`MAX_ROW` bytes."""


class Measured:
    """Counts the bytes of a row."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._row = 0

    def row_began(self) -> bool:
        """Note that a new row begins; returns False, since the row before was not too long."""
        self._row = 0
        return False

    def take(self, size: int) -> None:
        """Count ``size`` more bytes; raise :class:`RowTooLongError` if the row is too long."""
        self._row += size
        if self._row > self._most:
            raise RowTooLongError


class Outlined:
    """The lines of ``file``; for rows that are too long only the quotation marks, commas and line ends that matter.

    From these the csv module sees where the row ends.
    """

    def __init__(self, file: io.TextIOWrapper) -> None:
        self._file = file
        self._row = 0
        self._cut = False
        self.endless = False
        """Whether the search for the end of a row was given up; then there are no more lines."""

    def row_began(self) -> bool:
        """Note that a new row begins; return whether the row before was too long."""
        cut, self._row, self._cut = self._cut, 0, False
        return cut

    def __iter__(self) -> Iterator[str]:
        with self._file:
            yield from self._lines()

    def _lines(self) -> Iterator[str]:
        parts: list[str] = []
        held = 0
        while piece := self._file.readline(_PIECE):
            ended = piece.endswith(("\n", "\r"))
            self._row += len(piece)
            if self._row > MAX_ROW:
                self._cut = True
                piece = _outline(piece)
            held += len(piece)
            if self._row > MOST or held > 2 * MAX_ROW:
                self.endless = True
                return
            parts.append(piece)
            if ended:
                yield "".join(parts)
                parts, held = [], 0
        if parts:
            yield "".join(parts)


def _outline(text: str) -> str:
    """``text`` with as few characters as possible that leave the csv module in the same state."""
    return _PAIRS.sub('""', _CELLS.sub(",", _OTHERS.sub("x", text)))
