"""Reads the crystal in one frame of extended XYZ."""

import json
import re
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hpcvox.crystals.checks import StatedCell, array, check_count, check_periodic, element, fractional
from hpcvox.crystals.elements import NOT_CERTAIN, SYMBOLS, is_element
from hpcvox.crystals.overlap import PART_TOLERANCE
from hpcvox.errors import Rejected

COUNT: Final = re.compile(rb"\s*(\d{1,9})\s*")
"""The first line of a frame: its number of atoms."""

_PAIR = re.compile(
    r"""(?P<key>"[^"]*"|[^\s="]+)\s*=\s*(?P<value>"(?:\\.|[^"\\])*"|'[^']*'"""
    r"""|\{(?:[^{}]++|\{[^{}]*+\})*+\}|\[(?:[^\[\]]++|\[[^\[\]]*+\])*+\]|\S+)|\S+""",
    re.DOTALL,
)
_MAX_COMMENT = 64 * 1024
"""Longest comment line in bytes: the search for a missing quotation mark takes the square of the length."""

FRAME_KEYS: Final = ("Lattice", "Properties", "pbc")
"""Keys of the second line that describe the frame itself."""

_SPELLED: Final = {key.lower(): key for key in FRAME_KEYS}
"""Keys that programs write in upper or lower case."""

_OCCUPANCIES: Final = ("occupancy", "occupancies", "occ")
_MARKS: Final = re.compile(r"[\[\]{}(),\"']")
"""Characters around and between the elements of an array, besides blanks."""


def info(comment: bytes) -> dict[str, str]:
    """The ``key=value`` pairs of a frame's second line, without quotation marks.

    Raises:
        Rejected: ``extxyz-syntax``, if the line is too long or a key has two values.
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
    """Whether two values of a key contradict each other: the key describes the frame, or both are numbers."""
    these, those = _words(one), _words(other)
    if these == those or key in FRAME_KEYS:
        return these != those
    try:
        return float(one) != float(other)
    except ValueError:
        return False


def _words(array: str) -> list[str]:
    """The elements of an array in any of its spellings: ``1 0 0``, ``{1 0 0}``, ``[1, 0, 0]``, ``[[1, 0, 0], …]``."""
    return _MARKS.sub(" ", array).split()


class _AtomLine(NamedTuple):
    """The columns of an atom's line; -1 for a column that it lacks."""

    species: int
    number: int
    position: int
    occupancy: int


def _atom_line(properties: str) -> _AtomLine:
    """Read the columns of an atom's line from ``properties``, a list of ``name:type:width``."""
    words = properties.split(":")
    at = 0
    found: dict[str, int] = {}
    widths: dict[str, int] = {}
    for name, width in zip(words[::3], words[2::3], strict=False):
        if not (width.isascii() and width.isdecimal()) or not 1 <= int(width) <= 1000:
            break
        if name in found and name in ("species", "Z", "pos", *_OCCUPANCIES):
            raise Rejected("extxyz-syntax", f"Properties={properties[:60]} has {name} twice")
        found[name] = at
        widths[name] = int(width)
        at += int(width)
    species = next((name for name in ("species", "Z") if name in found), None)
    if species is None or "pos" not in found:
        raise Rejected("extxyz-syntax", f"Properties={properties[:60]} has no species or no pos")
    if widths["pos"] != 3 or widths[species] != 1:
        raise Rejected(
            "extxyz-syntax",
            f"Properties={properties[:60]} has {widths['pos']} columns of pos and {widths[species]} of {species}: "
            "3 and 1 are valid",
        )
    occupancy = next((found[name] for name in _OCCUPANCIES if widths.get(name) == 1), -1)
    return _AtomLine(found.get("species", -1), found.get("Z", -1), found["pos"], occupancy)


