"""Structures in JSON as sources: one structure, a list, an object by id, a frame of pandas, or one structure per line.

All are read as streams: only one structure is in memory (or the 16 MiB that show whether a file holds one or many), and
of a frame its other columns.
"""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from hpcvox.crystals.compressed import READ_ERRORS, suffixes
from hpcvox.crystals.limits import MAX_BYTES, too_many_parts
from hpcvox.crystals.record import Entry, Fault
from hpcvox.crystals.sources.columns import ColumnChoice, text_format
from hpcvox.crystals.sources.json_files.frames import frame_reader
from hpcvox.crystals.sources.json_files.scanner import Scanner
from hpcvox.crystals.sources.streams import BrokenStream, refuse_empty, until_damage
from hpcvox.crystals.text import MARK, binary_lines
from hpcvox.errors import Rejected

JSON_SUFFIXES: Final = suffixes(".json")
LINES_SUFFIXES: Final = suffixes(".jsonl")

_CHUNK = 64 * 1024
_FIRST_LINE: Final = 1024 * 1024
"""Longest first line of a .json, in bytes, that is checked for being one of many lines."""
_STRANGE: Final = 1000
"""Most members that are no objects; each is a reject.  A file with more is no file of structures."""

_KEYS: Final = frozenset({"lattice", "sites", "structure"})
"""Keys of an object that is one crystal."""
_OPENING: Final = re.compile(r'\s*\{\s*"(@module|@class|@version|lattice|sites|structure|charge)"')


Texts = Callable[[Path, ColumnChoice], Iterator[tuple[str, str, bytes]]]
"""Reads a file; yields for each structure an identifier if it has no other, its place in the file, and its text."""


class JsonSource:
    """The structures of a file; ``texts``, either :func:`items` or :func:`lines`, finds their texts."""

    kind = "json"
    total: int | None = None
    target_names: tuple[str, ...] = ()
    passed_over = ""

    def __init__(self, path: Path, columns: ColumnChoice, texts: Texts) -> None:
        self._path = path
        self._chosen = columns
        self._texts = texts
        refuse_empty(path)

    def __iter__(self) -> Iterator[Entry]:
        return until_damage(self._path, self._entries(), "structures")

    def _entries(self) -> Iterator[Entry]:
        for index, (name, place, text) in enumerate(self._texts(self._path, self._chosen)):
            yield self._entry(index, name, f"{self._path.name}{place}", text)

    def _entry(self, index: int, name: str, origin: str, text: bytes) -> Entry:
        try:
            record = json.loads(text) if len(text) <= MAX_BYTES and not too_many_parts(text) else None
        except (ValueError, RecursionError):  # the reader will reject it
            record = None
        targets: dict[str, float] = {}
        fault, format = None, "json"
        if isinstance(record, dict):
            name = self._chosen.identify(record, name)
            if "lattice" not in record:  # numbers of a bare structure (its charge) are no targets
                try:
                    targets = self._chosen.numbers(record)
                except Rejected as reason:
                    fault = Fault(reason.code, str(reason))
            try:
                text, format = self._structure(record, text)
            except RecursionError:
                fault = Fault("json-syntax", "the structure is nested too deep")
        return Entry(index, name, origin, text, targets, fault, format)

    def _structure(self, record: dict[str, Any], text: bytes) -> tuple[bytes, str]:
        """The text of a record's structure, and its format: a CIF, a text with a format of its own, or the record."""
        if isinstance(record.get("structure"), dict) and "structure" in self._chosen.structure_names:
            return text, "json"
        for key in (*self._chosen.structure_names, "structure"):
            cell = record.get(key)
            if isinstance(cell, str):
                cell_text = cell.encode(errors="replace")
                return cell_text, text_format(cell_text)
            if isinstance(cell, dict):
                return json.dumps(cell).encode(), "json"
        return text, "json"


def lines(path: Path, _: ColumnChoice) -> Iterator[tuple[str, str, bytes]]:
    """One structure, or one object with a ``structure``, a line; empty lines are left out."""
    with binary_lines(path) as file:
        number = 0
        while line := file.readline(MAX_BYTES + 1):
            number += 1
            rest = line
            while len(rest) > MAX_BYTES and not rest.endswith(b"\n"):  # too long: go to its end
                rest = file.readline(MAX_BYTES + 1)
            if not line.isspace():
                yield f"{path.name}#{number}", f":line {number}", line.removeprefix(MARK)


def items(path: Path, columns: ColumnChoice) -> Iterator[tuple[str, str, bytes]]:
    """Read one structure; a list of structures, or of objects with a ``structure``; an object of these by id; a frame;
    or lines.
    """
    if _is_lines(path):
        yield from lines(path, columns)
        return
    if (frame := frame_reader(path, columns)) is not None:
        yield from frame(path, columns)
        return
    head = _head(path)
    if _is_one(head):
        yield re.sub(r"\.json(\.\w+)?$", "", path.name, flags=re.IGNORECASE), "", head.encode()
        return
    with Scanner(path) as scanner:
        strange = 0
        for n, key in enumerate(scanner.members()):
            text, value = scanner.value()
            strange += not (isinstance(value, dict) and value)
            if strange > _STRANGE:
                raise BrokenStream(
                    f"{strange:,} of its members are no objects: this is no list of structures"
                )
            name = f"{path.name}#{n}" if key is None else key.encode(errors="replace").decode()
            yield name, f":item {n}" if key is None else f":{name}", text.encode(errors="replace")
        scanner.refuse_more()


def _is_lines(path: Path) -> bool:
    """Whether each line of a file is an object, as in a .jsonl: the first line is one, and another begins after it."""
    try:
        with binary_lines(path) as file:
            first = file.readline(_FIRST_LINE).removeprefix(MARK)
            if not first.lstrip().startswith(b"{") or not first.endswith(b"\n"):
                return False
            while (second := file.readline(_CHUNK)).isspace():
                pass
        if not second.lstrip().startswith(b"{") or too_many_parts(first):
            return False
        return isinstance(json.loads(first), dict)
    except (ValueError, RecursionError, *READ_ERRORS):
        return False


def _head(path: Path) -> str:
    """The beginning of the file: all of it, unless it is longer than one structure may be."""
    parts: list[bytes] = []
    try:
        with binary_lines(path) as file:
            while sum(map(len, parts)) <= MAX_BYTES and (part := file.read(_CHUNK)):
                parts.append(part)
    except READ_ERRORS:  # the scanner will report it
        pass
    return b"".join(parts).decode(errors="replace")


def _is_one(head: str) -> bool:
    """Whether a file is one crystal, not an object of many; the first key decides if ``head`` is cut off."""
    if too_many_parts(head):
        return _OPENING.match(head) is not None
    try:
        value = json.loads(head)
    except (ValueError, RecursionError):
        return _OPENING.match(head) is not None
    return isinstance(value, dict) and not _KEYS.isdisjoint(value)
