"""How good the crystals are, in words: the first section of the page, and the last lines in the terminal."""

import operator
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from hpcvox.experiments.evaluate.summary import Figures
from hpcvox.generation.judging.summary import DRAWN, JudgeSummary, Stage
from hpcvox.relaxation.summary import Column
from hpcvox.report.parts import Section
from hpcvox.report.run import Folder, Run

GOOD, FAIR, POOR = "good", "fair", "poor"


class Measure(NamedTuple):
    """A figure of a run, what it says, and from where on it is good or fair."""

    value: Callable[[Run], float | None]  # None if the step was not run
    says: str  # a sentence with a placeholder for the figure
    good: float
    fair: float  # from here on it is fair; if this is not above ``good``, higher values are better
    beside: str  # published figures
    advice: str  # what helps if the figure is not good

    def grade(self, value: float) -> str:
        """good, fair or poor."""
        reaches = operator.ge if self.fair <= self.good else operator.le
        return GOOD if reaches(value, self.good) else FAIR if reaches(value, self.fair) else POOR


class Said(NamedTuple):
    """The verdict on one figure of a run."""

    grade: str
    words: str
    advice: str


def _rebuilt(of: Callable[[Figures], float | None]) -> Callable[[Run], float | None]:
    """A function that reads a figure of held-out crystals that went through the VAE."""

    def value(run: Run) -> float | None:
        summary = run.evaluation.summary
        return None if summary is None else of(summary.reconstruction)

    return value


def _left(after: Stage, of: Callable[[JudgeSummary], int | None]) -> Callable[[Run], float | None]:
    """A function that computes the share of candidates that remain after a stage of ``judge``."""

    def value(run: Run) -> float | None:
        summary = run.judged.summary
        if summary is None:
            return None
        some, all_ = summary.left(after), of(summary)
        return None if some is None or not all_ else some / all_

    return value


def _bond_change(run: Run) -> float | None:
    summary = run.relaxed.summary
    return None if summary is None else summary.medians.get(Column.BOND_CHANGE)


LONGER: Final = "train the VAE longer, or on more crystals: hpcvox train-vae epochs=N"

MEASURES: Final = (
    Measure(
        _rebuilt(lambda figures: figures.species_right),
        "{:.1%} of the sites of held-out crystals get the right element through the VAE", 0.95, 0.8, "", LONGER,
    ),
    Measure(
        _rebuilt(lambda figures: figures.match_rate),
        "{:.1%} of held-out crystals come out of the VAE as the same structure", 0.85, 0.5,
        "on Perov-5 Court et al. have 51.7 %, CDVAE 97.5 %", LONGER,
    ),
    Measure(
        _rebuilt(lambda figures: figures.emd),
        "their sites are {:.3f} Å from where they should be", 0.1, 0.25, "Court et al. 0.090 Å", LONGER,
    ),
    Measure(
        _left(Stage.PLAUSIBLE, lambda summary: summary.funnel.get(DRAWN)),
        "{:.1%} of the candidates are plausible", 0.8, 0.5, "",
        "draw nearer to crystals that are known: hpcvox generate base=ID, or a sigma below 1; from 1,000 training "
        "crystals on a flow learns where they lie",
    ),
    Measure(
        _left(Stage.NOT_TRAINED_ON, lambda summary: summary.left(Stage.PLAUSIBLE)),
        "{:.1%} of the plausible ones are distinct and not in the training set", 0.3, 0.1, "",
        "draw farther from crystals that are known: hpcvox generate with a larger sigma, or of other deciles",
    ),
    Measure(
        _bond_change,
        "relaxation changes the bonds of half of them by more than {:.1f} %", 8.0, 15.0,
        "5.2 % for the perovskites of Court et al., means of 6 % over all",
        "look at the crystals that move least first (column bond_change_percent of relaxed.csv), and take the relaxed "
        "ones on, not those generated",
    ),
)  # fmt: skip
"""The measures in the order of the steps: a poor early step makes later ones poor, too."""

NEXT: Final[Sequence[tuple[Callable[[Run], Folder[Any]], str]]] = (
    (lambda run: run.relaxed, "relax the best of them by DFT: hpcvox relax source={}/cifs stages=[gpaw]"),
    (lambda run: run.judged, "relax what is left: hpcvox relax source={}/cifs stages=[chgnet]"),
    (lambda run: run.generated, "sort out what is plausible, distinct and new: hpcvox judge generated={}"),
    (lambda run: run.vae, "draw crystals: hpcvox generate vae={}"),
)
"""The next step if every figure is good: the one for the last step that was run."""


def said(run: Run) -> list[Said]:
    """The verdicts on the figures of a run, in the order of its steps."""
    found = []
    for measure in MEASURES:
        if (value := measure.value(run)) is None:
            continue
        words = measure.says.format(value) + (f" ({measure.beside})" if measure.beside else "")
        grade = measure.grade(value)
        found.append(Said(grade, words, "" if grade == GOOD else measure.advice))
    return found


def next_step(run: Run, figures: Sequence[Said]) -> str:
    """What would help most: the advice of the first of the worst figures, or the next step that was not run yet."""
    for grade in (POOR, FAIR):
        if advice := next((one.advice for one in figures if one.grade == grade), ""):
            return advice
    taken = ((text, folder) for of, text in NEXT if not (folder := of(run)).problem)
    return next((text.format(folder.path) for text, folder in taken), "")


def lines(run: Run) -> list[str]:
    """The verdict as lines for the terminal; empty if there is no figure yet."""
    figures = said(run)
    if not figures:
        return []
    told = [f"  {one.grade:<4}  {one.words}" for one in figures]
    return ["how good they are:", *told, f"next: {next_step(run, figures)}"]


def sections(run: Run) -> list[Section]:
    """The verdict as a section of the page; none if there is no figure yet."""
    figures = said(run)
    if not figures:
        return []
    facts = [(one.grade, one.words) for one in figures]
    step = next_step(run, figures)
    notes = [f"Next: {step}."] if step else []
    return [Section("verdict", "How good they are", facts=facts, notes=notes)]
