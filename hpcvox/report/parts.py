"""What a section of the page is made of: facts, tables, charts.  No HTML here: the template writes it."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple
from urllib.parse import quote

from hpcvox.report.drawing.chart import Chart, Gallery
from hpcvox.report.drawing.crystals import Look, Scene


class TableCell(NamedTuple):
    """A table cell: its text, the value it sorts by (None: the text), and where it links to.

    ``cif`` is the key (:meth:`Downloads.key`) of the crystal that a click saves from inside the page instead.
    """

    text: str
    order: float | None = None
    href: str | None = None
    cif: str | None = None


class Column(NamedTuple):
    """A table's column."""

    name: str
    numeric: bool = False


@dataclass(frozen=True)
class Table:
    """Rows under named columns, sorted by a click on a column.

    ``keys`` name what a click on each row shows (a crystal's id); ``folded`` tables open on a click.
    """

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[TableCell]]
    note: str = ""
    keys: Sequence[str] = ()
    folded: bool = False


@dataclass(frozen=True)
class CrystalsToTurn:
    """Crystals in 3D, one at a time, and how their elements are drawn; the page's script knows these names."""

    kind: ClassVar = "crystals"

    crystals: Sequence[Scene]
    elements: Mapping[int, Look]


@dataclass(frozen=True)
class Volume:
    """Densities of one crystal, in 8 bits a voxel from ``low`` to ``high`` e/Å³, as base64."""

    id: str
    low: float
    high: float
    error: float | None
    """The sum of absolute differences over that of the true density; None where there are no two."""
    maps: Mapping[str, str]
    """By what they are."""


@dataclass(frozen=True)
class DensitiesToCut:
    """Densities of n³ voxels, slice by slice; the page's script knows these names."""

    kind: ClassVar = "densities"

    n: int
    volumes: Sequence[Volume]


@dataclass(frozen=True)
class Downloads:
    """Crystals that the page holds: files of all of them by name, gzipped, and where each is in ``NAME.cif``.

    ``cifs`` has for each id the name its CIF is saved under, and its first and last byte (not included).
    """

    name: str
    files: Mapping[str, bytes]
    cifs: Mapping[str, tuple[str, int, int]]

    def key(self, id: str) -> str | None:
        """What the page knows the CIF of ``id`` by; None where it has none."""
        return f"{self.name}/{id}" if id in self.cifs else None


@dataclass(frozen=True)
class Section:
    """One part of the page.

    ``missing`` says why there is nothing to show; ``tiles`` are its few numbers at the top of the page;
    ``widget`` is what the page's script draws.
    """

    name: str
    title: str
    intro: str = ""
    missing: str = ""
    tiles: Sequence[tuple[str, str]] = ()
    facts: Sequence[tuple[str, str]] = ()
    charts: Sequence[Chart] = ()
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()
    texts: Sequence[tuple[str, str]] = ()
    galleries: Sequence[Gallery] = ()
    downloads: Downloads | None = None
    widget: CrystalsToTurn | DensitiesToCut | None = None


def cell(value: object) -> TableCell:
    """A value as a table cell: numbers are short and sort by value."""
    if isinstance(value, bool):
        return TableCell("yes" if value else "no", float(value))
    if isinstance(value, int | float):
        return TableCell(shown(value), float(value) if value == value else None)
    text = str(value)
    try:
        number = float(text)
    except ValueError:
        return TableCell(text)
    # "NaN" and "inf" are formulas and words as well as floats; "007" and "1e5" are ids as well as numbers.
    if number != number or number in (float("inf"), float("-inf")) or not text.isascii():
        return TableCell(text)
    return TableCell(shown(number) if "." in text and len(text) > 7 else text, number)


def shown(value: object) -> str:
    """A value for a person: counts with thousands, other numbers with four significant digits."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() and 1e3 <= abs(value) < 1e15 else f"{value:.4g}"
    return str(value)


def link(path: Path, page: Path) -> str:
    """The relative URL of ``path`` seen from the page (percent-encoded: a name is never read as a scheme)."""
    return quote(os.path.relpath(path, page.parent))


def table(
    caption: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    note: str = "",
    keys: Sequence[str] = (),
    folded: bool = False,
) -> Table:
    """A :class:`Table` of plain values; a column is numeric where every one of its cells is."""
    cells = [[value if isinstance(value, TableCell) else cell(value) for value in row] for row in rows]
    numeric = [bool(cells) and all(row[k].order is not None for row in cells) for k in range(len(columns))]
    heads = [Column(name, is_number) for name, is_number in zip(columns, numeric, strict=True)]
    return Table(caption, heads, cells, note, keys, folded)
