"""Lines of CSV tables as all our tables have them: ``csv.writer(Lines(file))``, of a file opened with ``newline=""``.

Cells are as they are, for tables are read again by id; see docs/tables.md for what a spreadsheet makes of some.
"""

from typing import Protocol


class _Text(Protocol):
    def write(self, text: str, /) -> object: ...


class Lines:
    """Ends lines with ``\\n``; the writer before it ends them with ``\\r\\n``, so that it quotes both in a cell."""

    def __init__(self, file: _Text) -> None:
        self._file = file

    def write(self, line: str) -> object:
        """Write a line of ``csv.writer``."""
        return self._file.write(line.removesuffix("\r\n") + "\n")
