"""Charts of the page as plotly figures; text and grid take their colours from the page."""

import html
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go  # type: ignore[import-untyped]
from numpy.typing import NDArray

from hpcvox.report.parts import Chart

PALETTE = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8c6bb1", "#999999")
"""Okabe and Ito's colours, which the colour-blind can tell apart (doi 10.1038/nmeth.1618)."""

MOST_POINTS = 1500
"""Longer curves are averaged over blocks, so that the page stays small."""

Points = tuple[NDArray[np.float64], NDArray[np.float64]]


def escaped(text: str) -> str:
    """``text`` as plotly shows it literally (plotly reads tags such as <b> in labels)."""
    return html.escape(text, quote=False)


def bars(name: str, title: str, counts: Mapping[str, int], axis: str) -> Chart:
    """Horizontal bars, largest on top."""
    order = sorted(counts.items(), key=lambda item: item[1])
    figure = go.Figure(
        go.Bar(
            x=[count for _, count in order],
            y=[escaped(label) for label, _ in order],
            text=[f"{count:,}" for _, count in order],
            orientation="h",
            marker_color=PALETTE[0],
            hovertemplate="%{y}: %{x:,}<extra></extra>",
        )
    )
    figure.update_layout(xaxis_title=axis, yaxis_type="category", height=max(180, 90 + 30 * len(order)))
    return finished(name, title, figure)


def histogram(name: str, title: str, groups: Mapping[str, NDArray[np.float64]], axis: str) -> Chart:
    """A stacked histogram, one colour a group, binned here so that a large database stays a small page."""
    everything = np.concatenate(list(groups.values()))
    low, high = np.percentile(everything, [0.5, 99.5])
    if not high > low:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, 51)
    figure = go.Figure()
    for k, (label, values) in enumerate(groups.items()):
        counts, _ = np.histogram(np.clip(values, low, high), edges)
        figure.add_bar(
            x=(edges[1:] + edges[:-1]) / 2,
            y=counts,
            width=edges[1] - edges[0],
            name=escaped(label),
            marker_color=PALETTE[k % len(PALETTE)],
            hovertemplate="%{x:.3g}: %{y:,}<extra>" + escaped(label) + "</extra>",
        )
    figure.update_layout(barmode="stack", bargap=0, xaxis_title=axis, yaxis_title="crystals", height=320)
    return finished(name, title, figure)


def stacked(
    name: str, title: str, labels: Sequence[str], parts: Mapping[str, Sequence[int]], axis: str, count: str
) -> Chart:
    """Vertical bars of ``parts`` on top of each other at each label."""
    figure = go.Figure()
    for k, (part, counts) in enumerate(parts.items()):
        figure.add_bar(
            x=[escaped(label) for label in labels],
            y=list(counts),
            name=escaped(part),
            marker_color=PALETTE[(2, 1, 3, 4, 5, 6, 7, 0)[k % 8]],
            hovertemplate="%{x}: %{y:,}<extra>" + escaped(part) + "</extra>",
        )
    figure.update_layout(
        barmode="stack", xaxis_title=axis, yaxis_title=count, xaxis_type="category", height=320
    )
    if max(sum(column) for column in zip(*parts.values(), strict=True)) <= 10:
        figure.update_yaxes(dtick=1)
    return finished(name, title, figure)


def curves(name: str, title: str, lines: Mapping[str, Points], axis: str, *, log: bool, wide: bool) -> Chart:
    """Lines over ``axis``: train is thin where it is long, held-out has its points marked."""
    figure = go.Figure()
    for k, (label, line) in enumerate(lines.items()):
        x, y = thinned(*line)
        figure.add_scatter(
            x=x,
            y=y,
            name=escaped(label),
            mode="lines+markers" if len(x) <= 60 else "lines",
            line={"color": PALETTE[(0, 5, 2, 3)[k % 4]], "width": 2},
            marker_size=5,
            hovertemplate="%{x:,}: %{y:.4g}<extra>" + escaped(label) + "</extra>",
        )
    figure.update_layout(xaxis_title=axis, height=360 if wide else 280, hovermode="x unified")
    if log:
        figure.update_yaxes(type="log", dtick=1 if _decades(lines) > 2 else "D2")
    return finished(name, title, figure, wide=wide)


def thinned(x: NDArray[np.float64], y: NDArray[np.float64]) -> Points:
    """The mean of each block of points where there are more than :data:`MOST_POINTS`."""
    block = -(-len(x) // MOST_POINTS)
    if block <= 1:
        return x, y
    starts = np.arange(0, len(x), block)
    sizes = np.diff(np.append(starts, len(x)))
    return np.add.reduceat(x, starts) / sizes, np.add.reduceat(y, starts) / sizes


def _decades(lines: Mapping[str, Points]) -> float:
    values = np.concatenate([y for _, y in lines.values()])
    return float(np.log10(values.max() / values.min()))


def finished(name: str, title: str, figure: go.Figure, *, wide: bool = False) -> Chart:
    """``figure`` as a part of the page, without what it has of its own look."""
    figure.layout.template = go.layout.Template()  # the default template is 7 kB in every chart
    figure.update_layout(
        margin={"l": 64, "r": 16, "t": 12, "b": 48},
        legend={"orientation": "h", "traceorder": "normal", "y": 1.02, "yanchor": "bottom", "x": 0},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
    )
    figure.update_xaxes(automargin=True)
    figure.update_yaxes(automargin=True)
    tree: dict[str, Any] = json.loads(figure.to_json())
    return Chart(name, title, tree, wide)
