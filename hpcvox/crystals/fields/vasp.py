"""Reads VASP's files of fields: CHGCAR, CHG, PARCHG, AECCAR (charge) and LOCPOT (potential)."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hpcvox.crystals.elements import ATOMIC_NUMBERS
from hpcvox.crystals.fields.record import Field, checked_count, checked_grid, checked_lattice, checked_sites
from hpcvox.crystals.fields.text import Text, opened
from hpcvox.errors import Rejected

_CHARGE = {1: ("total",), 2: ("total", "spin"), 4: ("total", "spin x", "spin y", "spin z")}
_POTENTIAL = {1: ("total",), 2: ("up", "down"), 4: ("total", "field x", "field y", "field z")}


def read_chgcar(path: Path) -> Field:
    """Read the charge density of a CHGCAR, CHG, PARCHG or AECCAR file, plain or compressed.

    The file holds ρ·V; the field is ρ in e/Å^3, with electrons positive.  The first channel is ``total``.  If the
    calculation had spin, ``spin`` (up minus down) or the three components of the magnetization follow.
    Augmentation occupancies are skipped.

    Raises:
        Rejected: ``unreadable``, ``damaged``, ``not-text``, ``truncated``, ``header``, ``cell``, ``element``,
            ``coordinates``, ``too-many-sites``, ``grid``, ``too-large``, ``number`` or ``not-finite``.
    """
    with opened(path) as text:
        head, values = _read(text)
    values /= checked_lattice(head.lattice)
    return Field(
        head.lattice, values, head.numbers, head.frac, _names(_CHARGE, values, text), "e/Å^3", "density"
    )


def read_locpot(path: Path) -> Field:
    """Read the local potential, in eV, of a LOCPOT file, plain or compressed.

    The channel is ``total``; with spin there are ``up`` and ``down``.  Raises the errors of :func:`read_chgcar`.
    """
    with opened(path) as text:
        head, values = _read(text)
    return Field(
        head.lattice, values, head.numbers, head.frac, _names(_POTENTIAL, values, text), "eV", "potential"
    )


def _names(known: dict[int, tuple[str, ...]], values: NDArray[np.float64], text: Text) -> tuple[str, ...]:
    names = known.get(len(values))
    if names is None:
        raise Rejected("truncated", f"{text.name} has {len(values)} blocks of values; 1, 2 or 4 are valid")
    return names


class _Head(NamedTuple):
    lattice: NDArray[np.float64]
    numbers: NDArray[np.uint8]
    frac: NDArray[np.float64]
    listed: int  # number of atoms in the file, where one atom may be listed several times


def _read(text: Text) -> tuple[_Head, NDArray[np.float64]]:
    """Read the POSCAR at the beginning and all blocks of values, (C, M1, M2, M3) as written."""
    head = _head(text)
    line = text.header("the grid")
    while not line.strip():
        line = text.header("the grid")
    counts = _integers(line)
    if counts is None:
        raise Rejected("grid", f"{text.name}: the grid should be three counts, and is {line[:80]!r}")
    first, second, third = checked_grid(counts, f"{text.name}: the grid")
    channels: list[NDArray[np.float64]] = []
    while True:
        what = f"channel {len(channels) + 1}"
        block = text.block(first * second * third, what)
        channels.append(block.reshape(third, second, first).transpose(2, 1, 0))  # the first axis runs fastest
        if not _another(text, counts, head.listed, what):
            break
        if len(channels) == 4:
            raise Rejected("grid", f"{text.name} has more than four blocks of values")
    return head, np.stack(channels)


def _another(text: Text, counts: list[int], atoms: int, what: str) -> bool:
    """Skip the text between two blocks; return whether the line of a grid, and so another block, follows.

    The text holds augmentation occupancies, and one number for each atom.
    """
    loose, augmented = 0, False
    while (line := text.line()) is not None:
        augmented |= line.startswith("augmentation")
        found = _integers(line)
        if found == counts:
            return True
        if found is not None and len(found) == 3 and not augmented:
            raise Rejected("grid", f"{text.name}: after {what} comes a grid of {found}, not of {counts}")
        loose += 0 if augmented else len(line.split())
        if loose > atoms:
            raise Rejected("grid", f"{text.name}: after {what} come more values than its grid {counts} holds")
    return False


def _integers(line: str) -> list[int] | None:
    """The numbers in a line that holds only whole numbers; None for other lines."""
    words = line.split()
    if not words or not all(word.isascii() and word.isdigit() and len(word) < 10 for word in words):
        return None
    return [int(word) for word in words]


def _head(text: Text) -> _Head:
    """Read a POSCAR: comment, scale, cell, symbols, counts, coordinates."""
    comment = text.header("the comment")
    scale = np.array(text.numbers("the scale", 1)[:3])
    lattice = np.array([text.numbers(f"cell vector {i}", 3)[:3] for i in (1, 2, 3)])
    factor = _scale(text, scale, lattice)
    lattice *= factor
    checked_lattice(lattice)
    line = text.header("the elements")
    counts = _integers(line)
    if counts is None:
        symbols = line.split()
        line = text.header("the numbers of atoms")
        counts = _integers(line)
        if counts is None:
            raise Rejected("header", f"{text.name}: the numbers of atoms are {line[:80]!r}")
    else:
        symbols = comment.split()  # VASP 4 has no line of elements; some write them in the comment
    numbers = _numbers(text, symbols, counts)
    mode = text.header("the kind of coordinates").strip().lower()
    if mode.startswith("s"):  # selective dynamics
        mode = text.header("the kind of coordinates").strip().lower()
    if not mode.startswith(("d", "c", "k")):
        raise Rejected("header", f"{text.name}: coordinates are {mode[:80]!r}: Direct or Cartesian is valid")
    frac = np.array([text.numbers(f"atom {i + 1}", 3)[:3] for i in range(len(numbers))]).reshape(-1, 3)
    if not mode.startswith("d"):
        frac = (frac * factor) @ np.linalg.inv(lattice)
    inside, checked = checked_sites(lattice, frac, numbers)
    return _Head(lattice, checked, inside, len(numbers))


def _scale(text: Text, scale: NDArray[np.float64], lattice: NDArray[np.float64]) -> NDArray[np.float64]:
    """The factor of all lengths: one number or one for each axis; a negative number is the volume in Å^3."""
    if len(scale) == 3 and (scale > 0).all():
        return scale
    if len(scale) == 2:
        raise Rejected(
            "header", f"{text.name}: there are two scales, {scale.tolist()}: one or three are valid"
        )
    wanted = float(scale[0])
    if wanted < 0:
        wanted = float((-wanted / checked_lattice(lattice)) ** (1 / 3))
    if not wanted > 0:
        raise Rejected("header", f"{text.name}: the scale is {scale.tolist()}")
    return np.full(3, wanted)


def _numbers(text: Text, symbols: list[str], counts: list[int]) -> list[int]:
    """The atomic number of each site; symbols may be such as ``Fe_pv`` and ``Fe/1234``."""
    checked_count(sum(counts))
    names = [symbol.split("/")[0].split("_")[0] for symbol in symbols]
    if len(names) != len(counts) or not all(name in ATOMIC_NUMBERS for name in names):
        raise Rejected(
            "element",
            f"{text.name}: the elements are {' '.join(symbols)[:80]!r} for {len(counts)} numbers of atoms",
        )
    return [ATOMIC_NUMBERS[name] for name, count in zip(names, counts, strict=True) for _ in range(count)]
