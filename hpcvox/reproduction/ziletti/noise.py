"""Beyond the paper: the tables again for networks that were trained without speckle, or on displaced crystals."""

from collections.abc import Mapping
from typing import Final

from hpcvox.reproduction.experiment import Experiment, Measured
from hpcvox.reproduction.ziletti.bench import Bench
from hpcvox.reproduction.ziletti.networks import PLAIN, Lesson, displaced
from hpcvox.reproduction.ziletti.settings import ZilettiSettings
from hpcvox.reproduction.ziletti.tables import AXES, NETWORK, of_network, rows, tested

TABLES: Final = "perfect crystals (the network above)"
PERFECT: Final = "perfect crystals, no speckle, as in the paper"
DISPLACED: Final = "displaced crystals, no speckle"


def compared(settings: ZilettiSettings) -> Mapping[str, Lesson]:
    """By what they are told as: the lessons of the other networks."""
    plain = {PERFECT: PLAIN} if settings.speckle or settings.networks is not None else {}
    return {**plain, DISPLACED: displaced(settings)}


def experiment(bench: Bench) -> Experiment:
    """The experiment."""
    above = [of_network(bench, number) for number in bench.draws]
    others = {
        method: [
            tested(bench, net, number, f"trained_with_noise/{place}", False)
            for number, net in enumerate(nets)
        ]
        for place, (method, nets) in enumerate(bench.others.items())
    }

    def measure() -> Measured:
        told = rows([bench.steps.done(step) for step in above], NETWORK, TABLES)
        for method, steps in others.items():
            told += rows([bench.steps.done(step) for step in steps], NETWORK, method)
        quantities = list(dict.fromkeys(one.quantity for one in told))
        return Measured(sorted(told, key=lambda one: quantities.index(one.quantity)))

    return Experiment(
        name="trained_with_noise",
        title="Beyond the paper: what the training brings",
        about="The network above learns from perfect crystals whose fingerprints have speckle: each pixel is as bright "
        "as a random number says, anew in each epoch. A second one learns from the same fingerprints as they are, "
        f"a third from crystals whose atoms are displaced by σ = {bench.settings.noise:g} Å.",
        needs=("tables",),
        makes=("Tables S1 and S2 of all networks",),
        axis="amount",
        better="higher",
        values=(),
        steps=[*above, *(step for steps in others.values() for step in steps)],
        measure=measure,
        axes=AXES,
    )
