"""Charts of the page as pictures for a paper: matplotlib draws from the same data what plotly draws on the page.

Knows what :mod:`hpcvox.report.charts` makes: bars and scatters, with linear or logarithmic axes.
"""

import base64
import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hpcvox.report.parts import Chart, Gallery

INCHES = 100
"""Pixels of the page to an inch of a picture."""

MARGINS = (0.75, 0.15, 0.5, 0.35)
"""Inches to the left, to the right, below and above."""

GAP = 2
"""Pixels between the pictures of a gallery."""

DASHES = {"dash": "--", "dot": ":"}


def values(given: Any) -> NDArray[Any]:
    """An array of a figure's JSON tree, which has it as a list or as the base64 of its bytes."""
    if isinstance(given, Mapping):
        return np.frombuffer(base64.b64decode(given["bdata"]), np.dtype(given["dtype"]))
    return np.asarray(given)


def picture(chart: Chart) -> Figure:
    """``chart`` as the page has it, on white, with its title."""
    layout = chart.figure["layout"]
    width = 9.0 if chart.wide else 6.0
    height = layout["height"] / INCHES + 0.4
    figure = Figure(figsize=(width, height))
    if any(trace.get("orientation") == "h" for trace in chart.figure["data"]):
        figure.set_layout_engine("constrained")  # its labels are as long as they are; that takes its time
        axes = figure.subplots()
    else:
        left, right, below, above = MARGINS
        axes = figure.add_axes(
            (left / width, below / height, 1 - (left + right) / width, 1 - (below + above) / height)
        )
    stacked: dict[str, NDArray[np.float64]] = {}
    for trace in chart.figure["data"]:
        if trace["type"] == "bar":
            _bar(axes, trace, stacked)
        else:
            _scatter(axes, trace)
    axes.set_title(chart.title, fontsize=10)
    for which, key in (("x", "xaxis"), ("y", "yaxis")):
        _axis(axes, which, layout.get(key, {}))
    named = [trace for trace in chart.figure["data"] if trace.get("name") and trace.get("showlegend", True)]
    if len(named) > 1:
        axes.legend(fontsize=8, frameon=False, ncols=min(len(named), 4), loc="best")
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


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


def _bar(axes: Axes, trace: Mapping[str, Any], stacked: dict[str, NDArray[np.float64]]) -> None:
    """One group of bars, on top of those that were drawn before."""
    look = {"color": trace["marker"]["color"], "label": _plain(trace.get("name", ""))}
    if trace.get("orientation") == "h":
        labels, lengths = [_plain(label) for label in trace["y"]], values(trace["x"])
        bars = axes.barh(labels, lengths, **look)
        axes.bar_label(bars, [_plain(text) for text in trace["text"]], padding=2, fontsize=8)
        return
    heights = values(trace["y"]).astype(float)
    below = stacked.get("below", np.zeros(len(heights)))
    places = trace["x"]
    x: Sequence[str] | NDArray[Any]
    x = [_plain(label) for label in places] if isinstance(places, list) else values(places)
    axes.bar(x, heights, width=trace.get("width", 0.8), bottom=below, **look)
    stacked["below"] = below + heights


def _scatter(axes: Axes, trace: Mapping[str, Any]) -> None:
    x, y = values(trace["x"]), values(trace["y"])
    marker, line = trace.get("marker", {}), trace.get("line", {})
    name = _plain(trace.get("name", "")) if trace.get("showlegend", True) else None
    if "lines" in trace["mode"]:
        look = {"color": line["color"], "linewidth": 0.6 * line["width"], "alpha": trace.get("opacity", 1.0)}
        style = DASHES.get(line.get("dash", ""), "-")
        dots = "." if "markers" in trace["mode"] else None
        axes.plot(x, y, linestyle=style, marker=dots, markersize=3, label=name, **look)
        return
    # sizes of plotly are diameters in pixels, those of matplotlib areas in points²
    areas = (0.6 * values(marker["size"]).astype(float)) ** 2
    look = {"s": areas, "alpha": marker.get("opacity", 1.0), "linewidths": 0, "label": name}
    if isinstance(marker["color"], str):
        axes.scatter(x, y, color=marker["color"], **look)
        return
    ends = {"vmin": marker["cmin"], "vmax": marker["cmax"]}
    drawn = axes.scatter(x, y, c=values(marker["color"]), cmap="viridis", **ends, **look)
    bar = axes.figure.colorbar(drawn, ax=axes)
    bar.set_label(_plain(marker["colorbar"]["title"]["text"]), fontsize=8)
    bar.ax.tick_params(labelsize=8)


def _axis(axes: Axes, which: str, layout: Mapping[str, Any]) -> None:
    look: dict[str, Any] = {"label": _plain(layout.get("title", {}).get("text", ""))}
    if layout.get("type") == "log":
        look["scale"] = "log"
    if "range" in layout:
        look["lim"] = layout["range"]
    if layout.get("showticklabels") is False:
        look["ticks"] = []
    axes.set(**{f"{which}{key}": value for key, value in look.items()})
    if "scaleanchor" in layout:
        axes.set_aspect("equal")


def _plain(text: str) -> str:
    """``text`` as matplotlib shows it literally: plotly's escapes undone, and no formula between dollar signs."""
    return html.unescape(str(text)).replace("$", r"\$")
