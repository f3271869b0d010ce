"""Draws charts and galleries as pictures for a paper: matplotlib draws what plotly draws on the page."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator
from numpy.typing import NDArray

from hpcvox.report.drawing.chart import Axis, Bars, Chart, Gallery, Line, LyingBars, Points, Scale

INCHES: Final = 100
"""Pixels of the page to an inch of a picture."""

MARGINS: Final = (0.75, 0.15, 0.5, 0.35)
"""Inches to the left, to the right, below and above."""

NARROW: Final = 6.0
WIDE: Final = 9.0
"""Inches of a picture from left to right."""

LETTERS: Final = 12.0
"""Letters of a legend to an inch of a picture."""

GAP: Final = 2
"""Pixels between the pictures of a gallery."""


def picture(chart: Chart) -> Figure:
    """``chart`` as the page has it, on white, with its title."""
    figure, axes = _empty(chart)
    below: NDArray[np.float64] | None = None
    for mark in chart.marks:
        match mark:
            case LyingBars():
                _lying(axes, mark)
            case Bars():
                below = _bars(axes, mark, below)
            case Line():
                _line(axes, mark)
            case Points():
                _points(axes, mark)
    axes.set_title(chart.title, fontsize=10)
    axes.set(**_look("x", chart.x), **_look("y", chart.y))
    for drawn, axis in ((axes.xaxis, chart.x), (axes.yaxis, chart.y)):
        if axis.step is not None:
            drawn.set_major_locator(MultipleLocator(axis.step))
    if chart.equal:
        axes.set_aspect("equal")
    named = [mark for mark in chart.marks if not isinstance(mark, LyingBars) and mark.name]
    if len(named) > 1:
        axes.legend(
            fontsize=8, frameon=False, ncols=_columns(chart, [mark.name for mark in named]), loc="best"
        )
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def _columns(chart: Chart, names: Sequence[str]) -> int:
    """How many columns of a legend lie side by side within the axes."""
    letters = LETTERS * (WIDE if chart.wide else NARROW)
    # the sign before a name is as wide as six letters
    return max(1, min(len(names), 4, int(letters // (6 + max(map(len, names))))))


def _empty(chart: Chart) -> tuple[Figure, Axes]:
    """A new figure and its axes."""
    width = WIDE if chart.wide else NARROW
    height = chart.height / INCHES + 0.4
    figure = Figure(figsize=(width, height))
    if any(isinstance(mark, LyingBars) for mark in chart.marks):
        figure.set_layout_engine("constrained")  # its labels are as long as they are; that takes its time
        return figure, figure.subplots()
    left, right, under, above = MARGINS
    place = left / width, under / height, 1 - (left + right) / width, 1 - (under + above) / height
    return figure, figure.add_axes(place)


def gallery(given: Gallery) -> Figure:
    """Rows of small pictures under their heads, as one image: axes of their own would take seconds."""
    height, width = given.rows[0].pictures[0].shape
    tall, wide = height + GAP, width + GAP
    sheet = np.full((len(given.rows) * tall - GAP, len(given.heads) * wide - GAP), np.nan)
    for j, row in enumerate(given.rows):
        for i, values in enumerate(row.pictures):
            scaled = (values - row.low) / (row.high - row.low)
            sheet[j * tall : j * tall + height, i * wide : i * wide + width] = np.clip(scaled, 0, 1)
    # inches; labels by their letters, which are eight points high and about two thirds of that wide
    across, down = 0.85 * len(given.heads), 0.85 * len(given.rows)
    left, above = 0.2 + 0.075 * max(len(row.label) for row in given.rows), 0.3
    figure = Figure(figsize=(left + across, above + down))
    axes = figure.add_axes((left / (left + across), 0, across / (left + across), down / (above + down)))
    axes.imshow(sheet, vmin=0, vmax=1, cmap="viridis", interpolation="nearest")
    axes.xaxis.tick_top()
    axes.set_xticks(np.arange(len(given.heads)) * wide + width / 2, [_plain(head) for head in given.heads])
    axes.set_yticks(np.arange(len(given.rows)) * tall + height / 2, [_plain(row.label) for row in given.rows])
    axes.tick_params(labelsize=8, length=0)
    axes.spines[:].set_visible(False)
    return figure


def _lying(axes: Axes, mark: LyingBars) -> None:
    bars = axes.barh([_plain(name) for name in mark.names], mark.counts, color=mark.colour, label="")
    axes.bar_label(bars, [f"{count:,}" for count in mark.counts], padding=2, fontsize=8)


def _bars(axes: Axes, mark: Bars, below: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Draw a group of bars on top of those that end at ``below``; return where the new ones end."""
    heights = np.asarray(mark.counts, np.float64)
    bottom = np.zeros(len(heights)) if below is None else below
    places: Sequence[str] | NDArray[Any]
    named = isinstance(mark.places, list | tuple)
    places = [_plain(str(place)) for place in mark.places] if named else np.asarray(mark.places)
    width = 0.8 if mark.width is None else mark.width
    axes.bar(places, heights, width=width, bottom=bottom, color=mark.colour, label=_plain(mark.name))
    return bottom + heights


def _line(axes: Axes, mark: Line) -> None:
    axes.plot(
        mark.x,
        mark.y,
        linestyle="--" if mark.dashed else "-",
        marker="." if mark.dots else None,
        markersize=3,
        color=mark.colour,
        linewidth=0.6 * mark.width,
        alpha=mark.opacity,
        label=_plain(mark.name) or None,
    )


def _points(axes: Axes, mark: Points) -> None:
    # sizes of the page are diameters in pixels, those of matplotlib areas in points²
    look: dict[str, Any] = {"s": (0.6 * np.asarray(mark.sizes, np.float64)) ** 2, "linewidths": 0}
    look |= {"alpha": mark.opacity, "label": _plain(mark.name) or None}
    if isinstance(mark.colour, str):
        axes.scatter(mark.x, mark.y, color=mark.colour, **look)
        return
    scale: Scale = mark.colour
    drawn = axes.scatter(
        mark.x, mark.y, c=scale.values, cmap="viridis", vmin=scale.low, vmax=scale.high, **look
    )
    bar = axes.figure.colorbar(drawn, ax=axes)
    bar.set_label(_plain(scale.title), fontsize=8)
    bar.ax.tick_params(labelsize=8)


def _look(which: str, axis: Axis) -> dict[str, Any]:
    look: dict[str, Any] = {"label": _plain(axis.title)}
    if axis.log:
        look["scale"] = "log"
    if axis.limits is not None:
        look["lim"] = axis.limits
    if not axis.ticks:
        look["ticks"] = []
    if axis.marks:
        look |= {"ticks": list(axis.marks), "ticklabels": [f"{at:g}" for at in axis.marks]}
    return {f"{which}{key}": value for key, value in look.items()}


def _plain(text: str) -> str:
    """``text`` as matplotlib shows it literally: no formula between dollar signs."""
    return text.replace("$", r"\$")
