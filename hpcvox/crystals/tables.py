"""Sources that are tables: a CSV with a column of CIF texts, an id and any number of targets."""

import bz2
import csv
import gzip
import io
import lzma
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from hpcvox.crystals.columns import ABSENT, ID_COLUMNS, Columns
from hpcvox.crystals.compressed import DAMAGE
from hpcvox.crystals.decimals import decimal
from hpcvox.crystals.record import Entry, Fault
from hpcvox.errors import SourceError

_OPENERS: Final[dict[str, Callable[..., Any]]] = {
    ".csv": open,
    ".csv.gz": gzip.open,
    ".csv.bz2": bz2.open,
    ".csv.xz": lzma.open,
}
CSV_SUFFIXES: Final = tuple(_OPENERS)


def opened(path: Path) -> io.TextIOBase:
    """The text of a table, decompressed by its suffix, one of :data:`CSV_SUFFIXES`."""
    suffix = next(s for s in sorted(_OPENERS, key=len, reverse=True) if path.name.lower().endswith(s))
    file: io.TextIOBase = _OPENERS[suffix](path, "rt", encoding="utf-8-sig", errors="replace", newline="")
    return file


class _Lines:
    """Lines of a possibly compressed text; remembers whether it was read to its end, and damage."""

    def __init__(self, path: Path) -> None:
        self._file = opened(path)
        self.ended = False
        self.damage: str | None = None

    def __iter__(self) -> Iterator[str]:
        with self._file as file:
            try:
                yield from file
            except DAMAGE as error:
                self.damage = str(error) or type(error).__name__
        self.ended = True


class CsvSource:
    """A table of crystals, one a row.

    Rows are numbered as a spreadsheet shows them: the header is row 1.  The table is read once when
    it is opened, to count its rows and to find which columns hold numbers alone.
    """

    kind = "csv"

    def __init__(self, path: Path, columns: Columns) -> None:
        self._path = path
        id_column, cif_column, targets = columns
        # A CIF is one cell; the csv module's own limit is 128 KiB.
        csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
        try:
            self._columns = self._header()
        except DAMAGE as error:
            raise SourceError(f"{path}: cannot read the table: {error}") from None
        listed = ", ".join(self._columns)
        if cif_column not in self._columns:
            raise SourceError(f"{path}: there is no column {cif_column!r}; the table has: {listed}")
        self._cif = self._columns.index(cif_column)
        if id_column == "auto":
            found = [name for name in ID_COLUMNS if name in self._columns]
            self._id = self._columns.index(found[0]) if found else -1
        elif id_column in self._columns:
            self._id = self._columns.index(id_column)
        else:
            raise SourceError(f"{path}: there is no id column {id_column!r}; the table has: {listed}")
        numeric, count = self._survey()
        self.total: int | None = count
        if targets is None:
            self.target_names: tuple[str, ...] = tuple(self._columns[i] for i in numeric)
        else:
            missing = [name for name in targets if name not in self._columns]
            if missing:
                valid = ", ".join(self._columns[i] for i in numeric) or "none"
                raise SourceError(
                    f"{path}: no column {missing[0]!r} for a target; columns of numbers: {valid}"
                )
            self.target_names = tuple(targets)
        self._targets = [(name, self._columns.index(name)) for name in self.target_names]

    def _header(self) -> list[str]:
        lines = _Lines(self._path)
        header = next(csv.reader(lines), [])
        if lines.damage is not None or not header:
            raise SourceError(f"{self._path}: the table has no header ({lines.damage or 'it is empty'})")
        return [name.strip() for name in header]

    def _rows(self) -> Iterator[tuple[int, list[str], Fault | None]]:
        """Every row with its number and what is wrong with it, if anything."""
        lines = _Lines(self._path)
        width = len(self._columns)
        number = 1
        reader = csv.reader(lines)
        next(reader)
        for number, row in enumerate(reader, start=2):
            if lines.damage is not None:
                break
            if not row:
                continue
            fault = None
            if lines.ended:  # the reader asked for another line: the last quotation was never closed
                fault = Fault("row", "the table ends within this row")
            elif len(row) != width:
                fault = Fault("row", f"the row has {len(row)} cells, the header {width}")
            yield number, row, fault
        if lines.damage is not None:
            message = f"the file is damaged after row {number}; what follows is lost ({lines.damage})"
            yield 0, [], Fault("damaged-archive", message)

    def _survey(self) -> tuple[list[int], int]:
        """Columns that hold numbers alone, and the number of entries."""
        skipped = {self._cif, self._id}
        candidates = [
            i
            for i, name in enumerate(self._columns)
            if name and not name.startswith("Unnamed") and i not in skipped
        ]
        filled: set[int] = set()
        count = 0
        for _, row, fault in self._rows():
            count += 1
            if fault is not None:
                continue
            refuted = []
            for i in candidates:
                cell = row[i]
                if not cell:
                    continue
                try:
                    decimal(cell)
                    filled.add(i)
                except ValueError:
                    if cell.strip().lower() not in ABSENT:
                        refuted.append(i)
            if refuted:
                candidates = [i for i in candidates if i not in refuted]
        return [i for i in candidates if i in filled], count

    def __iter__(self) -> Iterator[Entry]:
        for index, (number, row, damage) in enumerate(self._rows()):
            fault = damage
            if number == 0:  # damage to the file as a whole
                yield Entry(index, self._path.name, self._path.name, b"", {}, fault)
                continue
            whole = fault is None
            name = row[self._id].strip() if whole and self._id >= 0 else ""
            targets: dict[str, float] = {}
            text = b""
            if whole:
                text = row[self._cif].encode()
                targets, fault = self._numbers(row)
                if not text.strip():
                    fault = Fault("empty", f"the cell {self._columns[self._cif]!r} is empty")
            yield Entry(
                index, name or f"row-{number}", f"{self._path.name}:row {number}", text, targets, fault
            )

    def _numbers(self, row: list[str]) -> tuple[dict[str, float], Fault | None]:
        values: dict[str, float] = {}
        for name, i in self._targets:
            cell = row[i]
            if not cell:
                continue
            try:
                value = decimal(cell)
            except ValueError:
                if cell.strip().lower() in ABSENT:
                    continue
                return {}, Fault("target", f"the target {name!r} is {cell[:40]!r}, not a number")
            if math.isfinite(value):
                values[name] = value
        return values, None
