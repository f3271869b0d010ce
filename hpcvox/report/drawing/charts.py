"""Charts of counts and of measures over time."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hpcvox.report.drawing.chart import PALETTE, Axis, Bars, Chart, Line, LyingBars

MOST_POINTS: Final = 1500
"""Longer curves are averaged over blocks, so that the page stays small."""

Curve = tuple[NDArray[np.float64], NDArray[np.float64]]
"""x and y of points, (N,) each."""


def bars(name: str, title: str, counts: Mapping[str, int], axis: str) -> Chart:
    """Horizontal bars, largest on top."""
    order = sorted(counts.items(), key=lambda item: item[1])
    mark = LyingBars([label for label, _ in order], [count for _, count in order], PALETTE[0])
    height = max(180, 90 + 30 * len(order))
    return Chart(name, title, [mark], Axis(axis), Axis(names=True), height)


def histogram(name: str, title: str, groups: Mapping[str, NDArray[np.float64]], axis: str) -> Chart:
    """A stacked histogram, one colour a group, binned here so that a large database stays a small page."""
    everything = np.concatenate(list(groups.values()))
    low, high = np.percentile(everything, [0.5, 99.5])
    if not high > low:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, 51)
    middles, width = (edges[1:] + edges[:-1]) / 2, float(edges[1] - edges[0])
    marks = []
    for k, (label, values) in enumerate(groups.items()):
        counts, _ = np.histogram(np.clip(values, low, high), edges)
        marks.append(Bars(label, middles, counts, PALETTE[k % len(PALETTE)], width))
    return Chart(name, title, marks, Axis(axis), Axis("crystals"), 320)


def histograms(name: str, axis: str, groups: Mapping[str, NDArray[np.float64]]) -> list[Chart]:
    """A :func:`histogram` of the groups that have values, titled as its axis; none where there are none."""
    filled = {label: values for label, values in groups.items() if len(values)}
    return [histogram(name, axis[0].upper() + axis[1:], filled, axis)] if filled else []


def stacked(
    name: str, title: str, labels: Sequence[str], parts: Mapping[str, Sequence[int]], axis: str, count: str
) -> Chart:
    """Vertical bars of ``parts`` on top of each other at each label."""
    marks = [
        Bars(part, labels, counts, PALETTE[(2, 1, 3, 4, 5, 6, 7, 0)[k % 8]])
        for k, (part, counts) in enumerate(parts.items())
    ]
    few = max(sum(column) for column in zip(*parts.values(), strict=True)) <= 10
    return Chart(name, title, marks, Axis(axis, names=True), Axis(count, step=1 if few else None), 320)


def curves(name: str, title: str, lines: Mapping[str, Curve], axis: str, *, log: bool, wide: bool) -> Chart:
    """Lines over ``axis``; the points of short ones are marked."""
    marks = []
    for k, (label, line) in enumerate(lines.items()):
        x, y = thinned(*line)
        marks.append(Line(x, y, PALETTE[(0, 5, 2, 3)[k % 4]], label, dots=len(x) <= 60))
    step = (1 if _decades(lines) > 2 else "D2") if log else None
    return Chart(name, title, marks, Axis(axis), Axis(log=log, step=step), 360 if wide else 280, wide)


def thinned(x: NDArray[np.float64], y: NDArray[np.float64]) -> Curve:
    """The mean of each block of points where there are more than :data:`MOST_POINTS`."""
    block = -(-len(x) // MOST_POINTS)
    if block <= 1:
        return x, y
    starts = np.arange(0, len(x), block)
    sizes = np.diff(np.append(starts, len(x)))
    return np.add.reduceat(x, starts) / sizes, np.add.reduceat(y, starts) / sizes


def _decades(lines: Mapping[str, Curve]) -> float:
    values = np.concatenate([y for _, y in lines.values()])
    return float(np.log10(values.max() / values.min()))
