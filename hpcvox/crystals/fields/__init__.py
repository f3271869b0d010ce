"""Scalar fields of crystals as electronic-structure codes write them: densities and potentials on a grid.

A format is a module here and a line of :data:`FORMATS`.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from hpcvox.crystals.fields.cube import read_cube
from hpcvox.crystals.fields.record import MAX_POINTS, Field, Quantity
from hpcvox.crystals.fields.vasp import read_chgcar, read_locpot
from hpcvox.errors import Rejected

__all__ = ["MAX_POINTS", "Field", "Quantity", "read_chgcar", "read_cube", "read_field", "read_locpot"]


class FieldFormat(NamedTuple):
    """A file format of fields; the name of a file tells which one it has."""

    told: str
    """The file names of this format, as messages show them."""
    pattern: re.Pattern[str]
    """Matches the file names of this format."""
    read: Callable[[Path, Quantity], Field]
    """Reads a file as this quantity; formats that say their quantity themselves ignore the argument."""


def _named(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


FORMATS: Final = (
    FieldFormat("LOCPOT*", _named("locpot"), lambda path, kind: read_locpot(path)),
    FieldFormat(
        "CHGCAR*, CHG*, PARCHG*, AECCAR*", _named("chg|aeccar"), lambda path, kind: read_chgcar(path)
    ),
    FieldFormat(".cube, .cub", _named(r"\.cube?(\.(gz|bz2|xz))?$"), read_cube),
)
"""A file has the first format whose pattern matches its name; its first bytes tell the compression."""

NAMES: Final = f"{', '.join(each.told for each in FORMATS)}, also .gz, .bz2, .xz"


def format_of(name: str) -> FieldFormat | None:
    """Return the format that the file name ``name`` tells; None if it tells none."""
    return next((each for each in FORMATS if each.pattern.search(name)), None)


def read_field(path: Path, kind: Quantity = "density") -> Field:
    """Read the scalar field in a file.

    Args:
        path: the file.
        kind: the quantity in a cube, which does not say it itself; other formats ignore this.

    Raises:
        Rejected: ``unknown-format``, and the codes of :func:`read_chgcar`, :func:`read_locpot`, :func:`read_cube`.
    """
    found = format_of(path.name)
    if found is None:
        raise Rejected("unknown-format", f"{path.name}: the name tells no format of a field: {NAMES}")
    return found.read(path, kind)
