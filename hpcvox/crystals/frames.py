"""Frames of pandas in JSON, row by row: what ``DataFrame.to_json`` writes with ``orient`` split, table or columns.

Its records and index are a list of records and an object of them by id, which need no more than a scanner.
matminer and matbench write split, with the index first.
"""

import json
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, Final

from hpcvox.crystals.columns import Columns, refuse_doubled
from hpcvox.crystals.compressed import DAMAGE
from hpcvox.crystals.json_scanner import Scanner
from hpcvox.crystals.streams import Damaged

Rows = Iterator[tuple[str, str, bytes]]
"""An identifier to fall back on, the place in the file, and the text of a record, an object by column."""
Reader = Callable[[Path, Columns], Rows]

_STRUCTURE: Final = frozenset({"lattice", "sites"})
"""What a structure in JSON has."""


def frame_reader(path: Path, columns: Columns) -> Reader | None:
    """Who reads the frame in the file at ``path``; None where it holds no frame, or is damaged at its beginning."""
    try:
        with Scanner(path) as scanner:
            return _reader(scanner, columns.structure_names)
    except (Damaged, *DAMAGE):
        return None


def _reader(scanner: Scanner, texts: Collection[str]) -> Reader | None:
    if scanner.peek() != "{":
        return None
    seen: set[str] = set()
    for key in scanner.members():
        assert key is not None  # it is an object
        opening = scanner.peek()
        if key == "schema" and opening == "{":
            return _table if "fields" in scanner.value()[1] else None
        if opening == "[":
            if key == "data" and "columns" in seen:  # without reading all of it
                return _split
            scanner.skip()
            seen.add(key)
            if seen >= {"columns", "data"}:
                return _split
        elif opening == "{":  # a column, by row; or one crystal, by its id
            for row in scanner.members():
                if row in texts or row == "structure" or row in _STRUCTURE:
                    return None
                cell = scanner.value()[1]
                if key in texts and (_is_structure(cell) or (isinstance(cell, str) and "\n" in cell)):
                    return _columns
        else:
            return None
    return None


def _is_structure(cell: Any) -> bool:
    if isinstance(cell, str) and cell.lstrip().startswith("{"):
        return True
    return isinstance(cell, dict) and not _STRUCTURE.isdisjoint(cell)


def _split(path: Path, columns: Columns) -> Rows:
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
                cells = [scanner.value()[0] for _ in scanner.members()]
                if len(cells) != len(keys):
                    raise Damaged(f"row {n} has {len(cells)} cells, and there are {len(keys)} columns")
                name = str(index[n]) if unique and n < len(index) else f"{path.name}#{n}"
                yield name, f":row {n}", _record(zip(keys, cells, strict=True))
        scanner.refuse_more()


def _heads(path: Path) -> tuple[list[str], list[Any]]:
    """Names of the columns, and of the rows."""
    found: dict[str, list[Any]] = {}
    with Scanner(path) as scanner:
        for part in scanner.members():
            if part in ("columns", "index"):
                found[part] = [scanner.value()[1] for _ in scanner.members()]
            elif len(found) == 2:
                break  # no need to go over the data
            else:
                scanner.skip()
    return [str(name) for name in found["columns"]], found.get("index", [])


def _table(path: Path, columns: Columns) -> Rows:
    """``{"schema": {...}, "data": [{...}, ...]}``: records, whose row's name the schema calls the primary key."""
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
                    text = json.dumps(record)
                yield name, f":row {n}", text.encode(errors="replace")
        scanner.refuse_more()


def _columns(path: Path, columns: Columns) -> Rows:
    """``{column: {row: cell, ...}, ...}``: the columns but that of structures are held in memory."""
    others: dict[str, dict[str, str]] = {}
    keys = []
    with Scanner(path) as scanner:
        for key in scanner.members():
            assert key is not None
            keys.append(key)
            if key in columns.structure_names:
                scanner.skip()
                continue
            cells = others.setdefault(json.dumps(key), {})
            for row in scanner.members():
                text, value = scanner.value()
                if row is not None and not isinstance(value, dict | list):
                    cells[row] = text
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


def _record(cells: Any) -> bytes:
    """An object of texts by texts."""
    return ("{" + ", ".join(f"{key}: {text}" for key, text in cells) + "}").encode(errors="replace")
