"""Reads frames of pandas in JSON row by row: those of ``DataFrame.to_json`` with ``orient`` split, table or columns.

The other orients, records and index, are a list of records and an object of records by id, which the scanner reads
directly.  matminer and matbench write split, with the index first.
"""

import json
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, Final

from hpcvox.crystals.compressed import READ_ERRORS
from hpcvox.crystals.limits import MAX_COLUMNS
from hpcvox.crystals.sources.columns import ColumnChoice, refuse_doubled
from hpcvox.crystals.sources.json_files.scanner import Scanner
from hpcvox.crystals.sources.streams import BrokenStream

Rows = Iterator[tuple[str, str, bytes]]
"""For each row: an identifier if it has no other, its place in the file, and its text, a JSON object by column."""
Reader = Callable[[Path, ColumnChoice], Rows]

_LOOKED_AT: Final = 10_000
"""Number of rows from which one sees whether a column holds structures."""

_MAX_ROWS: Final = 2_000_000
_MAX_HELD: Final = 512 * 1024 * 1024
_CELL: Final = 200
"""Bytes of memory that a cell and the name of its row take in addition to their characters."""

_STRUCTURE: Final = frozenset({"lattice", "sites"})
"""What a structure in JSON has."""


def frame_reader(path: Path, columns: ColumnChoice) -> Reader | None:
    """The reader for the frame in the file at ``path``; None if it holds no frame, or is damaged at its beginning."""
    try:
        with Scanner(path) as scanner:
            return _reader(scanner, columns.structure_names)
    except (BrokenStream, *READ_ERRORS):
        return None


def _reader(scanner: Scanner, texts: Collection[str]) -> Reader | None:
    if scanner.peek() != "{":
        return None
    seen: set[str] = set()
    for column, key in enumerate(scanner.members()):
        assert key is not None  # it is an object
        if column == MAX_COLUMNS:
            return None
        opening = scanner.peek()
        if key == "schema" and opening == "{":
            return _table if "fields" in scanner.value()[1] else None
        if opening == "[":
            if key == "data" and "columns" in seen:  # known without reading the data
                return _split
            scanner.skip()
            seen.add(key)
            if seen >= {"columns", "data"}:
                return _split
        elif opening == "{":  # a column, by row; or one crystal, by its id
            for n, row in enumerate(scanner.members()):
                if row in texts or row == "structure" or row in _STRUCTURE:
                    return None
                cell = scanner.value()[1]
                if n == _LOOKED_AT:
                    scanner.leave("{")
                    break
                if key in texts and (_is_structure(cell) or (isinstance(cell, str) and "\n" in cell)):
                    return _columns
        else:
            return None
    return None


def _is_structure(cell: Any) -> bool:
    if isinstance(cell, str) and cell.lstrip().startswith("{"):
        return True
    return isinstance(cell, dict) and not _STRUCTURE.isdisjoint(cell)


def _split(path: Path, columns: ColumnChoice) -> Rows:
    """``{"index": [...], "columns": [...], "data": [[...], ...]}``, in any order."""
    names, index = _heads(path)
    used = names if columns.targets is None else [*columns.id_names, *columns.targets]
    refuse_doubled(path, names, [columns.structure_column(path, names), *used])
    keys = [json.dumps(name) for name in names]
    unique = len(set(map(str, index))) == len(index) and all(isinstance(i, str | int) for i in index)
    with Scanner(path) as scanner:
        for part in scanner.members():
            if part != "data":
                scanner.skip()
                continue
            for n, _ in enumerate(scanner.members()):
                cells = [text for text, _ in _few(scanner, len(keys) + 1, "a row")]
                if len(cells) != len(keys):
                    raise BrokenStream(f"row {n} has {len(cells)} cells, and there are {len(keys)} columns")
                name = str(index[n]) if unique and n < len(index) else f"{path.name}#{n}"
                yield name, f":row {n}", _record(zip(keys, cells, strict=True))
        scanner.refuse_more()


def _heads(path: Path) -> tuple[list[str], list[Any]]:
    """Names of the columns, and of the rows."""
    found: dict[str, list[Any]] = {}
    with Scanner(path) as scanner:
        for part in scanner.members():
            if part in ("columns", "index"):
                most = MAX_COLUMNS if part == "columns" else _MAX_ROWS
                found[part] = [value for _, value in _few(scanner, most, part)]
            elif len(found) == 2:
                break  # the data need not be read
            else:
                scanner.skip()
    return [str(name) for name in found["columns"]], found.get("index", [])


def _few(scanner: Scanner, most: int, what: str) -> Iterator[tuple[str, Any]]:
    """The texts and values of the list that begins here; at most ``most``."""
    for n, _ in enumerate(scanner.members()):
        if n == most:
            raise BrokenStream(f"{what} has more than {most:,} members")
        text, value = scanner.value()
        yield text, value if isinstance(value, str | int | float | None) else text[:1000]


def _table(path: Path, columns: ColumnChoice) -> Rows:
    """``{"schema": {...}, "data": [{...}, ...]}``: records; the schema's primary key is the key of the row's name."""
    index: list[str] = []
    with Scanner(path) as scanner:
        for part in scanner.members():
            if part == "schema":
                schema = scanner.value()[1]
                index = schema.get("primaryKey") or []
                columns.structure_column(path, [str(field.get("name")) for field in schema["fields"]])
                continue
            if part != "data":
                scanner.skip()
                continue
            for n, _ in enumerate(scanner.members()):
                text, record = scanner.value()
                name = f"{path.name}#{n}"
                if isinstance(record, dict) and index:
                    labels = [record.pop(key, None) for key in index]
                    name = str(labels[0]) if len(labels) == 1 and labels[0] is not None else name
                    text = _dumped(record)
                yield name, f":row {n}", text.encode(errors="replace")
        scanner.refuse_more()


def _columns(path: Path, columns: ColumnChoice) -> Rows:
    """``{column: {row: cell, ...}, ...}``: all columns except that of structures are kept in memory."""
    others: dict[str, dict[str, str]] = {}
    keys: list[str] = []
    held = 0
    with Scanner(path) as scanner:
        for key in scanner.members():
            assert key is not None
            keys.append(key)
            if len(keys) > MAX_COLUMNS:
                raise BrokenStream(f"it has more than {MAX_COLUMNS:,} columns")
            if key in columns.structure_names:
                scanner.skip()
                continue
            cells = others.setdefault(json.dumps(key), {})
            for row in scanner.members():
                text, value = scanner.value()
                if row is not None and not isinstance(value, dict | list):
                    cells[row] = text
                    held += len(row) + len(text) + _CELL
                    if held > _MAX_HELD:
                        raise BrokenStream(
                            "its columns are more than can be held: write it with orient='records'"
                        )
        scanner.refuse_more()
    wanted = columns.structure_column(path, keys)
    refuse_doubled(path, keys, keys)
    with Scanner(path) as scanner:
        for key in scanner.members():
            if key != wanted:
                scanner.skip()
                continue
            for row in scanner.members():
                assert row is not None
                cells = {column: found[row] for column, found in others.items() if row in found}
                cells[json.dumps(key)] = scanner.value()[0]
                name = row.encode(errors="replace").decode()
                yield name, f":row {name}", _record(cells.items())


def _dumped(record: dict[str, Any]) -> str:
    try:
        return json.dumps(record)
    except RecursionError:
        raise BrokenStream("a record is nested too deep") from None


def _record(cells: Any) -> bytes:
    """A JSON object, from the JSON texts of its keys and values."""
    return ("{" + ", ".join(f"{key}: {text}" for key, text in cells) + "}").encode(errors="replace")
