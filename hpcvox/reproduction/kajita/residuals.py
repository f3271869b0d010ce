"""SOAP → R3DVS and SOAP → Coulomb matrix: a second regression learns the errors of the SOAP regression."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from hpcvox.reproduction.experiment import Experiment, Measured, PaperValue
from hpcvox.reproduction.kajita.baselines import COULOMB, SOAP, SOAP_THEN_COULOMB, soap_errors
from hpcvox.reproduction.kajita.bench import Array, Bench, Predicted, ensemble
from hpcvox.reproduction.kajita.data import TARGETS
from hpcvox.reproduction.kajita.fig4 import R3DVS, errors, regression, rows
from hpcvox.reproduction.steps import Step

SOAP_THEN_R3DVS: Final = "SOAP → R3DVS"
SOAP_THEN_R3DVS_TURNED: Final = "SOAP → R3DVS, test crystals turned"

WHICH: Final = tuple(number for number, one in enumerate(TARGETS) if one.name in ("cohesive", "gap"))
"""The targets, as in the paper."""

METHODS: Final = (SOAP, R3DVS, SOAP_THEN_R3DVS, SOAP_THEN_R3DVS_TURNED, SOAP_THEN_COULOMB, COULOMB)

VALUES: Final = tuple(
    PaperValue(TARGETS[one].quantity, method, TARGETS[one].unit, f"Fig. 4{panel}, a picture")
    for one, panel in zip(WHICH, "ef", strict=True)
    for method in (SOAP, R3DVS, SOAP_THEN_R3DVS, SOAP_THEN_COULOMB, COULOMB)
)


def sizes(bench: Bench) -> list[int]:
    """The training sizes of this experiment."""
    return bench.sizes if bench.settings.scale.curves else bench.sizes[-1:]


def experiment(bench: Bench) -> Experiment:
    """The experiment."""
    draws = range(bench.settings.scale.draws)
    places = [(number, size) for size in sizes(bench) for number in draws]
    seconds = {(number, size): _second(bench, number, size) for number, size in places}
    firsts = {(number, size): regression(bench, number, size) for number, size in places}

    def measure() -> Measured:
        told = []
        for size in sizes(bench):
            found = []
            for number in draws:
                alone = errors(bench, number, firsts[number, size])
                chained = _errors(bench, number, size, seconds[number, size])
                found.append({name: values[list(WHICH)] for name, values in alone.items()} | chained)
            told += rows(METHODS, size, found, WHICH)
        return Measured(sorted(told, key=lambda row: [one.quantity for one in TARGETS].index(row.quantity)))

    return Experiment(
        name="residuals",
        title="Fig. 4e, f: a second regression on the errors of SOAP",
        about="The second regression learns the errors of the SOAP regression on its training crystals, as in the "
        "paper; the answer is the sum of both. The crystals are those of Fig. 4.",
        needs=("fig4",),
        makes=("Fig. 4e and f: error of the chained regressions",),
        axis="training crystals",
        better="lower",
        values=VALUES,
        steps=[
            *(step for one in firsts.values() for step in one.steps),
            *(step for groups in seconds.values() for members in groups.values() for step in members),
        ],
        measure=measure,
    )


def _second(bench: Bench, number: int, size: int) -> dict[str, list[Step[Predicted]]]:
    """The networks of each group of targets that learn the errors of SOAP."""
    return {
        group: [
            Step(
                f"residuals/draw-{number}/n-{size}/{group}/member-{member}",
                Predicted,
                bench.settled("residuals", bench.settings.scale.epochs, number, size, list(which), member),
                partial(_learned, bench, number, size, which, member),
            )
            for member in range(bench.settings.scale.members)
        ]
        for group, which in bench.groups(WHICH).items()
    }


def _learned(
    bench: Bench, number: int, size: int, which: Sequence[int], member: int, work: Path
) -> Predicted:
    left, _ = soap_errors(bench.sets, bench.crystals(number, size, which))
    return bench.answered(number, size, which, member, left, work)


def _errors(
    bench: Bench, number: int, size: int, members: dict[str, list[Step[Predicted]]]
) -> dict[str, Array]:
    """The mean absolute errors of SOAP → R3DVS, (T,) in the order of :data:`WHICH`."""
    test = bench.draw(number).test
    by_soap = np.array(bench.steps.done(regression(bench, number, size).baselines).methods[SOAP])
    true = bench.values(test, WHICH)
    original, turned = (np.empty(true.shape) for _ in range(2))
    for group, which in bench.groups(WHICH).items():
        columns = [WHICH.index(one) for one in which]
        original[:, columns], turned[:, columns] = ensemble(bench.steps, members[group])
    first = by_soap[:, list(WHICH)]
    return {
        SOAP_THEN_R3DVS: np.abs(first + original - true).mean(0),
        SOAP_THEN_R3DVS_TURNED: np.abs(first + turned - true).mean(0),
    }
