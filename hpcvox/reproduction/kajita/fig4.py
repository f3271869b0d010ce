"""Fig. 4: mean absolute errors of R3DVS, SOAP and Coulomb matrix against the number of training crystals."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from hpcvox.files.summary import Part
from hpcvox.reproduction.experiment import Experiment, Measured, PaperValue
from hpcvox.reproduction.kajita import baselines
from hpcvox.reproduction.kajita.baselines import COULOMB, MEAN, SOAP, SOAP_AS_PAPER
from hpcvox.reproduction.kajita.bench import ALL, Array, Bench, Predicted, ensemble
from hpcvox.reproduction.kajita.data import TARGETS
from hpcvox.reproduction.steps import Step
from hpcvox.reproduction.summary import Row
from hpcvox.terminal import counted

R3DVS: Final = "R3DVS"
R3DVS_TURNED: Final = "R3DVS, test crystals turned"

METHODS: Final = (R3DVS, R3DVS_TURNED, SOAP, SOAP_AS_PAPER, COULOMB, MEAN)

PANELS: Final = {"hartree": "a", "exchange": "b", "ions": "c", "cohesive": "e", "gap": "f"}

VALUES: Final = (
    *(
        PaperValue(target.quantity, method, target.unit, f"Fig. 4{PANELS[target.name]}, a picture")
        for target in TARGETS
        if target.name in PANELS
        for method in (R3DVS, SOAP, COULOMB)
    ),
    *(
        PaperValue(
            "sum of one-electron energies",
            method,
            "eV/cell",
            "Fig. 4d, a picture",
            absent="the data do not hold it; the kinetic energy stands in its place",
        )
        for method in (R3DVS, SOAP, COULOMB)
    ),
)


class Regressed(Part):
    """What the kernel regressions say of the test crystals."""

    methods: dict[str, list[list[float]]]
    """By the name of the method; a row a crystal, a column a target."""


class Regression(NamedTuple):
    """The steps of one draw with one training size."""

    baselines: Step[Regressed]
    members: dict[str, list[Step[Predicted]]]
    """The networks of each group of targets that one network predicts."""

    @property
    def steps(self) -> list[Step[Regressed] | Step[Predicted]]:
        """All of them."""
        return [self.baselines, *(step for steps in self.members.values() for step in steps)]


def regression(bench: Bench, number: int, size: int) -> Regression:
    """The steps of draw ``number`` with ``size`` training crystals."""
    name = f"fig4/draw-{number}/n-{size}"
    kernels = Step(
        f"{name}/kernels",
        Regressed,
        [bench.data, bench.settings.seed, number, size],
        partial(_regressed, bench, number, size),
    )
    members = {
        group: [
            bench.member(f"{name}/{group}", number, size, which, member)
            for member in range(bench.settings.scale.members)
        ]
        for group, which in bench.groups(ALL).items()
    }
    return Regression(kernels, members)


def _regressed(bench: Bench, number: int, size: int, work: Path) -> Regressed:
    said = baselines.regressed(bench.sets, bench.crystals(number, size, ALL))
    return Regressed(methods={name: values.tolist() for name, values in said.items()})


def errors(bench: Bench, number: int, made: Regression) -> dict[str, Array]:
    """The mean absolute errors of each method on the test crystals of draw ``number``, (T,)."""
    true = bench.values(bench.draw(number).test)
    said = {name: np.array(values) for name, values in bench.steps.done(made.baselines).methods.items()}
    said |= {R3DVS: np.full(true.shape, np.nan), R3DVS_TURNED: np.full(true.shape, np.nan)}
    for group, which in bench.groups(ALL).items():
        said[R3DVS][:, which], said[R3DVS_TURNED][:, which] = ensemble(bench.steps, made.members[group])
    return {name: np.abs(values - true).mean(0) for name, values in said.items()}


def rows(
    methods: Sequence[str], size: int, found: Sequence[dict[str, Array]], which: Sequence[int] = ALL
) -> list[Row]:
    """A row of each target and method; ``found`` has the errors (T,) of the draws, in the order of ``which``."""
    return [
        Row(
            quantity=TARGETS[one].quantity,
            method=method,
            at=size,
            unit=TARGETS[one].unit,
            better="lower",
            values=[float(errors[method][place]) for errors in found],
        )
        for place, one in enumerate(which)
        for method in methods
    ]


def experiment(bench: Bench) -> Experiment:
    """The experiment."""
    draws = range(bench.settings.scale.draws)
    made = {(number, size): regression(bench, number, size) for size in bench.sizes for number in draws}

    def measure() -> Measured:
        told = []
        for size in bench.sizes:
            found = [errors(bench, number, made[number, size]) for number in draws]
            told += rows(METHODS, size, found)
        return Measured(sorted(told, key=lambda row: [one.quantity for one in TARGETS].index(row.quantity)))

    return Experiment(
        name="fig4",
        title="Fig. 4: errors of the regressions",
        about="Mean absolute errors on crystals that no regression has seen, the same ones for all of a draw. "
        f"R3DVS is the mean of {counted(bench.settings.scale.members, 'network')}; ridges and widths of the "
        "kernel regressions are chosen by cross-validation on the training crystals.",
        needs=(),
        makes=("Fig. 4a to f: error against the number of training crystals",),
        axis="training crystals",
        better="lower",
        values=VALUES,
        steps=[step for one in made.values() for step in one.steps],
        measure=measure,
    )
