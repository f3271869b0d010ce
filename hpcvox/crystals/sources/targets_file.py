"""Reads targets from a separate table with the ids of the crystals: CGCNN's ``id_prop.csv``, or one with a header."""

import csv
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Protocol

from hpcvox.crystals.compressed import READ_ERRORS
from hpcvox.crystals.decimals import decimal
from hpcvox.crystals.record import Entry, Fault
from hpcvox.crystals.sources.columns import ColumnChoice, absent, refuse_doubled
from hpcvox.crystals.sources.passed_over import COLUMNS, Kind, PassedOver
from hpcvox.crystals.text import text_lines
from hpcvox.errors import Rejected, SourceError
from hpcvox.terminal import counted

ALONE: Final = "target"
"""The name of the only column of a table without a header, unless ``targets`` names it."""

_UNUSED: Final = Kind("row of targets that no crystal has", "rows of targets that no crystal has")


class Entries(Protocol):
    """A source whose crystals have an id."""

    kind: str
    total: int | None
    target_names: tuple[str, ...]

    @property
    def passed_over(self) -> str: ...

    def __iter__(self) -> Iterator[Entry]: ...


class TargetsFile:
    """A table of targets.

    In a table without a header (the second cell is a number or absent), the first cell of each row is the id and the
    others are targets; ``targets`` names them, else they are ``target``, or ``target_1``, ``target_2`` ...  In a table
    with a header, the id is in ``id_column``, else in the first column with a usual name, else in the first column; the
    targets are those that ``targets`` names, else all columns of numbers.

    Raises:
        SourceError: it cannot be read, has an id or a name of a column twice, lacks a column, or its rows differ in
            their number of cells.
    """

    def __init__(self, path: Path, id_column: str = "auto", targets: Sequence[str] | None = None) -> None:
        self.path = path
        try:
            with text_lines(path) as file:
                rows = [row for row in csv.reader(file) if any(cell.strip() for cell in row)]
        except OSError as error:
            raise SourceError(f"targets_file={path}: cannot read it: {error.strerror}") from None
        except (*READ_ERRORS, csv.Error) as error:
            raise SourceError(f"targets_file={path}: cannot read it: {error}") from None
        if not rows or len(rows[0]) < 2:
            raise SourceError(f"targets_file={path}: it is to have ids and numbers, such as a line mp-1,-2.5")
        bare = _is_value(rows[0][1])
        header = self._header(rows[0], targets, bare)
        body = rows if bare else rows[1:]
        self._choice = ColumnChoice(id_column, "", None if targets is None else [*targets])
        key = next((name for name in self._choice.id_names if name in header), header[0])
        if id_column not in ("auto", *header) and not bare:
            self._choice.refuse_other_id(path, header)
        self._rows: dict[str, dict[str, str]] = {}
        for number, row in enumerate(body, start=len(rows) - len(body) + 1):
            if len(row) != len(header):
                raise SourceError(
                    f"targets_file={path}: row {number} has {len(row)} cells, the first {len(header)}: "
                    "is a number written with a comma?"
                )
            record = dict(zip(header, row, strict=True))
            name = record.pop(key).strip()
            if name in self._rows:
                raise SourceError(f"targets_file={path}: row {number}: the id {name!r} is there twice")
            self._rows[name] = record
        others = [name for name in header if name != key]
        left = PassedOver()
        numeric = others if bare else [name for name in others if self._is_numeric(name, left)]
        self._choice.refuse_other_targets(path, others, numeric)
        self.names = tuple(numeric if targets is None else targets)
        refuse_doubled(path, header, [key, *self.names])
        self.passed_over = left.told() if targets is None else ""
        self._choice = self._choice._replace(targets=self.names)

    def numbers(self, name: str) -> dict[str, float]:
        """The targets of the crystal ``name``; empty if it has no row.

        Raises:
            Rejected: ``target``, if a value is no number.
        """
        return self._choice.numbers(self._rows.get(name, {}))

    def __contains__(self, name: str) -> bool:
        return name in self._rows

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def _is_numeric(self, name: str, left: PassedOver) -> bool:
        """Whether all cells of a column are numbers; if most are, what the first other one is goes to ``left``."""
        others = [(key, row[name]) for key, row in self._rows.items() if not _is_value(row[name])]
        numbers = sum(_is_number(row[name]) for row in self._rows.values())
        if others and numbers >= len(others):
            left.add(COLUMNS, f"{name}: {others[0][0]} has {others[0][1].strip()[:40]!r}")
        return not others

    def _header(self, first: Sequence[str], targets: Sequence[str] | None, bare: bool) -> list[str]:
        """The names of the columns; made up if the table is ``bare`` of a header: ``first`` is data."""
        if not bare:
            return [cell.strip() for cell in first]
        count = len(first) - 1
        if targets is not None and len(targets) != count:
            raise SourceError(
                f"targets_file={self.path}: it has no header and {counted(count, 'column')} after the id: "
                "give targets as many names"
            )
        names = [ALONE] if count == 1 else [f"{ALONE}_{number}" for number in range(1, count + 1)]
        return ["id", *(names if targets is None else targets)]


class Targeted:
    """A source whose crystals get targets from a table, in addition to their own.

    Raises:
        SourceError: no crystal has a row of the table.
    """

    def __init__(self, source: Entries, table: TargetsFile) -> None:
        self._source, self._table = source, table
        self.kind, self.total = source.kind, source.total
        self.target_names = (*(name for name in source.target_names if name not in table.names), *table.names)
        self._used: set[str] = set()
        self._refuse_strangers()

    @property
    def passed_over(self) -> str:
        """Files and columns of the source that are no inputs, and rows of the table that no crystal has (once read)."""
        left = PassedOver()
        if self._used:
            for name in self._table:
                if name not in self._used:
                    left.add(_UNUSED, name)
        return "; ".join(filter(None, [self._source.passed_over, self._table.passed_over, left.told()]))

    def __iter__(self) -> Iterator[Entry]:
        for entry in self._source:
            if entry.id in self._table:
                self._used.add(entry.id)
            try:
                yield entry._replace(targets={**entry.targets, **self._table.numbers(entry.id)})
            except Rejected as reason:
                yield entry._replace(fault=entry.fault or Fault(reason.code, str(reason)))

    def _refuse_strangers(self) -> None:
        seen: list[str] = []
        for entry in self._source:
            if entry.id in self._table:
                return
            seen.append(entry.id)
        raise SourceError(
            f"targets_file={self._table.path}: none of its ids ({_some(list(self._table))}) is one of the source's "
            f"({_some(seen)}): of a crystal in a folder, it is the name of its file without .cif"
        )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (" …" if len(names) > 3 else "")


def _is_value(cell: str) -> bool:
    """Whether a cell is a number, or says that there is none."""
    return _is_number(cell) or absent(cell)


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(decimal(cell))
    except ValueError:
        return False
