"""Charts of counts and of measures over time."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hpcvox.report.drawing.chart import Axis, Bars, Chart, Line, LyingBars
from hpcvox.safe_page import PALETTE

MOST_POINTS: Final = 1500
"""Longer curves are averaged over blocks, so that the page stays small."""

MOST_BARS: Final = 15

FEW: Final = 10
"""Up to so many an axis of counts has each number."""

Curve = tuple[NDArray[np.float64], NDArray[np.float64]]
"""x and y of points, (N,) each."""


def bars(name: str, title: str, counts: Mapping[str, int], axis: str) -> Chart:
    """Horizontal bars, the first one lowest, of as many the later one higher."""
    order = sorted(counts.items(), key=lambda item: item[1])
    mark = LyingBars([label for label, _ in order], [count for _, count in order], PALETTE[0])
    height = max(180, 90 + 30 * len(order))
    return Chart(name, title, [mark], _counts(axis, max(counts.values())), Axis(names=True), height)


def commonest(name: str, title: str, counts: Mapping[str, int], axis: str) -> Chart:
    """Bars of the :data:`MOST_BARS` most frequent, largest on top, and of all others together."""
    order = sorted(counts.items(), key=lambda item: -item[1])
    rest = sum(count for _, count in order[MOST_BARS:])
    shown = [*order[:MOST_BARS], *([(f"{len(order) - MOST_BARS} others", rest)] if rest else [])]
    mark = LyingBars(
        [name for name, _ in reversed(shown)], [count for _, count in reversed(shown)], PALETTE[0]
    )
    highest = max(count for _, count in shown)
    return Chart(name, title, [mark], _counts(axis, highest), Axis(names=True), 90 + 30 * len(shown))


def histogram(name: str, title: str, groups: Mapping[str, NDArray[np.float64]], axis: str) -> Chart:
    """A stacked histogram, one colour a group, binned here so that a large database stays a small page."""
    everything = np.concatenate(list(groups.values()))
    low, high = np.percentile(everything, [0.5, 99.5])
    if not high > low:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, 51)
    middles, width = (edges[1:] + edges[:-1]) / 2, float(edges[1] - edges[0])
    marks = []
    highest = np.zeros(len(middles), np.int64)
    for k, (label, values) in enumerate(groups.items()):
        counts, _ = np.histogram(np.clip(values, low, high), edges)
        marks.append(Bars(label, middles, counts, PALETTE[k % len(PALETTE)], width))
        highest += counts
    return Chart(name, title, marks, Axis(axis), _counts("crystals", int(highest.max())), 320)


def _counts(title: str, highest: int) -> Axis:
    """An axis of counts: there is no half crystal."""
    return Axis(title, step=1 if highest <= FEW else None)


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
    highest = max(sum(column) for column in zip(*parts.values(), strict=True))
    return Chart(name, title, marks, Axis(axis, names=True), _counts(count, highest), 320)


def curves(name: str, title: str, lines: Mapping[str, Curve], axis: str, *, log: bool, wide: bool) -> Chart:
    """Lines over ``axis``; the points of short ones are marked."""
    marks = []
    for k, (label, line) in enumerate(lines.items()):
        x, y = thinned(*line)
        marks.append(Line(x, y, PALETTE[(0, 5, 2, 3)[k % 4]], label, dots=len(x) <= 60))
    values = Axis(log=log, marks=_marks(lines) if log else ())
    return Chart(name, title, marks, Axis(axis), values, 360 if wide else 280, wide)


def thinned(x: NDArray[np.float64], y: NDArray[np.float64]) -> Curve:
    """The mean of each block of points where there are more than :data:`MOST_POINTS`."""
    block = -(-len(x) // MOST_POINTS)
    if block <= 1:
        return x, y
    starts = np.arange(0, len(x), block)
    sizes = np.diff(np.append(starts, len(x)))
    return np.add.reduceat(x, starts) / sizes, np.add.reduceat(y, starts) / sizes


def _marks(lines: Mapping[str, Curve]) -> list[float]:
    """Places of numbers on a logarithmic axis: 1, 2, 5, 10 and so on, or powers of ten where there are many."""
    values = np.concatenate([y for _, y in lines.values()])
    low, high = np.log10(values.min()), np.log10(values.max())
    steps = (1,) if high - low > 3 else (1, 2, 5)
    decades = range(int(np.floor(low)), int(np.ceil(high)) + 1)
    places = [float(f"{step}e{decade}") for decade in decades for step in steps]
    return [place for place in places if low - 0.15 <= np.log10(place) <= high + 0.15]
