"""The page of a repetition, drawn from its summary: sections of the report's parts, charts with every single draw."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from hpcvox.report.drawing.chart import Axis, Chart, Gallery, Line, Mark, Points
from hpcvox.report.parts import Section, Table, TableCell, table
from hpcvox.reproduction import drawn, told
from hpcvox.reproduction.summary import Made, ReproductionSummary, Row
from hpcvox.safe_page import PALETTE

BADGES: Final = {True: "good", False: "poor", None: "fair"}

HEIGHT: Final = 340

MOST: Final = 40
"""Rows of a table that the page shows without a click."""


def sections(
    summary: ReproductionSummary, galleries: Mapping[str, Sequence[Gallery]] | None = None
) -> list[Section]:
    """The sections of the page in their order.

    Args:
        galleries: what an experiment shows beside its numbers, by its name.
    """
    first = Section(
        "about",
        "What this is",
        intro=f"The experiments of {summary.title}, repeated by hpcvox {summary.hpcvox} at the size "
        f"{summary.size}. A value of ours is the mean over the draws with its standard deviation (N - 1).",
        commands=[summary.command],
        facts=list(summary.facts.items()),
        tables=[
            table(
                "What is measured",
                ["quantity", "what it is"],
                [[TableCell(name), TableCell(about)] for name, about in summary.quantities.items()],
            )
        ],
    )
    reduced = table(
        "What is less than in the paper, or another",
        ["what", "here", "paper", "what it costs"],
        [[TableCell(text) for text in (one.what, one.here, one.paper, one.costs)] for one in summary.reduced],
    )
    last = Section("reduced", "What differs from the paper", tables=[reduced])
    return [first, *(_section(one, (galleries or {}).get(one.name, ())) for one in summary.experiments), last]


def _section(made: Made, galleries: Sequence[Gallery]) -> Section:
    return Section(
        made.name,
        made.title,
        intro=made.about,
        facts=[
            *_named("takes results of", made.needs),
            *_named("makes", made.makes),
            *_better(made),
            *_cost(made),
        ],
        charts=[*charts(made), *map(drawn.chart, made.figures)],
        galleries=[*galleries, *map(drawn.gallery, made.pictures)],
        widget=drawn.widget(made.crystals),
        tables=[*_values(made), *_claims(made)],
    )


def _named(name: str, parts: Sequence[str]) -> list[tuple[str, str]]:
    return [(name, "; ".join(parts))] if parts else []


def _better(made: Made) -> list[tuple[str, str]]:
    return _named("better is", told.better(made))


def _cost(made: Made) -> list[tuple[str, str]]:
    if not made.steps:
        return []
    return [("steps", f"{made.steps:,}"), ("work", f"{made.seconds / 60:.1f} minutes")]


def _values(made: Made) -> list[Table]:
    if not made.rows:
        return []
    rows = [[TableCell(text) for text in told.cells(row, made)] for row in made.rows]
    note = "A picture alone: the paper shows the value as a point of a figure, without a number."
    return [table(f"{made.title}: values", told.heads(made), rows, note=note, folded=len(rows) > MOST)]


def _claims(made: Made) -> list[Table]:
    if not made.claims:
        return []
    rows = [
        [
            TableCell(one.statement),
            TableCell(told.verdict(one), badge=BADGES[one.holds]),
            *map(TableCell, (one.evidence, one.rule, one.where)),
        ]
        for one in made.claims
    ]
    return [table("Claims", ["claim", "here", "our values", "it holds if", "where in the paper"], rows)]


def charts(made: Made) -> list[Chart]:
    """A chart of each quantity over the experiment's axis: a line of the means, a dot of each draw."""
    quantities = dict.fromkeys(row.quantity for row in made.rows if row.values and row.at is not None)
    return [
        _chart(made, quantity, [row for row in made.rows if row.quantity == quantity and row.values], number)
        for number, quantity in enumerate(quantities)
    ]


def _chart(made: Made, quantity: str, rows: Sequence[Row], number: int) -> Chart:
    marks: list[Mark] = []
    for k, method in enumerate(dict.fromkeys(row.method for row in rows)):
        own = sorted((row for row in rows if row.method == method), key=lambda row: row.at or 0)
        colour = PALETTE[k % len(PALETTE)]
        at = np.array([row.at for row in own], np.float64)
        marks.append(Line(at, np.array([row.mean for row in own]), colour, method, dots=True))
        singles = [(row.at or 0, value) for row in own for value in row.values if len(row.values) > 1]
        if singles:
            x, y = np.array(singles, np.float64).T
            marks.append(Points(x, y, colour, sizes=4, opacity=0.45, texts=[f"{method}, a draw"] * len(x)))
    theirs = [row for row in rows if row.paper is not None and row.at is not None]
    if theirs:
        x, y = np.array([(row.at, row.paper) for row in theirs], np.float64).T
        texts = [f"the paper, {row.method}" for row in theirs]
        marks.append(Points(x, y, PALETTE[7], "the paper", sizes=10, texts=texts))
    unit = rows[0].unit
    measured = f"{quantity} ({unit})" if unit else quantity
    title = measured[0].upper() + measured[1:]
    if rows[0].better != "neither":
        title += f", {rows[0].better} is better"
    across = Axis(made.axes.get(quantity, made.axis))
    return Chart(f"{made.name}-{number}", title, marks, across, Axis(measured), HEIGHT)
