"""The line ends of all our CSV tables: ``csv.writer(Lines(file))``, with a file opened with ``newline=""``.

Cells are written unchanged, because tables are read again by id; docs/tables.md says what spreadsheets make of some.
"""

from typing import Protocol


class _Text(Protocol):
    def write(self, text: str, /) -> object: ...


class Lines:
    """Ends lines with ``\\n``.  The csv writer itself uses ``\\r\\n``, so that it quotes cells with either of these."""

    def __init__(self, file: _Text) -> None:
        self._file = file

    def write(self, line: str) -> object:
        """Write a line of ``csv.writer``."""
        return self._file.write(line.removesuffix("\r\n") + "\n")
