"""Reads structures of VASP (POSCAR, CONTCAR; versions 5 and 6, which name their elements)."""

import numpy as np
from numpy.typing import NDArray

from hpcvox.crystals.checks import FAR, StatedCell, array, check_count, element, fractional
from hpcvox.crystals.decimals import decimal
from hpcvox.crystals.elements import ATOMIC_NUMBERS, SYMBOLS
from hpcvox.errors import Rejected

_HEADER = 5
"""Lines before the elements: a title, the scale, three vectors."""


def read(text: bytes) -> StatedCell:
    """Read the cell of a POSCAR.  Velocities and anything else after the sites are not read.

    A negative scale is the volume of the cell in Å³; three scales are those along x, y and z.

    Raises:
        Rejected: ``poscar-syntax``, ``incomplete`` (the file ends too early), ``element`` (unknown, or not named, as in
            VASP 4), ``cell``, ``coordinates``, ``too-many-sites``.
    """
    if b"\0" in text:
        raise Rejected("poscar-syntax", "not a text file (is it compressed?)")
    lines = [line.strip() for line in text.decode(errors="replace").split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    if len(lines) < _HEADER + 3:
        raise Rejected("incomplete", f"the file ends within its header, after {len(lines)} lines")
    vectors = array([line.split()[:3] for line in lines[2:_HEADER]], 3, "cell", "each of the cell vectors")
    scale = _scale(lines[1], vectors)
    symbols, counts = _words(lines[_HEADER]), _words(lines[_HEADER + 1])
    if symbols and all(word.isdecimal() for word in symbols):
        raise Rejected(
            "element", "there is no line of elements (VASP 4): add one of their symbols before their numbers"
        )
    if len(symbols) != len(counts) or not counts or not all(_is_count(word) for word in counts):
        raise Rejected(
            "poscar-syntax", f"{len(symbols)} elements and {len(counts)} numbers of atoms in lines 6 and 7"
        )
    n = sum(map(int, counts))
    check_count(n)
    # the text after an element names its potential: Fe_pv, and Fe/0c5f… in VASP 6
    elements = [element(word.split("/")[0].split("_")[0]) for word in symbols]
    at, trailing = _HEADER + 2, 3
    if lines[at][:1] in ("S", "s"):  # selective dynamics
        at += 1
        trailing = 6
    mode = lines[at][:1] if at < len(lines) else ""
    if mode.isdecimal() or mode in ("-", "+", "."):
        raise Rejected("poscar-syntax", f"line {at + 1} must say Direct or Cartesian, not {lines[at][:40]!r}")
    rows = [line.split() for line in lines[at + 1 : at + 1 + n]]
    if len(rows) < n:
        raise Rejected("incomplete", f"{len(rows)} of {n} sites are there")
    numbers = np.repeat(np.array(elements, dtype=np.uint8), [int(count) for count in counts])
    _check_named([row[trailing:] for row in rows], numbers)
    rows = [row[:3] for row in rows]
    lattice = vectors * scale
    frac = array(rows, 3, "coordinates", "each site") if n else np.empty((0, 3))
    if mode in ("C", "c", "K", "k"):
        return StatedCell(lattice, fractional(frac * scale, lattice), numbers)
    return StatedCell(lattice, frac, numbers, far=bool((np.abs(frac) > FAR).any()))


def _check_named(ends: list[list[str]], numbers: NDArray[np.uint8]) -> None:
    """Compare the word after each site's coordinates, which may be its element, with the list of elements.

    Raises:
        Rejected: ``element``, if it is the symbol of another element.
    """
    for place, (end, number) in enumerate(zip(ends, numbers.tolist(), strict=True), 1):
        named = ATOMIC_NUMBERS.get(end[0].rstrip("0123456789+-"), number) if len(end) == 1 else number
        if named != number:
            raise Rejected(
                "element",
                f"site {place} is {SYMBOLS[number]} by the list of elements, and {end[0]} in its own line",
            )


def _words(line: str) -> list[str]:
    return line.split("!")[0].split("#")[0].split()


def _is_count(word: str) -> bool:
    return word.isascii() and word.isdecimal() and len(word) < 8


def _scale(line: str, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """The factors (3,) of x, y and z."""
    found: list[float] = []
    for word in line.split()[:3]:
        try:
            found.append(decimal(word))
        except ValueError:  # a comment
            break
    if len(found) == 2:
        raise Rejected("poscar-syntax", f"line 2 has two scales, {line[:40]!r}: one or three are valid")
    scale = np.array(found if len(found) == 3 else found[:1] * 3)
    if not len(scale):
        raise Rejected("poscar-syntax", f"line 2 must be the scale, not {line[:40]!r}")
    if len(found) < 3 and found[0] < 0:
        volume = abs(float(np.linalg.det(vectors)))
        scale = np.full(3, (-found[0] / volume) ** (1 / 3)) if volume > 0 else np.zeros(3)
    if not (np.isfinite(scale) & (scale > 0)).all():
        raise Rejected("cell", f"the scale {line[:40]!r} gives no cell with a volume")
    return scale
