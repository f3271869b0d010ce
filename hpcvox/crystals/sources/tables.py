"""CSV tables as sources: a column of CIF texts, an id and any number of targets."""

import csv
import math
import re
import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Final

from hpcvox.crystals.compressed import READ_ERRORS, suffixes
from hpcvox.crystals.decimals import decimal
from hpcvox.crystals.limits import MAX_COLUMNS
from hpcvox.crystals.record import Entry, Fault
from hpcvox.crystals.sources.columns import ColumnChoice, absent, no_target, refuse_doubled, text_format
from hpcvox.crystals.sources.long_rows import MAX_ROW, MOST, Measured, Outlined, RowTooLongError
from hpcvox.crystals.sources.passed_over import COLUMNS, PassedOver
from hpcvox.crystals.text import pieced_lines, text_lines
from hpcvox.errors import SourceError

CSV_SUFFIXES: Final = suffixes(".csv")

_MAX_HEADER: Final = 1024 * 1024

_LONGEST_ABSENT: Final = 64
"""Longest cell in bytes that may mean that there is no structure."""

_PATIENCE: Final = 100
"""A column is dropped as a target if its other cells outnumber its numbers by this many."""

_WITH_COMMA: Final = re.compile(r"\s*[-+]?[\d.' ]*\d,\d+(?:\.\d+)?(?:[eE][-+]?\d+)?\s*", re.ASCII)
"""A number with a decimal comma, or with one that separates thousands; it may mean either, and so is not read."""


class _Lines:
    """The lines of a text, perhaps compressed; notes damage, and whether the end was reached."""

    def __init__(self, path: Path, most: int = MAX_ROW, outlined: bool = False) -> None:
        """Args:
        path: the file.
        most: longest row in bytes.
        outlined: read only the outline of longer rows, to find their end; otherwise they raise an error.
        """
        self._path = path
        self._rows = Outlined(text_lines(path)) if outlined else Measured(most)
        self.ended = False
        self.damage: str | None = None

    def row_began(self) -> bool:
        """Note that a new row begins; return whether the row before was too long."""
        return self._rows.row_began()

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(self._pieces())

    def _pieces(self) -> Iterator[Iterable[str]]:
        rows = self._rows
        try:
            if isinstance(rows, Outlined):
                yield from ([line] for line in rows)
            else:
                yield from pieced_lines(self._path, rows.take)
        except READ_ERRORS as error:
            self.damage = str(error) or type(error).__name__
        if isinstance(rows, Outlined) and rows.endless:
            self.damage = f"a row is longer than {MOST // 1024**2} MiB: is a quotation never closed?"
        self.ended = True


