"""Extended XYZ: files of many frames, and the crystal of one frame.

The source finds where a frame begins and ends, and its id and targets; sites are read in the worker.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, NamedTuple

import numpy as np

from hpcvox.crystals.checks import Cell, array, check_count, check_periodic, element, fractional
from hpcvox.crystals.compressed import suffixes
from hpcvox.crystals.limits import MAX_BYTES
from hpcvox.crystals.record import Entry, Fault
from hpcvox.crystals.sources.columns import Columns
from hpcvox.crystals.sources.streams import Damaged, refuse_empty, until_damage
from hpcvox.crystals.text import MARK, binary_lines
from hpcvox.errors import Rejected

XYZ_SUFFIXES: Final = suffixes(".extxyz", ".xyz")

_COUNT = re.compile(rb"\s*(\d{1,9})\s*")
_PAIR = re.compile(
    r"""(?P<key>"[^"]*"|[^\s="]+)\s*=\s*(?P<value>"(?:\\.|[^"\\])*"|'[^']*'"""
    r"""|\{(?:[^{}]++|\{[^{}]*+\})*+\}|\[(?:[^\[\]]++|\[[^\[\]]*+\])*+\]|\S+)|\S+""",
    re.DOTALL,
)
_MAX_COMMENT = 64 * 1024
"""Longer comment lines are refused: finding a quotation mark that is not there takes time squared."""

_FRAME_KEYS: Final = ("Lattice", "Properties", "pbc")
_SPELLED: Final = {key.lower(): key for key in _FRAME_KEYS}
"""Programs write those keys in letters of any case."""

_MARKS: Final = re.compile(r"[\[\]{}(),\"']")
"""What stands around and between the elements of an array, beside blanks."""


def info(comment: bytes) -> dict[str, str]:
    """The ``key=value`` pairs of a frame's second line, quotation marks removed.

    Raises:
        Rejected: ``extxyz-syntax``, where the line is too long or a key has two values.
    """
    if len(comment) > _MAX_COMMENT:
        raise Rejected("extxyz-syntax", f"the comment line is longer than {_MAX_COMMENT // 1024} KiB")
    pairs: dict[str, str] = {}
    for match in _PAIR.finditer(comment.decode(errors="replace").strip()):
        key, value = match["key"], match["value"]
        if key:
            key = key.strip('"')
            key = _SPELLED.get(key.lower(), key)
            value = value[1:-1] if value[0] in "\"'" else value
            if key in pairs and _contradict(key, pairs[key], value):
                shown = f"{pairs[key][:40]!r} and {value[:40]!r}"
                raise Rejected("extxyz-syntax", f"the comment line says {key} twice: {shown}")
            pairs[key] = value
    return pairs


def _contradict(key: str, one: str, other: str) -> bool:
    """Whether two values of a key differ in what matters: the frame, or a number."""
    these, those = _words(one), _words(other)
    if these == those or key in _FRAME_KEYS:
        return these != those
    try:
        return float(one) != float(other)
    except ValueError:
        return False


def _words(array: str) -> list[str]:
    """The elements of an array in any of its spellings: ``1 0 0``, ``{1 0 0}``, ``[1, 0, 0]``, ``[[1, 0, 0], …]``."""
    return _MARKS.sub(" ", array).split()


class FrameSource:
    """The frames of an extended XYZ file, numbered from 0."""

    kind = "extxyz"
    total: int | None = None
    target_names: tuple[str, ...] = ()
    passed_over = ""

    def __init__(self, path: Path, columns: Columns) -> None:
        self._path = path
        self._chosen = columns
        refuse_empty(path)

    def __iter__(self) -> Iterator[Entry]:
        return until_damage(self._path, self._entries(), "frames")

    def _entries(self) -> Iterator[Entry]:
        with binary_lines(self._path) as file:
            for index, text in enumerate(iter(lambda: _frame(file), None)):
                yield self._entry(index, text)

    def _entry(self, index: int, text: bytes) -> Entry:
        name, origin = f"{self._path.name}#{index}", f"{self._path.name}:frame {index}"
        targets: dict[str, float] = {}
        fault = None
        try:
            pairs = info(text.split(b"\n", 2)[1])
            name = self._chosen.identify(pairs, name)
            targets = self._chosen.numbers({k: v for k, v in pairs.items() if k not in _FRAME_KEYS})
        except Rejected as reason:
            fault = Fault(reason.code, str(reason))
        return Entry(index, name, origin, text, targets, fault, "extxyz")


