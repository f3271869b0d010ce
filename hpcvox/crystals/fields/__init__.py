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
    """A format, which a file's name tells."""

    told: str
    """Its names, for a person."""
    pattern: re.Pattern[str]
    """What such a name has in it."""
    read: Callable[[Path, Quantity], Field]
    """Reads a file; what it holds is of effect where the format does not say so."""


def _named(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


FORMATS: Final = (
    FieldFormat("LOCPOT*", _named("locpot"), lambda path, kind: read_locpot(path)),
    FieldFormat(
        "CHGCAR*, CHG*, PARCHG*, AECCAR*", _named("chg|aeccar"), lambda path, kind: read_chgcar(path)
    ),
    FieldFormat(".cube, .cub", _named(r"\.cube?(\.(gz|bz2|xz))?$"), read_cube),
)
"""The first whose pattern is in a name is that of the file; compression is told by its first bytes."""

NAMES: Final = f"{', '.join(each.told for each in FORMATS)}, also .gz, .bz2, .xz"


def format_of(name: str) -> FieldFormat | None:
    """The format of the file ``name``; None where the name tells none."""
    return next((each for each in FORMATS if each.pattern.search(name)), None)


def read_field(path: Path, kind: Quantity = "density") -> Field:
    """The field in a file.

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
