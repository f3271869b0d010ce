"""Descriptions of charts, independent of the library that draws them: :mod:`on_page` and :mod:`on_paper` do that.

All text is plain; the drawing modules escape what their library would read as markup.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[Any]
"""(N,), of any type: float32 is half as large in the page as float64."""


@dataclass(frozen=True)
class Axis:
    """An axis: ``step`` is between two ticks; a logarithmic one has numbers at ``marks``."""

    title: str = ""
    log: bool = False
    names: bool = False
    """Whether the axis has names instead of numbers."""
    limits: tuple[float, float] | None = None
    step: float | None = None
    marks: Sequence[float] = ()
    ticks: bool = True


@dataclass(frozen=True)
class Bars:
    """A group of vertical bars, on top of the groups before it."""

    name: str
    places: Sequence[str] | Numbers
    counts: Sequence[int] | Numbers
    colour: str
    width: float | None = None
    """Width in units of the axis; None for bars at names."""


@dataclass(frozen=True)
class LyingBars:
    """Horizontal bars at names, the first one lowest, each with its count beside it."""

    names: Sequence[str]
    counts: Sequence[int]
    colour: str


@dataclass(frozen=True)
class Line:
    """A line through points; ``dots`` mark them."""

    x: Numbers
    y: Numbers
    colour: str
    name: str = ""
    """In the legend; empty: not there."""
    width: float = 2
    """Pixels."""
    dashed: bool = False
    dots: bool = False
    opacity: float = 1.0
    tells: bool = True
    """Whether the page tells the values of the point under the mouse."""


@dataclass(frozen=True)
class Scale:
    """The colours of values; values beyond ``low`` and ``high`` have the outermost colours."""

    values: Numbers
    low: float
    high: float
    title: str


@dataclass(frozen=True)
class Points:
    """Points of one colour, or each in the colour of its value."""

    x: Numbers
    y: Numbers
    colour: str | Scale
    name: str = ""
    """In the legend; empty: not there."""
    sizes: float | Numbers = 5
    """Diameters in pixels."""
    opacity: float = 1.0
    texts: Sequence[str] = ()
    """What each is; empty: the page tells its place and how many it stands for."""
    counts: Numbers | None = None
    """How many each stands for."""


Mark = Bars | LyingBars | Line | Points


@dataclass(frozen=True)
class Chart:
    """A figure with two axes; ``height`` in pixels of the page, where ``wide`` charts have a line of their own."""

    name: str
    title: str
    marks: Sequence[Mark]
    x: Axis
    y: Axis
    height: int
    wide: bool = False
    equal: bool = False
    """Whether both axes have one scale."""


class Row(NamedTuple):
    """A row of small pictures: (n, m) arrays, first row on top, with one scale of colours from low to high."""

    label: str
    low: float
    high: float
    pictures: Sequence[NDArray[np.float32]]


@dataclass(frozen=True)
class Gallery:
    """Rows of small pictures, with a column for each of ``heads``."""

    name: str
    title: str
    heads: Sequence[str]
    rows: Sequence[Row]
    highest: str = "highest density of a row's two crystals"
    """What has the brightest colour."""