def _frame(file: IO[bytes]) -> bytes | None:
    """The text of the next frame, cut where it is too long to be read; None at the end."""
    first = b"\n"
    while first and first.isspace():
        first = _line(file).removeprefix(MARK)  # which files that were put together have, too
    if not first:
        return None
    match = _COUNT.fullmatch(first)
    if match is None:
        shown = first[:40].decode(errors="replace").strip()
        raise Damaged(f"a frame must begin with its number of atoms, not with {shown!r}")
    lines = [first]
    size, cut = len(first), False
    for got in range(int(match[1]) + 1):
        line = _line(file)
        if not line:
            raise Damaged(f"the last frame has {max(got - 1, 0)} of {int(match[1])} atoms")
        size += len(line)
        if size <= MAX_BYTES or got == 0:
            lines.append(line)
        elif not cut:  # the frame is too long: keep that it is, and no more
            lines = [*lines[:2], b" " * MAX_BYTES]
            cut = True
    return b"".join(lines)


def _line(file: IO[bytes]) -> bytes:
    line = file.readline(MAX_BYTES)
    if len(line) == MAX_BYTES and not line.endswith(b"\n"):
        raise Damaged(f"a line is longer than {MAX_BYTES // 1024**2} MiB")
    return line


class _Columns(NamedTuple):
    species: int
    position: int
    by_number: bool


def _columns(properties: str) -> _Columns:
    """Where an atom's line keeps what, from ``name:type:width`` three by three."""
    words = properties.split(":")
    at = 0
    found: dict[str, int] = {}
    for name, width in zip(words[::3], words[2::3], strict=False):
        if not (width.isascii() and width.isdecimal()) or not 1 <= int(width) <= 1000:
            break
        found[name] = at
        at += int(width)
    species = next((name for name in ("species", "Z") if name in found), None)
    if species is None or "pos" not in found:
        raise Rejected("extxyz-syntax", f"Properties={properties[:60]} has no species or no pos")
    return _Columns(found[species], found["pos"], species == "Z")


def read(text: bytes) -> Cell:
    """The cell of one frame.

    Raises:
        Rejected: ``extxyz-syntax``, ``cell`` (no Lattice: a plain XYZ is a molecule), ``element``,
            ``coordinates``, ``incomplete``, ``too-many-sites``.
    """
    first, _, rest = text.partition(b"\n")
    comment, _, body = rest.partition(b"\n")
    match = _COUNT.fullmatch(first)
    if match is None:
        raise Rejected("extxyz-syntax", "the frame does not begin with its number of atoms")
    n = int(match[1])
    check_count(n)
    pairs = info(comment)
    columns = _columns("".join(_words(pairs.get("Properties", "species:S:1:pos:R:3"))))
    if "Lattice" not in pairs:
        raise Rejected("cell", "the frame has no Lattice: it is no crystal")
    lattice = array([_words(pairs["Lattice"])], 9, "cell", "Lattice").reshape(3, 3)
    check_periodic([flag.lower() in ("t", "true", "1") for flag in _words(pairs.get("pbc", "T"))])
    rows = [line.split() for line in body.decode(errors="replace").split("\n")[:n]]
    if len(rows) < n:
        raise Rejected("incomplete", f"{len(rows)} of {n} atoms are there")
    for i, row in enumerate(rows):
        if len(row) <= max(columns.species, columns.position + 2):
            raise Rejected("coordinates", f"the line of atom {i + 1} is too short")
    numbers = [_atomic_number(row[columns.species], columns.by_number) for row in rows]
    at = columns.position
    if not n:
        return Cell(lattice, np.empty((0, 3)), np.empty(0, np.uint8))
    positions = array([row[at : at + 3] for row in rows], 3, "coordinates", "the position of each atom")
    return Cell(lattice, fractional(positions, lattice), np.array(numbers, dtype=np.uint8))


def _atomic_number(word: str, by_number: bool) -> int:
    if by_number and word.isascii() and word.isdecimal() and len(word) < 4 and 1 <= int(word) <= 118:
        return int(word)
    return element(word.capitalize())
