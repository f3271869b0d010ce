"""Whether the crystals are any good, in words, and what would help most: for the page, and for the terminal."""

import operator
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from hpcvox.experiments.evaluate.summary import Figures
from hpcvox.generation.judging.summary import DRAWN, JudgeSummary, Stage
from hpcvox.relaxation.summary import Column
from hpcvox.report.advice import (
    Advice,
    draw_farther,
    draw_nearer,
    go_nearer_the_hull,
    go_on,
    take_the_relaxed,
    train_longer,
)
from hpcvox.report.parts import Section, TableCell, shown, table
from hpcvox.report.run import Run
from hpcvox.terminal import counted

GOOD, FAIR, POOR = "good", "fair", "poor"

FEW: Final = 30
"""Crystals below which a share may be off by a tenth or two by chance."""


class Figure(NamedTuple):
    """A figure, and how many crystals it is of."""

    value: float
    of: int | None


class Measure(NamedTuple):
    """A figure of a run, what it says, and from where on it is good or fair."""

    figure: Callable[[Run], Figure | None]  # None if the step was not run
    says: str  # a sentence with placeholders for the figure and the number of crystals
    good: float
    fair: float  # from here on it is fair; if this is not above ``good``, higher values are better
    limit: str  # good, in words
    beside: str  # published figures
    advice: Callable[[Run], Advice]  # what helps if the figure is not good

    def grade(self, value: float) -> str:
        """good, fair or poor."""
        reaches = operator.ge if self.fair <= self.good else operator.le
        return GOOD if reaches(value, self.good) else FAIR if reaches(value, self.fair) else POOR


class Said(NamedTuple):
    """The verdict on one figure of a run."""

    grade: str
    words: str
    limit: str
    beside: str
    advice: Callable[[Run], Advice]
    few: bool
    """Whether it is of so few crystals that it may be far off by chance."""


def _rebuilt(of: Callable[[Figures], float | None]) -> Callable[[Run], Figure | None]:
    """A function that reads a figure of held-out crystals that went through the VAE."""

    def figure(run: Run) -> Figure | None:
        summary = run.evaluation.summary
        value = None if summary is None else of(summary.reconstruction)
        return None if summary is None or value is None else Figure(value, summary.held_out_crystals)

    return figure


def _left(after: Stage, of: Callable[[JudgeSummary], int | None]) -> Callable[[Run], Figure | None]:
    """A function that computes the share of candidates that remain after a stage of ``judge``."""

    def figure(run: Run) -> Figure | None:
        summary = run.judged.summary
        if summary is None:
            return None
        some, all_ = summary.left(after), of(summary)
        return None if some is None or not all_ else Figure(some / all_, all_)

    return figure


def _bond_change(run: Run) -> Figure | None:
    summary = run.relaxed.summary
    value = None if summary is None else summary.medians.get(Column.BOND_CHANGE)
    return None if summary is None or value is None else Figure(value, summary.relaxed)


def _near_the_hull(run: Run) -> Figure | None:
    summary = run.hull.summary
    if summary is None or not summary.placed:
        return None
    return Figure(summary.metastable.count / summary.placed, summary.placed)


