"""Fig. S1: class probabilities against the Lindemann parameter, from a crystal to an amorphous solid."""

import math
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from hpcvox.descriptors.clusters import nearest
from hpcvox.networks.fingerprint.settings import SPACE_GROUPS
from hpcvox.reproduction.experiment import Experiment, Measured, PaperValue
from hpcvox.reproduction.steps import Step
from hpcvox.reproduction.ziletti.bench import PROBABILITY, Bench, Curves, along, curves, spread_of
from hpcvox.reproduction.ziletti.crystals import of_kind
from hpcvox.terminal import counted

KINDS: Final = ("fcc", "bcc", "bct 139")

LINDEMANN: Final = tuple(round(0.025 * k, 3) for k in range(13))
"""Root mean square displacement of an atom over the distance to its nearest neighbour."""


def quantity(kind: str) -> str:
    """What is measured of a class."""
    return f"{PROBABILITY}, {kind} displaced"


VALUES: Final = (
    PaperValue(quantity("fcc"), "fcc", "", "Supplementary Note 2: close to 1", 1.0, 0.075),
    PaperValue(spread_of(quantity("fcc")), "fcc", "", "Supplementary Note 2", 0.0, 0.075),
    *(PaperValue(quantity(kind), kind, "", "Fig. S1, a picture") for kind in KINDS),
)


def experiment(bench: Bench) -> Experiment:
    """The experiment."""
    count = bench.settings.scale.asked
    steps = {
        kind: [
            Step(
                f"figs1/draw-{number}/{kind.replace(' ', '-')}",
                Curves,
                bench.settled(bench.pristine[number], number, "figs1", kind, LINDEMANN, count),
                partial(_displaced, bench, number, kind),
            )
            for number in bench.draws
        ]
        for kind in KINDS
    }

    def measure() -> Measured:
        told = []
        for kind, of_kind_ in steps.items():
            found = [bench.steps.done(step) for step in of_kind_]
            told += along(quantity(kind), LINDEMANN, found, list(SPACE_GROUPS))
        return Measured(told)

    return Experiment(
        name="figs1",
        title="Fig. S1: from order to disorder",
        about="Atoms are displaced at random. The Lindemann parameter is the root mean square of an atom's "
        "displacement, √3 σ, over the mean distance to the nearest neighbour; solids melt at 0.1 to 0.2. "
        f"Each point has {counted(count, 'crystal')} of elements that the network has not seen.",
        needs=(),
        makes=("Fig. S1a: fcc", "Fig. S1b: bcc", "Fig. S1c: bct 139"),
        axis="Lindemann parameter",
        better="neither",
        values=VALUES,
        steps=[step for of_kind_ in steps.values() for step in of_kind_],
        measure=measure,
    )


def _displaced(bench: Bench, number: int, kind: str, work: Path) -> Curves:
    # imported here: PyTorch takes seconds
    from hpcvox.reproduction.ziletti.asked import Asked, changed

    asked = Asked(bench.pristine[number])
    seed = bench.seed(number)
    wholes = [asked.cluster(one) for one in of_kind(asked.run, seed, kind, bench.settings.scale.asked)]
    said = []
    for step, amount in enumerate(LINDEMANN):
        clusters = [
            changed(one, "displacement", amount * nearest(one) / math.sqrt(3), [seed, place, step])
            for place, one in enumerate(wholes)
        ]
        said.append(asked.probabilities(clusters))
    return curves(asked.classes, np.stack(said))
