"""How sure the network is, by dropout: entropy and mutual information of crystals that it names rightly and wrongly."""

from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from hpcvox.files.summary import Part
from hpcvox.reproduction.experiment import Experiment, Measured
from hpcvox.reproduction.steps import Step
from hpcvox.reproduction.summary import Row
from hpcvox.reproduction.ziletti.bench import Bench, row
from hpcvox.reproduction.ziletti.crystals import unseen

AMOUNTS: Final = {
    "displacement": (0.0, 0.06, 0.1, 0.15, 0.2, 0.3),
    "vacancies": (0.0, 0.5, 0.7, 0.8),
}
TOLD: Final = {"displacement": "atoms displaced", "vacancies": "atoms removed"}
UNITS: Final = {"displacement": "σ (Å)", "vacancies": "atoms removed (%)"}
MEASURES: Final = {"entropy": "entropy", "mutual_information": "mutual information"}
SIDES: Final = {True: "named rightly", False: "named wrongly"}

TELLS: Final = "a wrong name has more of it than a right one (AUROC)"


class Doubt(Part):
    """Of each crystal at each amount of a defect."""

    right: dict[str, list[list[bool]]]
    entropy: dict[str, list[list[float]]]
    """In nats."""
    mutual_information: dict[str, list[list[float]]]


def quantity(measure: str, defect: str) -> str:
    """What is measured."""
    return f"{MEASURES[measure]}, {TOLD[defect]}"


def experiment(bench: Bench) -> Experiment:
    """The experiment."""
    count, dropouts = bench.settings.scale.asked, bench.settings.dropouts
    steps = [
        Step(
            f"uncertainty/draw-{number}",
            Doubt,
            bench.settled(bench.pristine[number], number, "uncertainty", AMOUNTS, count, dropouts),
            partial(_doubt, bench, number),
        )
        for number in bench.draws
    ]

    def measure() -> Measured:
        found = [bench.steps.done(step) for step in steps]
        return Measured([*_means(found), *_told_apart(found)])

    return Experiment(
        name="uncertainty",
        title="Beyond the paper: how sure the network is",
        about=f"The network answers {dropouts} times while dropout leaves features out (as in ARISE, Leitherer et al. "
        "2021). Entropy tells how undecided the mean of its answers is, mutual information how much they contradict "
        "each other, in nats. A useful measure is greater where the name is wrong: AUROC is the probability of that "
        "for a wrong and a right name; 0.5 is chance. A draw without wrong names says nothing there.",
        needs=(),
        makes=("entropy and mutual information against the amount of defects",),
        axis="amount",
        better="neither",
        values=(),
        steps=steps,
        measure=measure,
        axes={quantity(one, defect): UNITS[defect] for one in MEASURES for defect in AMOUNTS},
    )


def _means(found: list[Doubt]) -> list[Row]:
    """The mean of each measure over crystals that are named rightly, and wrongly."""
    told = []
    for measure in MEASURES:
        for defect, amounts in AMOUNTS.items():
            for side, name in SIDES.items():
                for place, amount in enumerate(amounts):
                    means = [
                        float(values[right == side].mean())
                        for one in found
                        for values, right in [_at(one, measure, defect, place)]
                        if (right == side).any()
                    ]
                    if means:
                        at = round(100 * amount, 6) if defect == "vacancies" else amount
                        told.append(row(quantity(measure, defect), name, at, means, "nats", "neither"))
    return told


def _told_apart(found: list[Doubt]) -> list[Row]:
    """How well each measure tells wrong names from right ones, over all amounts of a defect."""
    told = []
    for measure, name in MEASURES.items():
        for defect, amounts in AMOUNTS.items():
            values = []
            for one in found:
                parts = [_at(one, measure, defect, place) for place in range(len(amounts))]
                score = np.concatenate([part for part, _ in parts])
                right = np.concatenate([part for _, part in parts])
                if 0 < right.sum() < len(right):
                    values.append(auroc(score, ~right))
            if values:
                told.append(row(f"{name}: {TELLS}", TOLD[defect], None, values, ""))
    return told


def auroc(score: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    """The probability that a positive one has a higher score than another, ties as half; (N,) each."""
    ranks, count = rankdata(score), int(positive.sum())
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * (len(score) - count)))


def _at(one: Doubt, measure: str, defect: str, place: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """A measure of the crystals at an amount of a defect, and whether each was named rightly."""
    return np.array(getattr(one, measure)[defect][place]), np.array(one.right[defect][place], bool)


def _doubt(bench: Bench, number: int, work: Path) -> Doubt:
    # imported here: PyTorch takes seconds
    from hpcvox.reproduction.ziletti.asked import Asked, changed

    asked = Asked(bench.pristine[number])
    seed = bench.seed(number)
    crystals = unseen(asked.run, seed, bench.settings.scale.asked)
    wholes = [asked.cluster(crystal) for _, crystal in crystals]
    true = np.array([asked.classes.index(solid.kind) for solid, _ in crystals])
    found: dict[str, dict[str, list[list[float]]]] = {name: {} for name in Doubt.model_fields}
    for defect, amounts in AMOUNTS.items():
        for step, amount in enumerate(amounts):
            images = [
                asked.image(changed(one, defect, amount, [seed, place, step]))
                for place, one in enumerate(wholes)
            ]
            said = asked.network.uncertainty(images, bench.settings.dropouts, seed)
            right = said.probabilities.argmax(1) == true
            for name, values in zip(
                Doubt.model_fields, (right, said.entropy, said.mutual_information), strict=True
            ):
                found[name].setdefault(defect, []).append(values.tolist())
    return Doubt.model_validate(found)
