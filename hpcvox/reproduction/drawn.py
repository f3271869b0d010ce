"""Figures, pictures and crystals of an experiment, from its summary, as the parts of the page."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from matplotlib.figure import Figure as Drawing
from numpy.typing import NDArray

from hpcvox.report.drawing import crystals, figures, on_paper
from hpcvox.report.drawing.chart import Axis, Bars, Chart, Gallery, Line, Mark, Points
from hpcvox.report.drawing.chart import Row as GalleryRow
from hpcvox.report.parts import CrystalsToTurn, Section
from hpcvox.reproduction.summary import Figure, Marks, Pictures
from hpcvox.safe_page import PALETTE

HEIGHT: Final = 340
HIGHEST: Final = 255
"""The last colour of a picture."""


def chart(figure: Figure) -> Chart:
    """The chart of a figure; marks with a name have colours of their own."""
    names = list(dict.fromkeys(marks.name for marks in figure.marks if marks.name))
    named = any(isinstance(at, str) for marks in figure.marks for at in marks.x)
    marks = [_mark(one, names, alone=len(figure.marks) == 1) for one in figure.marks]
    across = Axis(figure.x, names=named)
    return Chart(figure.name, figure.title, marks, across, Axis(figure.y), HEIGHT, equal=figure.equal)


def _mark(marks: Marks, names: Sequence[str], alone: bool) -> Mark:
    colour = PALETTE[names.index(marks.name) % len(PALETTE)] if marks.name else PALETTE[0 if alone else 7]
    y = np.array(marks.y, np.float64)
    if marks.kind == "bars":
        places = [str(at) for at in marks.x] if marks.x and isinstance(marks.x[0], str) else np.array(marks.x)
        width = None if isinstance(places, list) else _width(places)
        return Bars(marks.name, places, y, colour, width)
    x = np.array(marks.x, np.float64)
    if marks.kind == "line":
        return Line(x, y, colour, marks.name, width=2 if marks.name else 1, opacity=1 if marks.name else 0.35)
    return Points(x, y, colour, marks.name, sizes=5, opacity=0.6, texts=marks.texts or [marks.name] * len(x))


def _width(places: NDArray[np.float64]) -> float | None:
    """The distance of bars at numbers."""
    return float(np.diff(np.sort(places)).min()) if len(places) > 1 else None


def gallery(given: Pictures) -> Gallery:
    """A gallery of pictures."""
    rows = [
        GalleryRow(row.label, 0.0, HIGHEST, [np.array(one, np.float32) for one in row.pictures])
        for row in given.rows
    ]
    return Gallery(given.name, given.title, given.heads, rows)


def widget(cifs: Mapping[str, str]) -> CrystalsToTurn | None:
    """Crystals to turn; None if there are none."""
    scenes = [crystals.scene(text.encode(), name) for name, text in cifs.items()]
    return CrystalsToTurn(scenes, crystals.looks(scenes)) if scenes else None


def pictures(sections: Sequence[Section]) -> Iterator[tuple[str, Drawing]]:
    """All charts, galleries and crystals of the page as pictures for a paper, each with its name."""
    for section in sections:
        for each in section.charts:
            yield each.name, on_paper.picture(each)
        for rows in section.galleries:
            yield rows.name, on_paper.gallery(rows)
        if isinstance(section.widget, CrystalsToTurn):
            yield f"{section.name}-crystals", figures.row_of(section.widget.crystals)
