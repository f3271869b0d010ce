"""Charts of points: what is predicted over what is true, and maps and distributions of the latent space."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go  # type: ignore[import-untyped]
from numpy.typing import NDArray

from hpcvox.report.charts import MOST_POINTS, PALETTE, Points, escaped, finished
from hpcvox.report.parts import Chart


def parity(name: str, title: str, groups: Mapping[str, Points], axis: str) -> Chart:
    """What is predicted over what is true, one colour a group, beside the line where both are the same.

    Points that fall together are one mark of as large an area; at most :data:`MOST_POINTS` of a group are drawn.
    """
    figure = go.Figure()
    everything = np.concatenate([values for pair in groups.values() for values in pair])
    low, high = float(everything.min()), float(everything.max())
    edge = 0.04 * (high - low) or 0.5
    ends = [low - edge, high + edge]
    line = {"color": "#8a949c", "width": 1, "dash": "dash"}
    figure.add_scatter(x=ends, y=ends, mode="lines", line=line, showlegend=False, hoverinfo="skip")
    for k, (label, (true, predicted)) in enumerate(groups.items()):
        points, counts = np.unique(np.stack([true, predicted], axis=1), axis=0, return_counts=True)
        chosen = np.unique(np.linspace(0, len(points) - 1, min(len(points), MOST_POINTS)).astype(int))
        sizes = np.minimum(5 * np.sqrt(counts[chosen]), 36)
        figure.add_scatter(
            x=points[chosen, 0],
            y=points[chosen, 1],
            customdata=counts[chosen],
            name=escaped(label),
            mode="markers",
            marker={"color": PALETTE[(0, 5, 2, 3)[k % 4]], "size": sizes, "opacity": 0.6},
            hovertemplate="%{x:.4g} → %{y:.4g} (%{customdata:,})<extra>" + escaped(label) + "</extra>",
        )
    figure.update_layout(xaxis_title=f"{axis}, true", yaxis_title=f"{axis}, predicted", height=400)
    figure.update_xaxes(range=ends, constrain="domain")
    figure.update_yaxes(range=ends, scaleanchor="x", constrain="domain")
    return finished(name, title, figure)


def densities(
    name: str,
    title: str,
    x: NDArray[np.float64],
    lines: Sequence[NDArray[np.float64]],
    normal: NDArray[np.float64],
    axis: str,
) -> Chart:
    """Thin lines, all alike, behind the normal density."""
    figure = go.Figure()
    for k, y in enumerate(lines):
        figure.add_scatter(
            x=_short(x),
            y=_short(y),
            mode="lines",
            name="dimensions",
            showlegend=k == 0,
            hoverinfo="skip",
            line={"color": PALETTE[0], "width": 1},
            opacity=0.35,
        )
    line = {"color": PALETTE[5], "width": 3, "dash": "dash"}
    figure.add_scatter(
        x=_short(x), y=_short(normal), mode="lines", name="N(0, 1)", line=line, hoverinfo="skip"
    )
    figure.update_layout(xaxis_title=axis, yaxis_title="density", height=320)
    return finished(name, title, figure, wide=True)


def classes(
    name: str,
    title: str,
    place: NDArray[np.floating],
    groups: Mapping[str, NDArray[np.int64]],
    texts: Sequence[str],
) -> Chart:
    """A map of points (N, 2), one colour for each group of them; ``texts`` say what each point is."""
    figure = go.Figure()
    for k, (label, rows) in enumerate(groups.items()):
        figure.add_scatter(
            x=_short(place[rows, 0]),
            y=_short(place[rows, 1]),
            text=[escaped(texts[row]) for row in rows],
            name=escaped(label),
            mode="markers",
            marker={"color": PALETTE[k % len(PALETTE)], "size": 5, "opacity": 0.75},
            hovertemplate="%{text}<extra>" + escaped(label) + "</extra>",
        )
    return _map(name, title, figure)


def coloured(
    name: str,
    title: str,
    place: NDArray[np.floating],
    values: NDArray[np.float64],
    label: str,
    texts: Sequence[str],
) -> Chart:
    """A map of points (N, 2), each in the colour of its value; the outermost hundredths share theirs."""
    low, high = np.percentile(values, [1, 99])
    marker = {
        "color": _short(values),
        "colorscale": "Viridis",
        "cmin": low,
        "cmax": high,
        "colorbar": {"title": {"text": escaped(label)}, "thickness": 12},
        "size": 5,
        "opacity": 0.85,
    }
    figure = go.Figure()
    figure.add_scatter(
        x=_short(place[:, 0]),
        y=_short(place[:, 1]),
        text=[escaped(text) for text in texts],
        mode="markers",
        showlegend=False,
        marker=marker,
        hovertemplate="%{text}: %{marker.color:.3g}<extra></extra>",
    )
    return _map(name, title, figure)


def _map(name: str, title: str, figure: go.Figure) -> Chart:
    """Axes of a map: who is near whom is all that it says."""
    figure.update_layout(height=480)
    figure.update_xaxes(showticklabels=False, zeroline=False)
    figure.update_yaxes(showticklabels=False, zeroline=False)
    return finished(name, title, figure)


def _short(values: NDArray[np.floating]) -> NDArray[np.float32]:
    """Half the bytes in the page, and enough for the eye."""
    return values.astype(np.float32)
