"""Fig. 4: class probabilities from bcc to sc by removed centres, and along a rhombohedral path."""

import math
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from hpcvox.descriptors.clusters import without
from hpcvox.reproduction.experiment import Experiment, Measured, PaperValue
from hpcvox.reproduction.steps import Step
from hpcvox.reproduction.ziletti.bench import PROBABILITY, Bench, Curves, along, curves, spread_of
from hpcvox.reproduction.ziletti.crystals import of_kind, stretched
from hpcvox.terminal import counted

TRANSITION: Final = f"{PROBABILITY}, bcc with centres removed"
PATH: Final = f"{PROBABILITY}, rhombohedral path"

UNIT: Final = math.sqrt(3 / 8)
"""c/a of bcc as a rhombohedral crystal; sc has twice that, fcc four times."""

CUBIC: Final = {"bcc": 1.0, "sc": 2.0, "fcc": 4.0}
"""Where on the path the cubic crystals lie, in :data:`UNIT`."""

SHARES: Final = tuple(10.0 * k for k in range(11))
"""Removed centres, %."""

POINTS: Final = tuple(round(1 + 0.1 * k, 1) for k in range(41))
"""Of the path, c/a in :data:`UNIT`."""

ALONG: Final = ("bcc", "sc", "fcc", "hex/rh", "bct 139", "bct 141")
"""Classes that are shown along the path; diam has what is left."""

AXES: Final = {
    TRANSITION: "centres removed (%)",
    spread_of(TRANSITION): "centres removed (%)",
    PATH: "c/a in units of √(3/8)",
    spread_of(PATH): "c/a in units of √(3/8)",
}

_TEXT: Final = "Fig. 4b and text"
VALUES: Final = (
    PaperValue(TRANSITION, "bcc", "", _TEXT, 1.0, 0),
    PaperValue(TRANSITION, "sc", "", _TEXT, 1.0, 100),
    PaperValue(spread_of(TRANSITION), "bcc", "", _TEXT, 0.0, 0),
    PaperValue(spread_of(TRANSITION), "sc", "", _TEXT, 0.0, 100),
    *(PaperValue(TRANSITION, kind, "", "Fig. 4b, a picture") for kind in ("bcc", "sc")),
    *(PaperValue(PATH, kind, "", "Fig. 4d, a picture") for kind in (*CUBIC, "hex/rh")),
)


def experiment(bench: Bench) -> Experiment:
    """The experiment."""
    asked = bench.settings.scale.asked
    transitions, paths = (
        [
            Step(
                f"fig4/draw-{number}/{name}",
                Curves,
                bench.settled(bench.pristine[number], number, name, points, asked),
                partial(make, bench, number),
            )
            for number in bench.draws
        ]
        for name, points, make in (("bcc-to-sc", SHARES, _transition), ("path", POINTS, _path))
    )

    def measure() -> Measured:
        first, second = ([bench.steps.done(step) for step in steps] for steps in (transitions, paths))
        return Measured(
            [*along(TRANSITION, SHARES, first, ("bcc", "sc")), *along(PATH, POINTS, second, ALONG)]
        )

    return Experiment(
        name="fig4",
        title="Fig. 4: from one class to another",
        about="Atoms at the centres of bcc cells are removed at random, until sc is left; and the rhombohedral "
        "cell of β-Po is drawn out, which is bcc at 1, sc at 2 and fcc at 4 of the axis, and hex/rh everywhere else. "
        f"Each point has {counted(asked, 'crystal')} of elements that the network has not seen; their standard "
        "deviation stands as a quantity of its own, and the one beside the means is over the draws.",
        needs=(),
        makes=("Fig. 4b: bcc → sc", "Fig. 4d: the rhombohedral path"),
        axis="place",
        better="neither",
        values=VALUES,
        steps=[*transitions, *paths],
        measure=measure,
        axes=AXES,
    )


def _transition(bench: Bench, number: int, work: Path) -> Curves:
    # imported here: PyTorch takes seconds
    from hpcvox.reproduction.ziletti.asked import Asked

    asked = Asked(bench.pristine[number])
    said = []
    crystals = of_kind(asked.run, bench.seed(number), "bcc", bench.settings.scale.asked)
    for share in SHARES:
        clusters = []
        for place, crystal in enumerate(crystals):
            whole, centre = asked.cluster(crystal), len(asked.cell(crystal).numbers) // 2
            random = np.random.default_rng([bench.seed(number), place, round(share)])
            centres = np.arange(len(whole.numbers)) % (2 * centre) >= centre
            clusters.append(without(whole, share / 100, random, centres))
        said.append(asked.probabilities(clusters))
    return curves(asked.classes, np.stack(said))


def _path(bench: Bench, number: int, work: Path) -> Curves:
    from hpcvox.reproduction.ziletti.asked import Asked

    asked = Asked(bench.pristine[number])
    said = []
    for point in POINTS:
        crystals = stretched(
            asked.run, bench.seed(number), "beta-polonium", point * UNIT, bench.settings.scale.asked
        )
        said.append(asked.probabilities([asked.cluster(one) for one in crystals]))
    return curves(asked.classes, np.stack(said))
