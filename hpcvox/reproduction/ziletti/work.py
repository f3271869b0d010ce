"""Everything that is done to repeat Ziletti et al. 2018."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from hpcvox.reproduction.experiment import Experiment, Work
from hpcvox.reproduction.steps import Step, Steps
from hpcvox.reproduction.summary import Row
from hpcvox.reproduction.ziletti import (
    border,
    claims,
    fig4,
    figs1,
    maps,
    networks,
    noise,
    tables,
    uncertainty,
)
from hpcvox.reproduction.ziletti.bench import Bench
from hpcvox.reproduction.ziletti.crystals import SHARE
from hpcvox.reproduction.ziletti.reduced import reduced
from hpcvox.reproduction.ziletti.settings import ZilettiSettings
from hpcvox.terminal import counted

MAKERS: Final[Mapping[str, Callable[[Bench], Experiment]]] = {
    "tables": tables.experiment,
    "fig4": fig4.experiment,
    "figs1": figs1.experiment,
    "maps": maps.experiment,
    "border": border.experiment,
    "uncertainty": uncertainty.experiment,
    "trained_with_noise": noise.experiment,
}

CLAIMED: Final = ("tables", "fig4", "figs1", "maps")
"""The experiments that the paper's claims are about."""

QUANTITIES: Final = {
    "right class (%)": "share of crystals that get the class of the perfect crystal that they were made of",
    "probability": "mean probability that the network gives a class, over the crystals of a draw",
    "sd over crystals": "standard deviation of that probability over the crystals of a draw",
    "entropy, mutual information (nats)": "of the network's answers with dropout; 0: sure, 1.95: knows nothing of "
    "the seven classes",
}


def work(settings: ZilettiSettings, steps: Steps) -> Work:
    """What is to be done with these settings.

    Raises:
        CheckpointError: a network that is given cannot be read.
        ConfigError: one has other classes.
    """
    draws = range(settings.scale.draws)
    before: list[Step[Any]] = []
    if settings.networks is None:
        made = [networks.trained(settings, number, networks.speckled(settings)) for number in draws]
        pristine = [net for net, _ in made]
        before += [step for _, step in made]
    else:
        pristine = networks.taken(settings)
    others = {
        method: [networks.trained(settings, number, lesson) for number in draws]
        for method, lesson in noise.compared(settings).items()
    }
    if "trained_with_noise" in settings.chosen:
        before += [step for of_draws in others.values() for _, step in of_draws]
    compared = {method: [net for net, _ in of_draws] for method, of_draws in others.items()}
    bench = Bench(settings, steps, pristine, compared)
    return Work(before, _experiments(bench), lambda: _facts(settings), QUANTITIES, reduced(settings))


def _experiments(bench: Bench) -> list[Experiment]:
    chosen = bench.settings.chosen
    # claims alone need those that they are about
    others = [name for name in MAKERS if name in chosen or (chosen == ["claims"] and name in CLAIMED)]
    made = [MAKERS[name](bench) for name in others]

    def rows() -> list[Row]:
        return [row for one in made if one.name in CLAIMED for row in one.measure().rows]

    if "claims" in chosen:
        return [*made, claims.experiment(rows, tuple(name for name in others if name in CLAIMED))]
    return made


def _facts(settings: ZilettiSettings) -> list[tuple[str, str]]:
    scale = settings.scale
    trained = (
        f"one a draw, of {scale.crystals:,} elemental solids, {100 * SHARE:.0f} % of the elements held out; "
        f"{counted(scale.epochs, 'epoch')}"
    )
    given = "" if settings.networks is None else ", ".join(map(str, settings.networks))
    seeds = f"{settings.seed_of(0)} to {settings.seed_of(scale.draws - 1)}"
    return [
        ("networks", f"given: {given}" if given else trained),
        ("draws", f"{scale.draws}, of seeds {seeds}: crystals, network and defects"),
        (
            "tested on",
            f"{scale.tested} crystals of each of 7 classes, spglib on {min(scale.by_symmetry, scale.tested)}",
        ),
        ("other experiments", f"{counted(scale.asked, 'crystal')} of each class or point"),
    ]
