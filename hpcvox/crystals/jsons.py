"""Sources of structures in JSON: one structure, a list, an object of them by id, or one a line.

All are streams: never more than one structure (or the 16 MiB that tell one from many) is in memory.
"""

import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from hpcvox.crystals.cif import MAX_BYTES
from hpcvox.crystals.columns import Columns
from hpcvox.crystals.compressed import DAMAGE, decompressed, suffixes
from hpcvox.crystals.record import Entry, Fault
from hpcvox.crystals.streams import Damaged, refuse_empty, until_damage
from hpcvox.errors import Rejected

JSON_SUFFIXES: Final = suffixes(".json")
LINES_SUFFIXES: Final = suffixes(".jsonl")

_CHUNK = 64 * 1024
_KEYS: Final = frozenset({"lattice", "sites", "structure"})
"""What an object that is one crystal has."""
_OPENING: Final = re.compile(r'\s*\{\s*"(@module|@class|@version|lattice|sites|structure|charge)"')
_BLANK: Final = re.compile(r"\s*")


Texts = Callable[[Path], Iterator[tuple[str, str, bytes]]]
"""Of the file at a path: identifiers to fall back on, places in it, and texts."""


class JsonSource:
    """The structures of a file, as ``texts`` finds them: :func:`items` or :func:`lines`."""

    kind = "json"
    total: int | None = None
    target_names: tuple[str, ...] = ()

    def __init__(self, path: Path, columns: Columns, texts: Texts) -> None:
        self._path = path
        self._chosen = columns
        self._texts = texts
        refuse_empty(path)

    def __iter__(self) -> Iterator[Entry]:
        return until_damage(self._path, self._entries(), "structures")

    def _entries(self) -> Iterator[Entry]:
        for index, (name, place, text) in enumerate(self._texts(self._path)):
            yield self._entry(index, name, f"{self._path.name}{place}", text)

    def _entry(self, index: int, name: str, origin: str, text: bytes) -> Entry:
        try:
            record = json.loads(text) if len(text) <= MAX_BYTES else None
        except (ValueError, RecursionError):  # which the reader will reject
            record = None
        targets: dict[str, float] = {}
        fault = None
        if isinstance(record, dict):
            name = self._chosen.identify(record, name)
            if "lattice" not in record:  # the numbers of a bare structure (its charge) are no targets
                try:
                    targets = self._chosen.numbers(record)
                except Rejected as reason:
                    fault = Fault(reason.code, str(reason))
        return Entry(index, name, origin, text, targets, fault, "json")


def lines(path: Path) -> Iterator[tuple[str, str, bytes]]:
    """One structure, or one object with a ``structure``, a line; empty lines are left out."""
    with decompressed(path) as file:
        number = 0
        while line := file.readline(MAX_BYTES + 1):
            number += 1
            rest = line
            while len(rest) > MAX_BYTES and not rest.endswith(b"\n"):  # too long: go to its end
                rest = file.readline(MAX_BYTES + 1)
            if not line.isspace():
                text = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
                yield f"{path.name}#{number}", f":line {number}", text


def items(path: Path) -> Iterator[tuple[str, str, bytes]]:
    """One structure; or a list of them, or of objects with a ``structure``; or an object of either by id."""
    head = _head(path)
    if _is_one(head):
        yield re.sub(r"\.json(\.\w+)?$", "", path.name, flags=re.IGNORECASE), "", head.encode()
        return
    with decompressed(path) as binary:
        file = io.TextIOWrapper(binary, "utf-8-sig", errors="replace")
        for n, (key, text) in enumerate(_Scanner(file).elements()):
            name = f"{path.name}#{n}" if key is None else key.encode(errors="replace").decode()
            yield name, f":item {n}" if key is None else f":{name}", text.encode()


def _head(path: Path) -> str:
    """The beginning of the file, whole unless it is longer than one structure may be."""
    parts: list[bytes] = []
    try:
        with decompressed(path) as file:
            while sum(map(len, parts)) <= MAX_BYTES and (part := file.read(_CHUNK)):
                parts.append(part)
    except DAMAGE:  # the scanner will come to it, and say so
        pass
    return b"".join(parts).decode("utf-8-sig", errors="replace")


def _is_one(head: str) -> bool:
    """Whether a file is one crystal rather than an object of many; by its first key where it is cut."""
    try:
        value = json.loads(head)
    except (ValueError, RecursionError):
        return _OPENING.match(head) is not None
    return isinstance(value, dict) and not _KEYS.isdisjoint(value)


class _Scanner:
    """Finds the elements of a list or object in a stream of text, by the standard decoder."""

    def __init__(self, file: io.TextIOBase) -> None:
        self._file = file
        self._text = ""
        self._at = 0
        self._ended = False
        self._decoder = json.JSONDecoder()

    def elements(self) -> Iterator[tuple[str | None, str]]:
        """Keys (None in a list) and texts of the elements."""
        opening = self._mark("[{", "a list or an object")
        closing = {"[": "]", "{": "}"}[opening]
        if self._peek() != closing:
            while True:
                key: str | None = None
                if opening == "{":
                    key = self._value()[1]
                    if not isinstance(key, str):
                        raise Damaged("a key is missing")
                    self._mark(":", "a colon")
                yield key, self._value()[0]
                if self._mark("," + closing, "a comma or the end") == closing:
                    break
        else:
            self._at += 1
        if self._peek():
            raise Damaged("more follows the end of the list; one structure a line is a .jsonl")

    def _fill(self) -> None:
        """As much again as there is."""
        waiting = len(self._text) - self._at
        more = self._file.read(max(_CHUNK, waiting))
        self._text, self._at = self._text[self._at :] + more, 0
        self._ended = not more

    def _peek(self) -> str:
        """The next character that is not blank; empty at the end."""
        while True:
            blank = _BLANK.match(self._text, self._at)
            self._at = blank.end() if blank else self._at
            if self._at < len(self._text) or self._ended:
                return self._text[self._at : self._at + 1]
            self._fill()

    def _mark(self, allowed: str, what: str) -> str:
        found = self._peek()
        if not found or found not in allowed:
            raise Damaged(f"{what} should follow, not {found!r}" if found else f"{what} should follow")
        self._at += 1
        return found

    def _value(self) -> tuple[str, Any]:
        """The text of the next value, and the value."""
        if not self._peek():
            raise Damaged("it ends too early")
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except RecursionError:
                raise Damaged("a value is nested too deep") from None
            except ValueError as error:
                problem = str(error).split(":")[0]
            else:
                if end < len(self._text) or self._ended:  # else a number might go on
                    text, self._at = self._text[self._at : end], end
                    return text, value
                problem = "a value without an end"
            if self._ended or len(self._text) - self._at > MAX_BYTES:
                raise Damaged(problem)
            self._fill()
