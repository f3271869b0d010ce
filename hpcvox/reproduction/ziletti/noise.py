"""Beyond the paper: the tables again for a network that was trained on displaced crystals."""

from hpcvox.reproduction.experiment import Experiment, Measured
from hpcvox.reproduction.ziletti.bench import Bench
from hpcvox.reproduction.ziletti.tables import AXES, NETWORK, of_network, rows, tested

PERFECT = "trained on perfect crystals"
DISPLACED = "trained on displaced crystals"


def experiment(bench: Bench) -> Experiment:
    """The experiment."""
    pristine = [of_network(bench, number) for number in bench.draws]
    noisy = [
        tested(bench, bench.noisy[number], number, "trained_with_noise", False) for number in bench.draws
    ]

    def measure() -> Measured:
        told = [
            *rows([bench.steps.done(step) for step in pristine], NETWORK, PERFECT),
            *rows([bench.steps.done(step) for step in noisy], NETWORK, DISPLACED),
        ]
        quantities = list(dict.fromkeys(one.quantity for one in told))
        return Measured(sorted(told, key=lambda one: quantities.index(one.quantity)))

    return Experiment(
        name="trained_with_noise",
        title="Beyond the paper: trained on displaced crystals",
        about=f"A second network learns from crystals whose atoms are displaced by σ = {bench.settings.noise:g} Å. The "
        "paper's claim is about the first, which has seen perfect crystals alone.",
        needs=("tables",),
        makes=("Tables S1 and S2 of both networks",),
        axis="amount",
        better="higher",
        values=(),
        steps=[*pristine, *noisy],
        measure=measure,
        axes=AXES,
    )
