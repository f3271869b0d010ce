"""Draws a fingerprint beside what a network looks at in it: one row a channel, one column a filter."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from textwrap import shorten
from typing import Final, NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hpcvox.crystals.names import plain
from hpcvox.crystals.record import Crystal
from hpcvox.networks.fingerprint.explanation import Explanation

DIMMEST: Final = 1e-3
"""Share of a fingerprint's brightest pixel at and below which a pixel is black."""

CHANNELS: Final = ("±45° about x", "±45° about y", "±45° about z")

PICTURE: Final = 128 / 150
"""Inches of a tile's edge: at 150 dots an inch each pixel of 64 is two dots wide."""

BELOW: Final = 0.25
"""Inches below the tiles."""

GAP, WIDE_GAP = 0.04, 0.14
"""Share of a tile's edge between two tiles, and between two groups."""

Tile = NDArray[np.float64]
"""(n, n, 3) RGB, 0 to 1, first row at the bottom."""


SCALES: Final = (
    f"fingerprint: logarithm of the intensity, {DIMMEST} (black) to 1; maps: 0 to the highest value of each"
)


class Column(NamedTuple):
    """A column of tiles under its head, in a group of columns."""

    group: str
    head: str
    tiles: Sequence[Tile]


def picture(seen: Explanation, title: str = "") -> Figure:
    """A fingerprint, the maps of the filters, and their sum; each map is as bright as its brightest pixel allows."""
    columns = [Column("fingerprint", "", fingerprint_tiles(seen.fingerprint))]
    for layer in seen.layers:
        columns += [
            Column(f"layer {layer.layer}", f"filter {number}", map_tiles(values))
            for number, values in zip(layer.filters.tolist(), layer.maps, strict=True)
        ]
    columns.append(Column("last layer", "sum of all", map_tiles(seen.template)))
    return _grid(columns, CHANNELS, title)


def classes_picture(rows: Sequence[tuple[str, NDArray[np.float32], NDArray[np.float32]]]) -> Figure:
    """For each class its name, the mean fingerprint of its crystals, and their mean sum of the last layer."""
    prints = [fingerprint_tiles(image) for _, image, _ in rows]
    templates = [map_tiles(template) for _, _, template in rows]
    columns = [
        Column(group, CHANNELS[channel], [tiles[channel] for tiles in of_rows])
        for group, of_rows in (
            ("mean fingerprint", prints),
            ("mean sum of all filters of the last layer", templates),
        )
        for channel in range(len(CHANNELS))
    ]
    return _grid(columns, [name for name, _, _ in rows], "")


def titled(seen: Explanation, crystal: Crystal | None = None) -> str:
    """What is drawn: the crystal, if it is told, and the two classes that the network finds most probable."""
    said = ", ".join(f"{name} {seen.probabilities[name]:.3f}" for name in seen.ranked[:2])
    if crystal is None:
        return said
    return f"{shorten(plain(crystal.id), 60, placeholder='…')}, {crystal.formula}: {said}"


def fingerprint_tiles(image: NDArray[np.float32]) -> list[Tile]:
    """The channels of a fingerprint, (n, n, 3), on a logarithmic scale."""
    shown = 1 - np.log10(np.maximum(image, DIMMEST)) / np.log10(DIMMEST)
    return _coloured(shown, "magma")


def map_tiles(values: NDArray[np.float32]) -> list[Tile]:
    """The channels of a map, (n, n, 3), from 0 to the highest value of all three."""
    return _coloured(np.maximum(values, 0) / max(float(values.max()), np.finfo(np.float32).tiny), "viridis")


def _coloured(shown: NDArray[np.float32], name: str) -> list[Tile]:
    return [np.asarray(colormaps[name](shown[..., channel]))[..., :3] for channel in range(shown.shape[-1])]


def _grid(columns: Sequence[Column], labels: Sequence[str], title: str) -> Figure:
    """Columns of tiles as one image, since axes of their own would take seconds."""
    size = len(columns[0].tiles[0])
    gap, wide = max(1, round(GAP * size)), max(2, round(WIDE_GAP * size))
    lefts = [0]
    for before, after in pairwise(columns):
        lefts.append(lefts[-1] + size + (gap if before.group == after.group else wide))
    tops = [row * (size + gap) for row in range(len(labels))]
    sheet = np.ones((tops[-1] + size, lefts[-1] + size, 3))
    for column, left in zip(columns, lefts, strict=True):
        for tile, top in zip(column.tiles, tops, strict=True):
            sheet[top : top + size, left : left + size] = tile[::-1]
    inch = PICTURE / size
    height, width = sheet.shape[0] * inch, sheet.shape[1] * inch
    # inches; labels by their letters, which are eight points high and about two thirds of that wide
    margin, above = 0.2 + 0.075 * max(map(len, labels)), 0.75 if title else 0.5
    figure = Figure(figsize=(margin + width + 0.1, above + height + BELOW))
    whole = figure.get_size_inches()
    axes = figure.add_axes(
        (margin / whole[0], BELOW / whole[1], width / whole[0], height / whole[1]), frame_on=False
    )
    axes.imshow(sheet, interpolation="nearest", aspect="auto")
    axes.xaxis.tick_top()
    centres = [left + size / 2 for left in lefts]
    axes.set_xticks(centres, [column.head for column in columns])
    axes.set_yticks([top + size / 2 for top in tops], [_literal(label) for label in labels])
    axes.tick_params(labelsize=8, length=0)
    for name, first, last in _groups(columns):
        middle = (centres[first] + centres[last]) / 2
        axes.annotate(
            name,
            (middle, 0),
            (0, 20),
            textcoords="offset points",
            ha="center",
            fontsize=9,
            annotation_clip=False,
        )
    figure.text(margin / whole[0], 1 - 0.08 / whole[1], _literal(title), va="top", fontsize=10)
    figure.text(margin / whole[0], 0.08 / whole[1], SCALES, fontsize=7)
    return figure


def _groups(columns: Sequence[Column]) -> Iterator[tuple[str, int, int]]:
    """The name of each group, and the places of its first and last column."""
    first = 0
    for place, column in enumerate(columns):
        if place + 1 == len(columns) or columns[place + 1].group != column.group:
            yield column.group, first, place
            first = place + 1


def _literal(text: str) -> str:
    """``text`` as matplotlib shows it literally: no formula between dollar signs."""
    return text.replace("$", r"\$")