class CsvSource:
    """A table with one crystal per row.

    Rows have the numbers that a spreadsheet shows: the header is row 1.  Opening reads the table once, to count its
    rows and to find the columns that hold only numbers.
    """

    kind = "csv"

    def __init__(self, path: Path, columns: ColumnChoice) -> None:
        self._path = path
        targets = columns.targets
        # a CIF is one cell, and may be longer than the csv module's limit of 128 KiB
        csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
        try:
            self._columns = self._header()
        except READ_ERRORS as error:
            raise SourceError(f"{path}: cannot read the table: {error}") from None
        self._cif = self._columns.index(columns.structure_column(path, self._columns))
        columns.refuse_other_id(path, self._columns)
        found = next((name for name in columns.id_names if name in self._columns), None)
        self._id = -1 if found is None else self._columns.index(found)
        self._outlined = False
        try:
            numeric, self.total = self._survey()
        except RowTooLongError:
            self._outlined = True
            numeric, self.total = self._survey()
        self.passed_over = "" if targets is not None else _left_out(numeric)
        names = [column.name for column in numeric if column.others == 0]
        columns.refuse_other_targets(path, self._columns, names)
        self.target_names: tuple[str, ...] = tuple(names if targets is None else targets)
        refuse_doubled(path, self._columns, [self._columns[self._cif], found, *self.target_names])
        self._targets = [(name, self._columns.index(name)) for name in self.target_names]

    def _header(self) -> list[str]:
        lines = _Lines(self._path, _MAX_HEADER)
        try:
            header = next(csv.reader(lines), [])
        except RowTooLongError:
            header = ["…"] * (MAX_COLUMNS + 1)
        if len(header) > MAX_COLUMNS:
            raise SourceError(
                f"{self._path}: the header is longer than {_MAX_HEADER // 1024**2} MiB or {MAX_COLUMNS:,} columns: "
                "is it a table with a header, and is no quotation left open?"
            )
        if lines.damage is not None or not header:
            raise SourceError(f"{self._path}: the table has no header ({lines.damage or 'it is empty'})")
        return [name.strip() for name in header]

    def _rows(self) -> Iterator[tuple[int, list[str], Fault | None]]:
        """Every row with its number and its fault, if it has one."""
        lines = _Lines(self._path, outlined=self._outlined)
        width = len(self._columns)
        number = 1
        reader = csv.reader(lines)
        next(reader)
        lines.row_began()
        for number, row in enumerate(reader, start=2):
            if lines.damage is not None:
                break
            cut = lines.row_began()
            if not row:
                continue
            fault = None
            if lines.ended:  # the csv module wanted another line: the last quotation mark was never closed
                fault = Fault("row", "the table ends within this row")
            elif cut:
                fault = Fault("too-large", f"the row is longer than {MAX_ROW // 1024**2} MiB")
            elif len(row) != width:
                fault = Fault("row", f"the row has {len(row)} cells, the header {width}")
            yield number, row, fault
        if lines.damage is not None:
            message = f"the file is damaged after row {number}; what follows is lost ({lines.damage})"
            yield 0, [], Fault("damaged-archive", message)

    def _survey(self) -> tuple[list["_Numeric"], int | None]:
        """The columns that hold mostly numbers, and the number of entries."""
        skipped = {self._cif, self._id}
        columns = [
            _Numeric(i, name)
            for i, name in enumerate(self._columns)
            if name and not name.startswith("Unnamed") and i not in skipped
        ]
        count = 0
        for number, row, fault in self._rows():
            count += 1
            if fault is not None:
                continue
            hopeless = False
            for column in columns:
                cell = row[column.index]
                if not cell:
                    continue
                if _is_finite(cell):
                    column.numbers += 1
                elif not absent(cell):
                    hopeless |= column.refuted(number, cell)
            if hopeless:
                columns = [column for column in columns if not column.hopeless]
        return [column for column in columns if column.meant], count

    def __iter__(self) -> Iterator[Entry]:
        for index, (number, row, damage) in enumerate(self._rows()):
            fault = damage
            if number == 0:  # the file as a whole is damaged
                yield Entry(index, self._path.name, self._path.name, b"", {}, fault)
                continue
            whole = fault is None
            name = row[self._id].strip() if whole and self._id >= 0 else ""
            targets: dict[str, float] = {}
            text = b""
            if whole:
                text = row[self._cif].encode()
                targets, fault = self._numbers(row)
                if len(text) < _LONGEST_ABSENT and absent(row[self._cif]):
                    shown = f"is {row[self._cif].strip()}" if text.strip() else "is empty"
                    fault = Fault("empty", f"the cell {self._columns[self._cif]!r} {shown}")
            name, origin = name or f"row-{number}", f"{self._path.name}:row {number}"
            yield Entry(index, name, origin, text, targets, fault, text_format(text))

    def _numbers(self, row: list[str]) -> tuple[dict[str, float], Fault | None]:
        values: dict[str, float] = {}
        for name, i in self._targets:
            cell = row[i]
            if not cell:
                continue
            try:
                value = decimal(cell)
            except ValueError:
                value = math.nan
            if math.isfinite(value):
                values[name] = value
            elif not absent(cell):
                return {}, Fault("target", no_target(name, cell, value))
        return values, None


def _is_finite(cell: str) -> bool:
    """Whether a cell can be a target's value."""
    try:
        return math.isfinite(decimal(cell))
    except ValueError:
        return False


class _Numeric:
    """Counts the cells of a column that are numbers and those that are not, and keeps the first of the latter."""

    def __init__(self, index: int, name: str) -> None:
        self.index, self.name = index, name
        self.numbers = self.others = 0
        self.first = ""
        self._with_comma = 0  # of the others

    @property
    def meant(self) -> bool:
        """Whether most cells are numbers, if only for a reader."""
        return self.numbers + self._with_comma > self.others - self._with_comma

    @property
    def hopeless(self) -> bool:
        """Whether so many cells are no numbers that the column need not be looked at any more."""
        return self.others - self._with_comma > self.numbers + self._with_comma + _PATIENCE

    def refuted(self, row: int, cell: str) -> bool:
        """Count a cell that is no number; return whether the column has too many of these."""
        self.first = self.first or f"{self.name}: row {row} has {cell.strip()[:40]!r}"
        self.others += 1
        self._with_comma += _WITH_COMMA.fullmatch(cell) is not None
        return self.hopeless


def _left_out(columns: list[_Numeric]) -> str:
    left = PassedOver()
    for column in columns:
        if column.others:
            left.add(COLUMNS, column.first)
    return left.told()
