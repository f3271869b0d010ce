"""Reads targets from a separate table with the ids of the crystals: CGCNN's ``id_prop.csv``, or one with a header."""

import csv
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Protocol

from hpcvox.crystals.compressed import READ_ERRORS
from hpcvox.crystals.decimals import decimal
from hpcvox.crystals.record import Entry, Fault
from hpcvox.crystals.sources.columns import ColumnChoice, absent
from hpcvox.crystals.sources.passed_over import Kind, PassedOver
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

    In a table without a header (the second cell is a number), the first cell of each row is the id and the others are
    targets; ``targets`` names them, else they are ``target``, or ``target_1``, ``target_2`` ...  In a table with a
    header, the id is in ``id_column``, else in the first column with a usual name, else in the first column; the
    targets are those that ``targets`` names, else all columns of numbers.

    Raises:
        SourceError: it cannot be read, has an id twice, or lacks a column.
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
        header = self._header(rows[0], targets)
        body = rows if _is_number(rows[0][1]) else rows[1:]
        self._choice = ColumnChoice(id_column, "", None if targets is None else [*targets])
        key = next((name for name in self._choice.id_names if name in header), header[0])
        if id_column not in ("auto", *header) and not _is_number(rows[0][1]):
            self._choice.refuse_other_id(path, header)
        self._rows: dict[str, dict[str, str]] = {}
        for number, row in enumerate(body, start=len(rows) - len(body) + 1):
            record = dict(zip(header, row, strict=False))
            name = record.pop(key).strip()
            if name in self._rows:
                raise SourceError(f"targets_file={path}: row {number}: the id {name!r} is there twice")
            self._rows[name] = record
        numeric = [name for name in header if name != key and self._is_numeric(name)]
        self._choice.refuse_other_targets(path, [name for name in header if name != key], numeric)
        self.names = tuple(numeric if targets is None else targets)
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

    def _is_numeric(self, name: str) -> bool:
        cells = (row.get(name, "") for row in self._rows.values())
        return all(_is_number(cell) or absent(cell) for cell in cells)

    def _header(self, first: Sequence[str], targets: Sequence[str] | None) -> list[str]:
        """The names of the columns; made up if the table has no header, so that ``first`` is a row of data."""
        if not _is_number(first[1]):
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
        return "; ".join(filter(None, [self._source.passed_over, left.told()]))

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


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(decimal(cell))
    except ValueError:
        return False
