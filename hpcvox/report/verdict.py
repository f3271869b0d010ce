"""How good the crystals are, in words: the first section of the page, and the last lines in the terminal."""

import operator
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from hpcvox.report.parts import Section
from hpcvox.report.reading import Folder, number

GOOD, FAIR, POOR = "good", "fair", "poor"


class Measure(NamedTuple):
    """A figure of a run, what it says, and from where on it is good or fair."""

    verb: str
    value: Callable[[Folder], float | None]
    says: str  # what the figure means; has one place for it
    good: float
    fair: float  # where it is not above good, higher is better
    beside: str  # published figures
    advice: str  # what helps where it is not good

    def grade(self, value: float) -> str:
        """good, fair or poor."""
        reaches = operator.ge if self.fair <= self.good else operator.le
        return GOOD if reaches(value, self.good) else FAIR if reaches(value, self.fair) else POOR


class Said(NamedTuple):
    """What one figure of a run says."""

    grade: str
    words: str
    advice: str


def _fact(key: str) -> Callable[[Folder], float | None]:
    return lambda folder: number(folder.facts.get(key))


def _share(part: str, whole: str) -> Callable[[Folder], float | None]:
    """One number of a funnel over another."""

    def share(folder: Folder) -> float | None:
        some, all_ = (number(folder.facts.get(f"funnel.{key}")) for key in (part, whole))
        return None if some is None or not all_ else some / all_

    return share


LONGER: Final = "train the VAE longer, or on more crystals: hpcvox train-vae epochs=N"

MEASURES: Final = (
    Measure(
        "evaluate", _fact("reconstruction.species_right"),
        "{:.1%} of the sites of held-out crystals get the right element through the VAE", 0.95, 0.8, "", LONGER,
    ),
    Measure(
        "evaluate", _fact("reconstruction.match_rate"),
        "{:.1%} of held-out crystals come out of the VAE as the same structure", 0.85, 0.5,
        "on Perov-5 Court et al. have 51.7 %, CDVAE 97.5 %", LONGER,
    ),
    Measure(
        "evaluate", _fact("reconstruction.emd"),
        "their sites are {:.3f} Å from where they should be", 0.1, 0.25, "Court et al. 0.090 Å", LONGER,
    ),
    Measure(
        "judge", _share("plausible", "drawn"), "{:.1%} of the candidates are plausible", 0.8, 0.5, "",
        "draw nearer to crystals that are known: hpcvox generate base=ID, or a sigma below 1; from 1,000 training "
        "crystals on a flow learns where they lie",
    ),
    Measure(
        "judge", _share("not in the training set", "plausible"),
        "{:.1%} of the plausible ones are distinct and not in the training set", 0.3, 0.1, "",
        "draw farther from crystals that are known: hpcvox generate with a larger sigma, or of other deciles",
    ),
    Measure(
        "relax", _fact("medians.bond_change_percent"),
        "relaxation changes the bonds of half of them by more than {:.1f} %", 8.0, 15.0,
        "5.2 % for the perovskites of Court et al., means of 6 % over all",
        "look at the crystals that move least first (column bond_change_percent of relaxed.csv), and take the relaxed "
        "ones on, not those generated",
    ),
)  # fmt: skip
"""In the order of the steps: what spoils an early one spoils those after it."""

NEXT: Final = (
    ("relax", "relax the best of them by DFT: hpcvox relax source={}/cifs stages=[gpaw]"),
    ("judge", "relax what is left: hpcvox relax source={}/cifs stages=[chgnet]"),
    ("generate", "sort out what is plausible, distinct and new: hpcvox judge generated={}"),
    ("train-vae", "draw crystals: hpcvox generate vae={}"),
)
"""What to do where every figure is good: after the last step that was taken."""


def said(folders: Sequence[Folder]) -> list[Said]:
    """What the figures of a run say, in the order of its steps."""
    by_verb = {folder.verb: folder for folder in folders if not folder.problem}
    found = []
    for measure in MEASURES:
        if (folder := by_verb.get(measure.verb)) is None or (value := measure.value(folder)) is None:
            continue
        words = measure.says.format(value) + (f" ({measure.beside})" if measure.beside else "")
        grade = measure.grade(value)
        found.append(Said(grade, words, "" if grade == GOOD else measure.advice))
    return found


def next_step(folders: Sequence[Folder], figures: Sequence[Said]) -> str:
    """What would help most: the cure of the first of the worst figures, or the step that was not taken yet."""
    for grade in (POOR, FAIR):
        if advice := next((one.advice for one in figures if one.grade == grade), ""):
            return advice
    by_verb = {folder.verb: folder for folder in folders if not folder.problem}
    return next((text.format(by_verb[verb].path) for verb, text in NEXT if verb in by_verb), "")


def lines(folders: Sequence[Folder]) -> list[str]:
    """The verdict for a terminal; no line where there is no figure yet."""
    figures = said(folders)
    if not figures:
        return []
    told = [f"  {one.grade:<4}  {one.words}" for one in figures]
    return ["how good they are:", *told, f"next: {next_step(folders, figures)}"]


def section(folders: Sequence[Folder]) -> Section | None:
    """The verdict for the page; None where there is no figure yet."""
    figures = said(folders)
    if not figures:
        return None
    facts = [(one.grade, one.words) for one in figures]
    step = next_step(folders, figures)
    return Section("verdict", "How good they are", facts=facts, notes=[f"Next: {step}."] if step else [])
