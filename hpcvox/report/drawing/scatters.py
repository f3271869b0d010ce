"""Charts of points: predicted over true values, and maps and distributions of the latent space."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hpcvox.report.drawing.chart import Axis, Chart, Line, Mark, Points, Scale
from hpcvox.report.drawing.charts import MOST_POINTS, Curve
from hpcvox.safe_page import PALETTE


def parity(name: str, title: str, groups: Mapping[str, Curve], axis: str) -> Chart:
    """Predicted over true values, with one colour for each group, and the line on which both are equal.

    Points at the same place become one mark with the same total area; at most :data:`MOST_POINTS` of a group are drawn.
    """
    limits = _limits(groups.values())
    marks: list[Mark] = [_diagonal(limits)]
    for k, (label, (true, predicted)) in enumerate(groups.items()):
        points, counts = np.unique(np.stack([true, predicted], axis=1), axis=0, return_counts=True)
        chosen = _spread(len(points))
        counts = counts[chosen]
        sizes = np.minimum(7 * np.sqrt(counts), 36)
        x, y = points[chosen, 0], points[chosen, 1]
        marks.append(Points(x, y, PALETTE[(0, 5, 2, 3)[k % 4]], label, sizes, 0.6, counts=counts))
    x_axis, y_axis = (Axis(f"{axis}, {which}", limits=limits) for which in ("true", "predicted"))
    return Chart(name, title, marks, x_axis, y_axis, 400, equal=True)


def agreement(
    name: str,
    title: str,
    groups: Mapping[str, Curve],
    texts: Mapping[str, Sequence[str]],
    axes: tuple[str, str],
) -> Chart:
    """One figure of crystals over another of the same kind, and the line on which both are equal.

    At most :data:`MOST_POINTS` of a group are drawn.

    Args:
        groups: both figures of each crystal, (n,) each, by what the crystals are.
        texts: what each crystal is, of the same groups.
        axes: the titles of both figures.
    """
    limits = _limits(groups.values())
    marks: list[Mark] = [_diagonal(limits)]
    for k, (label, (x, y)) in enumerate(groups.items()):
        chosen = _spread(len(x))
        said = [texts[label][one] for one in chosen]
        marks.append(Points(x[chosen], y[chosen], PALETTE[k % len(PALETTE)], label, 7, 0.75, said))
    across, up = (Axis(axis, limits=limits) for axis in axes)
    return Chart(name, title, marks, across, up, 400, equal=True)


def _limits(pairs: Iterable[Curve]) -> tuple[float, float]:
    """From the lowest to the highest of all values, and a little beyond."""
    everything = np.concatenate([values for pair in pairs for values in pair])
    low, high = float(everything.min()), float(everything.max())
    edge = 0.04 * (high - low) or 0.5
    return low - edge, high + edge


def _diagonal(limits: tuple[float, float]) -> Line:
    ends = np.array(limits)
    return Line(ends, ends, "#8a949c", width=1, dashed=True, tells=False)


def _spread(count: int) -> NDArray[np.int64]:
    """The numbers of at most :data:`MOST_POINTS` of so many points, evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(count, MOST_POINTS)).astype(np.int64))


def densities(
    name: str,
    title: str,
    x: NDArray[np.float64],
    lines: Sequence[NDArray[np.float64]],
    normal: NDArray[np.float64],
    axis: str,
) -> Chart:
    """Thin lines, all alike, behind the normal density."""
    x_short = _short(x)
    marks = [
        Line(x_short, _short(y), PALETTE[0], "" if k else "dimensions", width=1, opacity=0.35, tells=False)
        for k, y in enumerate(lines)
    ]
    marks.append(Line(x_short, _short(normal), PALETTE[5], "N(0, 1)", width=3, dashed=True, tells=False))
    return Chart(name, title, marks, Axis(axis), Axis("density"), 320, wide=True)


def classes(
    name: str,
    title: str,
    place: NDArray[np.floating],
    groups: Mapping[str, NDArray[np.int64]],
    texts: Sequence[str],
) -> Chart:
    """A map of points (N, 2), one colour for each group of them; ``texts`` say what each point is."""
    marks = []
    for k, (label, rows) in enumerate(groups.items()):
        x, y = _short(place[rows, 0]), _short(place[rows, 1])
        said = [texts[row] for row in rows]
        marks.append(Points(x, y, PALETTE[k % len(PALETTE)], label, opacity=0.75, texts=said))
    return _map(name, title, marks)


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
    scale = Scale(_short(values), float(low), float(high), label)
    points = Points(_short(place[:, 0]), _short(place[:, 1]), scale, opacity=0.85, texts=texts)
    return _map(name, title, [points])


def _map(name: str, title: str, marks: Sequence[Mark]) -> Chart:
    """A map without ticks on its axes, because only neighbourhoods have a meaning."""
    return Chart(name, title, marks, Axis(ticks=False), Axis(ticks=False), 480)


def _short(values: NDArray[np.floating]) -> NDArray[np.float32]:
    """Values as float32, which takes half the bytes in the page and is exact enough to look at."""
    return values.astype(np.float32)
