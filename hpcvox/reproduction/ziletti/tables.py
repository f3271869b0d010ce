"""Tables S1 and S2: how often network and spglib name the right class of crystals with defects."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from hpcvox.crystals.sources.source import open_source
from hpcvox.database.elements.job import write
from hpcvox.errors import ShardError
from hpcvox.experiments.evaluate_fingerprint.settings import EvaluateFingerprintSettings
from hpcvox.files.summary import Part
from hpcvox.networks.fingerprint.card import FingerprintCard
from hpcvox.reproduction.experiment import Experiment, Measured, PaperValue
from hpcvox.reproduction.steps import Step
from hpcvox.reproduction.summary import Row
from hpcvox.reproduction.ziletti.bench import Bench, Net, row
from hpcvox.reproduction.ziletti.crystals import unseen
from hpcvox.training.folder.card import read_card

WHOLE: Final = "right class, perfect crystals"
DISPLACED: Final = "right class, atoms displaced"
VACANT: Final = "right class, atoms removed"
SUBSTITUTED: Final = "right class, atoms substituted"

AXES: Final = {DISPLACED: "σ (Å)", VACANT: "atoms removed (%)", SUBSTITUTED: "atoms substituted (%)"}
QUANTITIES: Final = {
    "none": WHOLE,
    "displacement": DISPLACED,
    "vacancies": VACANT,
    "substitutions": SUBSTITUTED,
}
"""By the kind of defect."""

NETWORK: Final = "network"
TRAINING: Final = "network, crystals of its training"
SPGLIB: Final = {"tight": "spglib, tight", "medium": "spglib, medium", "loose": "spglib, loose"}
"""By the name of the tolerance."""

SIGMAS: Final = (0.001, 0.002, 0.003, 0.004, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1)
VACANCIES: Final = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7)
SUBSTITUTIONS: Final = (0.1, 0.25, 0.5, 0.75)
"""The paper does not tell its shares."""

S1: Final = {
    SPGLIB["tight"]: (0.0,) * 11,
    SPGLIB["medium"]: (73.7, *(0.0,) * 10),
    SPGLIB["loose"]: (*(99.99,) * 5, 75.22, *(0.0,) * 5),
    NETWORK: (*(100.0,) * 9, 99.97, 99.91),
}
S2: Final = {
    SPGLIB["tight"]: (0.02, *(0.0,) * 11),
    SPGLIB["medium"]: (0.02, *(0.0,) * 11),
    SPGLIB["loose"]: (0.01, *(0.0,) * 11),
    NETWORK: (*(100.0,) * 9, 99.56, 97.18, 89.05),
}

VALUES: Final = (
    PaperValue(WHOLE, NETWORK, "%", "The model performance", 100.0),
    PaperValue(WHOLE, TRAINING, "%", "The model performance", 100.0),
    *(
        PaperValue(DISPLACED, method, "%", "Table S1", value, at)
        for method, values in S1.items()
        for at, value in zip(SIGMAS, values, strict=True)
    ),
    *(
        PaperValue(VACANT, method, "%", "Table S2", value, round(100 * share, 6))
        for method, values in S2.items()
        for share, value in zip(VACANCIES, values, strict=True)
    ),
    PaperValue(SUBSTITUTED, NETWORK, "%", "Supplementary Note 1", 100.0),
    PaperValue(
        "time of a training",
        "network, four cores",
        "minutes",
        "The model performance",
        80.0,
        absent="the time of all steps stands above",
    ),
    PaperValue(
        "time of a prediction",
        "network, with reading",
        "ms",
        "The model performance",
        70.0,
        absent="it depends on the machine; docs/results.md has ours",
    ),
)


class Right(Part):
    """How many crystals of each class were named rightly, under each condition."""

    conditions: list[tuple[str, float]]
    """Kind of defect and its amount; the first: none."""
    crystals: dict[str, int]
    """By class."""
    right: dict[str, dict[str, list[int]]]
    """By method and class, of the conditions."""
    trained: float
    """Share of its training crystals that the network named rightly in its best epoch, with dropout."""

    def percent(self, method: str, condition: int, classes: Sequence[str] = ()) -> float:
        """The share of the crystals of ``classes`` (none: of all) that ``method`` has named rightly, %."""
        which = classes or list(self.crystals)
        named = sum(self.right[method][kind][condition] for kind in which)
        return 100 * named / sum(self.crystals[kind] for kind in which)


def tested(bench: Bench, net: Net, number: int, place: str, symmetry: bool) -> Step[Right]:
    """The step that asks a network about crystals with defects; with ``symmetry`` spglib, too, about fewer of them."""
    scale = bench.settings.scale
    of_class = min(scale.by_symmetry, scale.tested) if symmetry else scale.tested
    return Step(
        f"{place}/draw-{number}/{'spglib' if symmetry else 'network'}",
        Right,
        bench.settled(net, number, SIGMAS, VACANCIES, SUBSTITUTIONS, of_class, symmetry),
        partial(_tested, bench, net, number, of_class, symmetry),
    )


def of_network(bench: Bench, number: int) -> Step[Right]:
    """The step that asks the network of draw ``number``; together with spglib where that is asked about as many."""
    scale = bench.settings.scale
    return tested(bench, bench.pristine[number], number, "tables", scale.by_symmetry >= scale.tested)


def _tested(bench: Bench, net: Net, number: int, of_class: int, symmetry: bool, work: Path) -> Right:
    # imported here: PyTorch takes seconds
    from hpcvox.experiments.evaluate_fingerprint.job import classified
    from hpcvox.experiments.evaluate_fingerprint.worker import TOLERANCES, conditions

    card = read_card(net.folder, FingerprintCard)
    source = work / "crystals.csv"
    write(source, unseen(card.run, bench.seed(number), of_class))
    job = EvaluateFingerprintSettings(
        run=net.folder,
        source=source,
        out=work / "defects",
        limit=0,
        displacements=SIGMAS,
        vacancies=VACANCIES,
        substitutions=SUBSTITUTIONS,
        symmetry=symmetry,
        seed=bench.seed(number),
        actors=bench.settings.actors,
    )
    crystals, rejects = classified(job, list(open_source(source)), card.checksum)
    if rejects:
        raise ShardError(f"{len(rejects)} crystals have no fingerprint: {rejects[0]['message']}")
    keys = {NETWORK: "said"} | ({SPGLIB[name]: name for name in TOLERANCES} if symmetry else {})
    kinds = dict.fromkeys(one["class"] for one in crystals)
    tried = conditions(job)
    return Right(
        conditions=[(one.defect, one.amount) for one in tried],
        crystals={kind: sum(one["class"] == kind for one in crystals) for kind in kinds},
        right={
            method: {
                kind: [
                    sum(one["class"] == kind == one[key][place] for one in crystals)
                    for place in range(len(tried))
                ]
                for kind in kinds
            }
            for method, key in keys.items()
        },
        trained=card.run.metrics.get("train/accuracy", 0.0),
    )


def rows(found: Sequence[Right], key: str, method: str) -> list[Row]:
    """A row of each condition: what the method ``key`` of the results gets right, told as ``method``."""
    told = []
    for place, (defect, amount) in enumerate(found[0].conditions):
        at = None if defect == "none" else amount if defect == "displacement" else round(100 * amount, 6)
        told.append(row(QUANTITIES[defect], method, at, [one.percent(key, place) for one in found]))
    return told


def experiment(bench: Bench) -> Experiment:
    """The experiment."""
    by_network = [of_network(bench, number) for number in bench.draws]
    by_symmetry = [tested(bench, bench.pristine[number], number, "tables", True) for number in bench.draws]

    def measure() -> Measured:
        networks = [bench.steps.done(step) for step in by_network]
        others = [bench.steps.done(step) for step in by_symmetry]
        told = [row(WHOLE, TRAINING, None, [100 * one.trained for one in networks])]
        told += rows(networks, NETWORK, NETWORK)
        for method in SPGLIB.values():
            told += rows(others, method, method)
        return Measured(sorted(told, key=lambda one: list(QUANTITIES.values()).index(one.quantity)))

    return Experiment(
        name="tables",
        title="Tables S1 and S2: crystals with defects",
        about="A network that has seen perfect crystals alone names the class of crystals whose atoms are displaced, "
        "removed or substituted. spglib finds the space group of the same supercells by three tolerances. No network "
        "was trained on the element of a crystal. Its share of the crystals of its training is told with dropout.",
        needs=(),
        makes=("Table 1 and Tables S1 and S2, whole",),
        axis="amount",
        better="higher",
        values=VALUES,
        steps=[*by_network, *by_symmetry],
        measure=measure,
        axes=AXES,
    )
