"""Parquet tables as sources: a column of CIF texts or of structures in JSON, an id, and targets."""

import math
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

from hpcvox.crystals.compressed import READ_ERRORS
from hpcvox.crystals.limits import MAX_BYTES
from hpcvox.crystals.record import Entry, Fault
from hpcvox.crystals.sources.columns import ColumnChoice, absent, refuse_doubled, text_format
from hpcvox.crystals.sources.passed_over import COLUMNS, PassedOver
from hpcvox.errors import Rejected, SourceError
from hpcvox.terminal import counted

PARQUET_SUFFIXES: Final = (".parquet",)

_ROWS = 256
"""Number of rows in memory at a time."""


class ParquetSource:
    """A table with one crystal per row; rows are numbered from 0.

    Each text is a CIF or, if it begins with a brace, a structure in JSON.
    """

    kind = "parquet"

    def __init__(self, path: Path, columns: ColumnChoice) -> None:
        import pyarrow as pa

        self._path = path
        try:
            with self._file() as file:
                schema = file.schema_arrow
                self.total: int | None = file.metadata.num_rows
        except (pa.ArrowException, *READ_ERRORS) as error:
            raise SourceError(f"{path}: cannot read the table: {error}") from None
        text = columns.structure_column(path, schema.names)
        refuse_doubled(path, schema.names, [text])
        if not _is_text(schema.field(text).type):
            raise SourceError(f"{path}: the column {text!r} holds {schema.field(text).type}, not text")
        columns.refuse_other_id(path, schema.names)
        numeric = [f.name for f in schema if _is_number(f.type) and f.name not in (*columns.id_names, text)]
        columns.refuse_other_targets(path, numeric, numeric)
        self.target_names: tuple[str, ...] = tuple(numeric if columns.targets is None else columns.targets)
        self._text = text
        self._id = next((name for name in columns.id_names if name in schema.names), None)
        refuse_doubled(path, schema.names, [self._id, *self.target_names])
        self._chosen = columns._replace(targets=self.target_names)
        words = [f.name for f in schema if _is_text(f.type) and f.name not in (*columns.id_names, text)]
        self.passed_over = self._left_out(words) if columns.targets is None else ""

    def _file(self, dictionaries: Sequence[str] = ()) -> Any:
        import pyarrow.parquet as pq

        path, read = str(self._path), list(dictionaries)
        return pq.ParquetFile(path, page_checksum_verification=True, read_dictionary=read)

    def _left_out(self, names: list[str]) -> str:
        """The columns of text whose first rows are mostly numbers, in words."""
        import pyarrow as pa

        left = PassedOver()
        try:
            with self._file() as file:
                for batch in islice(file.iter_batches(batch_size=_ROWS, columns=names, use_threads=False), 1):
                    for name in sorted(set(names)):
                        cells = [
                            cell.decode(errors="replace") for cell in _values(batch.column(name)) if cell
                        ]
                        numbers = sum(map(_is_written, cells))
                        if numbers > len(cells) - numbers - sum(map(absent, cells)):
                            left.add(COLUMNS, f"{name}: it is written as text")
        except (
            pa.ArrowException,
            KeyError,
            ValueError,
            *READ_ERRORS,
        ):  # the reader of the rows will report it
            pass
        return left.told()

    def __iter__(self) -> Iterator[Entry]:
        import pyarrow as pa

        index = 0
        columns = list(dict.fromkeys([self._text, *([self._id] if self._id else []), *self.target_names]))
        try:
            # as a dictionary, so that a text that the file stores once for many rows is in memory only once
            with self._file([self._text]) as file:
                for batch in file.iter_batches(batch_size=_rows(file), columns=columns, use_threads=False):
                    cells = {name: _cells(batch.column(name)) for name in columns if name != self._text}
                    for i, text in enumerate(_texts(batch.column(self._text))):
                        yield self._entry(index, text or b"", {name: cells[name][i] for name in cells})
                        index += 1
        except (pa.ArrowException, ValueError, *READ_ERRORS) as error:
            message = f"the file is damaged after {counted(index, 'row')}; what follows is lost ({str(error)[:300]})"
            yield Entry(index, self._path.name, self._path.name, b"", {}, Fault("damaged-archive", message))

    def _entry(self, index: int, text: bytes, record: dict[str, Any]) -> Entry:
        name = self._chosen.identify(record, f"{self._path.name}#{index}")
        origin = f"{self._path.name}:row {index}"
        fault = None
        if not text or text.isspace():
            fault = Fault("empty", f"the cell {self._text!r} is empty")
        targets: dict[str, float] = {}
        try:
            targets = self._chosen.numbers(record)
        except Rejected as reason:
            fault = fault or Fault(reason.code, str(reason))
        return Entry(index, name, origin, text, targets, fault, text_format(text))


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    kind = kind.value_type if types.is_dictionary(kind) else kind
    return any(
        is_kind(kind)
        for is_kind in (types.is_string, types.is_large_string, types.is_binary, types.is_large_binary)
    )


def _is_written(cell: str) -> bool:
    """Whether a text writes a number."""
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False


def _is_number(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind))


def _rows(file: Any) -> int:
    """How many rows to keep in memory at a time: fewer if the file says that they are long."""
    groups = [file.metadata.row_group(n) for n in range(file.metadata.num_row_groups)]
    longest = max((group.total_byte_size / max(group.num_rows, 1) for group in groups), default=0.0)
    return int(min(_ROWS, max(1.0, MAX_BYTES / max(longest, 1.0))))


def _texts(column: Any) -> Iterator[bytes | None]:
    """The texts of a column as bytes; a text that is too long is cut off one byte after the limit."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    held, places = column.dictionary, column.indices
    if (pc.sum(pc.take(pc.binary_length(held), places)).as_py() or 0) <= MAX_BYTES:
        yield from _values(column)
        return
    for place in places.to_pylist():
        if place is None or not held[place].is_valid:
            yield None
        else:
            yield memoryview(held[place].as_buffer())[: MAX_BYTES + 1].tobytes()


def _cells(column: Any) -> list[Any]:
    """A column as Python values, its texts decoded."""
    return [
        value.decode(errors="replace") if isinstance(value, bytes) else value for value in _values(column)
    ]


def _values(column: Any) -> list[Any]:
    """A column as Python values, with texts as bytes, since they may not be UTF-8."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if _is_text(column.type):
        column = column.cast(pa.large_binary())
    if pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())
    values: list[Any] = column.to_pylist()
    return values
