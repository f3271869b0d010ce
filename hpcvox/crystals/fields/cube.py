"""Reads Gaussian cube files."""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hpcvox.crystals.fields.lengths import in_angstrom
from hpcvox.crystals.fields.record import (
    Field,
    Quantity,
    checked_count,
    checked_grid,
    checked_lattice,
    checked_sites,
)
from hpcvox.crystals.fields.text import Text, opened
from hpcvox.errors import Rejected

BOHR: Final = 0.529177210544
"""The Bohr radius in Å (CODATA 2022)."""
HARTREE: Final = 27.211386245981
"""The Hartree energy in eV (CODATA 2022)."""

_MAX_SETS: Final = 64

_UNITS: dict[Quantity, tuple[float, str]] = {
    "density": (BOHR**-3, "e/Å^3"),
    "potential": (HARTREE, "eV"),
    "other": (1.0, ""),
}


def read_cube(path: Path, kind: Quantity = "density") -> Field:
    """Read the fields of a Gaussian cube file, plain or compressed.

    Lengths are in Bohr if the counts of the grid are positive, in Å if they are negative.  If a comment in the file
    names the other unit, the distances between the atoms decide.  Values are always in atomic units: a ``density`` is
    converted from e/Bohr^3 to e/Å^3, a ``potential`` from Hartree to eV, and ``other`` values are not converted.  The
    cell is that of the grid (count times step along each axis), and positions of atoms are relative to its origin.  A
    file with several data sets (orbitals, or a count after the origin) has as many channels.

    Args:
        path: the file.
        kind: the quantity in the file, which does not say it itself.

    Raises:
        Rejected: with the codes of :func:`hpcvox.crystals.fields.read_chgcar`.
    """
    with opened(path) as text:
        comments = f"{text.header('the first comment')} {text.header('the second comment')}"
        atoms, origin, sets = _first(text)
        axes = [text.numbers(f"grid axis {i}", 4) for i in (1, 2, 3)]
        signed = [_whole(text, axis[0], "a count of the grid") for axis in axes]
        grid = checked_grid([abs(count) for count in signed], f"{text.name}: the grid")
        if len({count > 0 for count in signed}) > 1:
            raise Rejected("grid", f"{text.name}: the counts {signed} are of both signs")
        steps = np.array([axis[1:4] for axis in axes])
        lattice = steps * np.array(grid)[:, None]
        checked_lattice(lattice * (BOHR if signed[0] > 0 else 1.0))
        sites = np.array([text.numbers(f"atom {i + 1}", 5)[:5] for i in range(abs(atoms))]).reshape(-1, 5)
        numbers = [_whole(text, z, "an atomic number") for z in sites[:, 0]]
        angstrom = in_angstrom(comments, signed[0] < 0, lattice, sites[:, 2:], numbers, BOHR)
        length = 1.0 if angstrom else BOHR
        lattice = lattice * length
        checked_lattice(lattice)
        names: tuple[str, ...] = ("total",)
        if atoms < 0:
            names = _orbitals(text)
        elif sets > 1:
            names = tuple(f"set {i + 1}" for i in range(sets))
        block = text.block(len(names) * grid[0] * grid[1] * grid[2], "values")
        _ended(text)
    frac, checked = checked_sites(lattice, (sites[:, 2:] - origin) * length @ np.linalg.inv(lattice), numbers)
    factor, units = _UNITS[kind]
    values = np.moveaxis(block.reshape(*grid, len(names)), 3, 0) * factor
    return Field(lattice, np.ascontiguousarray(values), checked, frac, names, units, kind)


def _first(text: Text) -> tuple[int, NDArray[np.float64], int]:
    """Number of atoms (negative in a file of orbitals), origin (3,) and number of data sets."""
    line = text.numbers("the number of atoms and the origin", 4)
    atoms = _whole(text, line[0], "the number of atoms")
    checked_count(abs(atoms))
    sets = _whole(text, line[4], "the number of data sets") if len(line) > 4 else 1
    if not 1 <= sets <= _MAX_SETS:
        raise Rejected("header", f"{text.name}: {sets} data sets; 1 to {_MAX_SETS} are valid")
    return atoms, np.array(line[1:4]), sets


def _orbitals(text: Text) -> tuple[str, ...]:
    """Names of the data sets of a file of orbitals, from the list of their count and numbers (one or more lines)."""
    found = text.numbers("the orbitals", 1)
    count = _whole(text, found[0], "the number of orbitals")
    if not 1 <= count <= _MAX_SETS:
        raise Rejected("header", f"{text.name}: {count} orbitals; 1 to {_MAX_SETS} are valid")
    while len(found) <= count:
        found += text.numbers("the orbitals", 1)
    if len(found) > count + 1:
        raise Rejected("header", f"{text.name}: {len(found) - 1} orbitals are named, not {count}")
    return tuple(f"orbital {_whole(text, number, 'an orbital')}" for number in found[1:])


def _whole(text: Text, value: float, what: str) -> int:
    if not abs(value) < 1e9 or value != int(value):
        raise Rejected("header", f"{text.name}: {what} is {value}, not a whole number")
    return int(value)


def _ended(text: Text) -> None:
    """Raise ``Rejected("grid")`` if anything follows the values."""
    while (line := text.line()) is not None:
        if line.strip():
            raise Rejected("grid", f"{text.name}: after the last value of the grid comes {line[:80]!r}")