MEASURES: Final = (
    Measure(
        _rebuilt(lambda figures: figures.species_right),
        "{:.1%} of the sites of{} held-out crystals get the right element through the VAE",
        0.95, 0.8, "95 % or more", "", train_longer,
    ),
    Measure(
        _rebuilt(lambda figures: figures.match_rate),
        "{:.1%} of{} held-out crystals come out of the VAE as the same structure",
        0.85, 0.5, "85 % or more", "on Perov-5 Court et al. have 51.7 %, CDVAE 97.5 %", train_longer,
    ),
    Measure(
        _rebuilt(lambda figures: figures.emd),
        "the sites of{1} held-out crystals are {0:.3f} Å from where they should be",
        0.1, 0.25, "0.1 Å or less", "Court et al. 0.090 Å", train_longer,
    ),
    Measure(
        _left(Stage.PLAUSIBLE, lambda summary: summary.funnel.get(DRAWN)),
        "{:.1%} of{} candidates are plausible", 0.8, 0.5, "80 % or more", "", draw_nearer,
    ),
    Measure(
        _left(Stage.NOT_TRAINED_ON, lambda summary: summary.left(Stage.PLAUSIBLE)),
        "{:.1%} of{} plausible ones are distinct and not in the training set",
        0.3, 0.1, "30 % or more", "", draw_farther,
    ),
    Measure(
        _bond_change,
        "relaxation changes the bonds of half of{1} crystals by more than {0:.1f} %",
        8.0, 15.0, "8 % or less", "5.2 % for the perovskites of Court et al., means of 6 % over all", take_the_relaxed,
    ),
    Measure(
        _near_the_hull,
        "{:.1%} of{} relaxed crystals are stable or metastable",
        0.4, 0.2, "40 % or more", "of all that were drawn, MatterGen has 42 %, CDVAE 19 %, by DFT", go_nearer_the_hull,
    ),
)  # fmt: skip
"""The measures in the order of the steps: a poor early step makes later ones poor, too."""


def said(run: Run) -> list[Said]:
    """The verdicts on the figures of a run, in the order of its steps."""
    found = []
    for measure in MEASURES:
        if (figure := measure.figure(run)) is None:
            continue
        words = measure.says.format(figure.value, " the" if figure.of is None else f" {shown(figure.of)}")
        few = figure.of is not None and figure.of < FEW
        found.append(
            Said(measure.grade(figure.value), words, measure.limit, measure.beside, measure.advice, few)
        )
    return found


def overall(figures: Sequence[Said]) -> str:
    """All figures in one sentence."""
    poor, fair = (sum(one.grade == grade for one in figures) for grade in (POOR, FAIR))
    are = "is" if len(figures) == 1 else "are"
    if not poor + fair:
        return f"yes: {'the figure' if len(figures) == 1 else f'all {len(figures)} figures'} {are} good"
    parts = [
        f"{count} {'is' if count == 1 else 'are'} {grade}"
        for count, grade in ((poor, POOR), (fair, FAIR))
        if count
    ]
    return f"{'not yet' if poor else 'nearly'}: of {counted(len(figures), 'figure')} {' and '.join(parts)}"


def next_step(run: Run, figures: Sequence[Said]) -> Advice | None:
    """What would help most: the advice of the first of the worst figures, or the next step that was not run yet."""
    for grade in (POOR, FAIR):
        if advice := next((one.advice for one in figures if one.grade == grade), None):
            return advice(run)
    return go_on(run)


def lines(run: Run) -> list[str]:
    """The verdict as lines for the terminal; empty if there is no figure yet."""
    figures = said(run)
    if not figures:
        return []
    told = []
    for one in figures:
        few = "few crystals: by chance it may be far off" if one.few else ""
        beside = "; ".join(filter(None, [f"good: {one.limit}", one.beside, few]))
        told.append(f"  {one.grade:<4}  {one.words} ({beside})")
    return [f"are they any good? {overall(figures)}", *told, f"next: {next_step(run, figures)}"]


def sections(run: Run) -> list[Section]:
    """The verdict and what next, as sections of the page; no verdict if there is no figure yet."""
    figures = said(run)
    made = []
    if figures:
        rows = [
            [TableCell(one.grade.upper(), badge=one.grade), one.words, one.limit, one.beside or "–"]
            for one in figures
        ]
        whole = overall(figures)
        intro = f"{whole[0].upper()}{whole[1:]}."
        columns = ["", "what was found", "good is", "published"]
        few = f"A figure of fewer than {FEW} crystals may be far off by chance."
        note = few if any(one.few for one in figures) else ""
        tables = [table("Figures and their limits", columns, rows, note=note)]
        made.append(Section("verdict", "Is it any good?", intro=intro, tables=tables))
    step = next_step(run, figures)
    if step is not None:
        words = f"{step.words[0].upper()}{step.words[1:]}" + (":" if step.command else ".")
        made.append(
            Section("next", "What next", intro=words, commands=[step.command] if step.command else [])
        )
    return made
