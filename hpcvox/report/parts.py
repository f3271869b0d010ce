"""The parts of a section of the page: facts, tables, charts.  The template, not this module, makes HTML of them."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final, NamedTuple
from urllib.parse import quote

from hpcvox.report.drawing.chart import Chart, Gallery
from hpcvox.report.drawing.crystals import Look, Scene

EMPTY: Final = ("", "–")
"""Texts of cells that say nothing."""


class TableCell(NamedTuple):
    """A table cell: its text, the value by which it is sorted (None: by the text), and its link.

    ``cif`` is the key (:meth:`Downloads.key`) of a crystal; then a click saves that crystal from the page instead.
    """

    text: str
    order: float | None = None
    href: str | None = None
    cif: str | None = None
    badge: str = ""
    """Of what colour it is: good, fair or poor."""


class Column(NamedTuple):
    """A table's column."""

    name: str
    numeric: bool = False


@dataclass(frozen=True)
class Table:
    """Rows under named columns; a click on a column sorts them.

    ``keys`` say what a click on each row shows (the id of a crystal).  A ``folded`` table opens on a click.
    """

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[TableCell]]
    note: str = ""
    keys: Sequence[str] = ()
    folded: bool = False


@dataclass(frozen=True)
class CrystalsToTurn:
    """Crystals in 3D, shown one at a time, and how their elements are drawn; the page's script uses these names."""

    kind: ClassVar = "crystals"

    crystals: Sequence[Scene]
    elements: Mapping[int, Look]


@dataclass(frozen=True)
class Volume:
    """Densities of one crystal, as base64 of 8 bits per voxel, from ``low`` to ``high`` e/Å³."""

    id: str
    low: float
    high: float
    error: float | None
    """The sum of absolute differences over the sum of the true density; None if there is only one density."""
    maps: Mapping[str, str]
    """By what they are."""


@dataclass(frozen=True)
class DensitiesToCut:
    """Densities of n³ voxels, shown slice by slice; the page's script uses these names."""

    kind: ClassVar = "densities"

    n: int
    volumes: Sequence[Volume]


@dataclass(frozen=True)
class Card:
    """A crystal with what is known of it; the page's script knows these names."""

    scene: Scene
    title: str
    facts: Sequence[tuple[str, str]]
    values: Mapping[str, float]
    """Numbers that cards are sorted and filtered by, by the name of the field."""
    note: str = ""


@dataclass(frozen=True)
class Counted:
    """An element's place in the periodic table, from 1, and how many cards have it."""

    symbol: str
    row: int
    column: int
    count: int


@dataclass(frozen=True)
class CardsToSort:
    """Crystals as cards; the page's script knows these names."""

    kind: ClassVar = "cards"

    cards: Sequence[Card]
    elements: Mapping[int, Look]
    fields: Sequence[str]
    """By which they are sorted and filtered; at first by the first one."""
    map: Sequence[Counted]
    """Of all elements."""


@dataclass(frozen=True)
class Downloads:
    """Crystals that the page holds: gzipped files with all of them, by name, and the place of each in ``NAME.cif``.

    ``cifs`` has for each id the file name of its CIF, its first byte, and the byte after its last one.
    """

    name: str
    files: Mapping[str, bytes]
    cifs: Mapping[str, tuple[str, int, int]]

    def key(self, id: str) -> str | None:
        """The key of the CIF of ``id`` on the page; None if it has none."""
        return f"{self.name}/{id}" if id in self.cifs else None


@dataclass(frozen=True)
class Section:
    """One part of the page.

    ``missing`` says why there is nothing to show; ``tiles`` are the section's numbers at the top of the page;
    ``widget`` is drawn by the page's script.
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
    commands: Sequence[str] = ()
    """What is typed in a terminal."""
    texts: Sequence[tuple[str, str]] = ()
    galleries: Sequence[Gallery] = ()
    downloads: Downloads | None = None
    widget: CrystalsToTurn | DensitiesToCut | CardsToSort | None = None


def cell(value: object) -> TableCell:
    """A value as a table cell: numbers are short and sort by value."""
    if isinstance(value, bool):
        return TableCell("yes" if value else "no", float(value))
    if isinstance(value, int | float):
        return TableCell(shown(value), float(value) if value == value else None)
    text = str(value)
    if text in ("True", "False"):  # as our tables have them
        return cell(text == "True")
    try:
        number = float(text)
    except ValueError:
        return TableCell(text)
    # "NaN" and "inf" may be formulas or words, "007" and "1e5" may be ids, not only numbers
    if number != number or number in (float("inf"), float("-inf")) or not text.isascii():
        return TableCell(text)
    return TableCell(shown(number) if len(text.partition(".")[2]) > 3 else text, number)


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
    """A :class:`Table` of plain values; a column is numeric where every one of its cells is, but for empty ones."""
    cells = [[value if isinstance(value, TableCell) else cell(value) for value in row] for row in rows]
    told = [[row[k] for row in cells if row[k].text not in EMPTY] for k in range(len(columns))]
    numeric = [bool(column) and all(one.order is not None for one in column) for column in told]
    heads = [
        Column(name.replace("_", " "), is_number) for name, is_number in zip(columns, numeric, strict=True)
    ]
    return Table(caption, heads, cells, note, keys, folded)