def read(text: bytes) -> StatedCell:
    """Read the cell of one frame.

    Raises:
        Rejected: ``extxyz-syntax``, ``cell`` (no Lattice: a plain XYZ is a molecule), ``element``,
            ``coordinates``, ``incomplete``, ``too-many-sites``.
    """
    first, _, rest = text.partition(b"\n")
    comment, _, body = rest.partition(b"\n")
    match = COUNT.fullmatch(first)
    if match is None:
        raise Rejected("extxyz-syntax", "the frame does not begin with its number of atoms")
    n = int(match[1])
    check_count(n)
    pairs = info(comment)
    columns = _atom_line("".join(_words(pairs.get("Properties", "species:S:1:pos:R:3"))))
    if "Lattice" not in pairs:
        raise Rejected("cell", "the frame has no Lattice: it is no crystal")
    lattice = array([_words(pairs["Lattice"])], 9, "cell", "Lattice").reshape(3, 3)
    check_periodic([flag.lower() in ("t", "true", "1") for flag in _words(pairs.get("pbc", "T"))])
    rows = [line.split() for line in body.decode(errors="replace").split("\n")[:n]]
    if len(rows) < n:
        raise Rejected("incomplete", f"{len(rows)} of {n} atoms are there")
    for i, row in enumerate(rows):
        if len(row) <= max(columns.position + 2, *columns):
            raise Rejected("coordinates", f"the line of atom {i + 1} is too short")
    numbers = _numbers(rows, columns)
    _refuse_mixed(pairs)
    at = columns.position
    if not n:
        return StatedCell(lattice, np.empty((0, 3)), np.empty(0, np.uint8))
    positions = array([row[at : at + 3] for row in rows], 3, "coordinates", "the position of each atom")
    frac = fractional(positions, lattice)
    if columns.occupancy < 0:
        return StatedCell(lattice, frac, numbers)
    written = [[row[columns.occupancy]] for row in rows]
    return StatedCell(
        lattice, frac, numbers, array(written, 1, "occupancy", "the occupancy of each atom")[:, 0]
    )


def _numbers(rows: list[list[str]], columns: _AtomLine) -> NDArray[np.uint8]:
    """Atomic numbers (n,) from species and Z, which must agree if both are given."""
    found: list[list[int]] = [
        [_atomic_number(row[column], column == columns.number) for row in rows]
        for column in (columns.species, columns.number)
        if column >= 0
    ]
    for k, (first, last) in enumerate(zip(found[0], found[-1], strict=True)):
        if first != last:
            raise Rejected(
                "element", f"atom {k + 1} is {SYMBOLS[first]} by its species and {SYMBOLS[last]} by its Z"
            )
    return np.array(found[0], dtype=np.uint8)


def _refuse_mixed(pairs: dict[str, str]) -> None:
    """Raise ``Rejected("disordered")`` if ASE's occupancies in the comment say that sites are shared."""
    written = pairs.get("occupancy", "")
    if not written.startswith("_JSON"):
        return
    try:
        kinds = json.loads(written.removeprefix("_JSON").replace('\\"', '"'))
        shares = [(kind, dict(parts), sum(parts.values())) for kind, parts in kinds.items()]
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise Rejected("extxyz-syntax", f"the frame's occupancy cannot be read: {written[:60]}") from None
    for kind, parts, sum_ in shares:
        if len(parts) != 1 or not abs(sum_ - 1) <= PART_TOLERANCE:
            told = " and ".join(f"{amount} {symbol}" for symbol, amount in parts.items())
            raise Rejected("disordered", f"the sites of kind {kind} hold {told} by the frame's occupancy")


def _atomic_number(word: str, by_number: bool) -> int:
    if by_number and word.isascii() and word.isdecimal() and len(word) < 4 and 1 <= int(word) <= 118:
        return int(word)
    symbol = word.capitalize()
    number = element(symbol)
    if word in NOT_CERTAIN or (not is_element(symbol, word) and symbol not in ("D", "T")):
        raise Rejected(
            "element",
            f"the species {word!r} may be a group of atoms or a word: write {symbol} for the element",
        )
    return number
