"""Fig. 3: how often a network recognises crystals, trained on so many random turns of each."""

from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from hpcvox.files.summary import Part
from hpcvox.reproduction.experiment import Experiment, Measured, PaperValue
from hpcvox.reproduction.kajita.bench import Bench
from hpcvox.reproduction.kajita.draws import some
from hpcvox.reproduction.kajita.networks import Training, trained
from hpcvox.reproduction.kajita.sets import SUFFIX
from hpcvox.reproduction.steps import Step
from hpcvox.reproduction.summary import Row

ACCURACY: Final = "crystals recognised"
ORIGINAL: Final = "as they are"
TURNED: Final = "after turns that no training has"

VALUES: Final = (
    PaperValue(ACCURACY, ORIGINAL, "%", "Fig. 3a and text", 94.0, 30),
    *(PaperValue(ACCURACY, ORIGINAL, "%", "Fig. 3a, a picture", None, at) for at in (1, 5, 10, 20)),
    PaperValue(
        "t-SNE of the features", "10 and 30 turns", "", "Fig. 3b, c, a picture", absent="not repeated here"
    ),
)


class Recognised(Part):
    """Shares of crystals that a network has recognised."""

    original: float
    turned: float


def experiment(bench: Bench) -> Experiment:
    """The experiment."""
    draws, counts = range(bench.settings.scale.draws), bench.settings.scale.replicas
    steps = {(number, count): _step(bench, number, count) for count in counts for number in draws}

    def measure() -> Measured:
        rows = []
        for count in counts:
            found = [bench.steps.done(steps[number, count]) for number in draws]
            for method, shares in (
                (ORIGINAL, [one.original for one in found]),
                (TURNED, [one.turned for one in found]),
            ):
                percent = [100 * share for share in shares]
                rows.append(
                    Row(quantity=ACCURACY, method=method, at=count, unit="%", better="higher", values=percent)
                )
        return Measured(rows)

    return Experiment(
        name="fig3",
        title="Fig. 3: crystals recognised in any rotation",
        about=f"A network learns to name {bench.settings.crystals} crystals, drawn anew each time, from random turns "
        "of each. It is asked about the crystals as they are, as in the paper, and after turns that it has not seen.",
        needs=(),
        makes=("Fig. 3a: accuracy against the number of turns",),
        axis="turns of each crystal",
        better="higher",
        values=VALUES,
        steps=list(steps.values()),
        measure=measure,
    )


def _step(bench: Bench, number: int, count: int) -> Step[Recognised]:
    crystals = bench.settings.crystals
    return Step(
        f"fig3/draw-{number}/turns-{count}",
        Recognised,
        bench.settled("fig3", bench.settings.scale.recognition_epochs, number, count, crystals),
        partial(_recognised, bench, number, count),
    )


def _recognised(bench: Bench, number: int, count: int, work: Path) -> Recognised:
    chosen = some(len(bench.ids), bench.settings.crystals, bench.settings.seed, number)
    names = [bench.ids[place] + SUFFIX for place in chosen]
    epochs = bench.settings.scale.recognition_epochs
    nothing = np.zeros((len(names), 0))
    training = Training(bench.sets.spots, names, nothing, bench.seed(number), count, epochs)
    said = trained(work, training, bench.settings, names)
    right = np.arange(len(names))
    return Recognised(
        original=float((said.original.argmax(-1) == right).mean()),
        turned=float((said.turned.argmax(-1) == right).mean()),
    )
