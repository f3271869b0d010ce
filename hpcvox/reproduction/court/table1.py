"""Table 1 and Fig. 5: how far off the property networks are on held-out crystals."""

import csv
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hpcvox.files.summary import Part
from hpcvox.networks.cgcnn.card import HELD_OUT
from hpcvox.networks.cgcnn.held_out import Column
from hpcvox.reproduction.court.bench import Bench, Network
from hpcvox.reproduction.court.sets import PROPERTIES, Property, columns
from hpcvox.reproduction.experiment import Experiment, Measured, PaperValue
from hpcvox.reproduction.rows import row, spread
from hpcvox.reproduction.steps import Step
from hpcvox.reproduction.summary import Figure, Marks, Row
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.training.folder.card import Card, read_card

MAE: Final = "MAE"
SMAPE: Final = "SMAPE"
TRAINED: Final = "training crystals"
TESTED: Final = "test crystals"
LOST: Final = "test crystals without a prediction"

MOST_POINTS: Final = 400
"""Of a property in Fig. 5."""

PAPER: Final = {
    "formation energy": (0.102, 27.70, 357_346, 46_700),
    "total energy": (0.114, 2.51, 357_346, 46_700),
    "band gap": (0.299, 137.73, 357_346, 46_700),
    "bulk modulus": (0.186, 5.23, 8724, 1635),
    "shear modulus": (0.306, 10.72, 8192, 1536),
    "Poisson ratio": (0.051, 16.72, 8448, 1585),
    "refractive index": (0.155, 5.34, 3744, 702),
    "dielectric constant": (0.115, 6.49, 3744, 702),
}
"""MAE, SMAPE in %, numbers of training and of test crystals."""


class Predicted(Part):
    """How a property network does on the crystals that its training held out."""

    mae: float
    smape: float
    """Percent."""
    trained: int
    tested: int
    lost: int
    """Crystals with an element that no training crystal has, which have no prediction."""
    true: list[float]
    predicted: list[float]
    """Of some of them, both as they are judged."""


def errors(true: NDArray[np.float64], said: NDArray[np.float64]) -> tuple[float, float]:
    """MAE, and SMAPE in percent, 0 to 200: the mean of |a - b| over the mean of |a| and |b|, 0 where both are 0."""
    off, size = np.abs(said - true), (np.abs(true) + np.abs(said)) / 2
    share = np.divide(off, size, out=np.zeros_like(off), where=size > 0)
    return float(off.mean()), float(100 * share.mean())


def experiment(bench: Bench) -> Experiment:
    """The experiment."""
    there = [one for one in PROPERTIES if one.name in columns(bench.settings)]
    steps = {(draw, one): step(bench, draw, one) for one in there for draw in bench.draws}

    def measure() -> Measured:
        told: list[Row] = []
        figures = []
        for one in there:
            found = [bench.steps.done(steps[draw, one]) for draw in bench.draws]
            told += _rows(one, found)
            figures.append(_figure(one, found[0]))
        return Measured(told, figures=figures)

    return Experiment(
        name="table1",
        title="Table 1, Fig. 5: properties by CGCNN",
        about="A network for each property, on crystals of any kind; those held out are held out by formula. All but "
        "the energies' start from the weights of the formation energy's. * Logarithms are natural: an MAE of 0.186 "
        "at an SMAPE of 5.23 % belongs to values near 3.6, and those of moduli in decades are near 2.",
        needs=(),
        makes=("Table 1: MAE, SMAPE, sizes", "Fig. 5: predicted over true values, of the first draw"),
        axis="",
        better="lower",
        values=_values(bench),
        steps=list(steps.values()),
        measure=measure,
    )


def _values(bench: Bench) -> tuple[PaperValue, ...]:
    there = columns(bench.settings)
    told = []
    for one in PROPERTIES:
        absent = (
            "" if one.name in there else f"the data have no column of it: properties.{one.name} names one"
        )
        units = (one.unit, "%", "", "")
        for quantity, unit, value in zip(
            (MAE, SMAPE, TRAINED, TESTED), units, PAPER[one.quantity], strict=True
        ):
            told.append(PaperValue(quantity, one.quantity, unit, "Table 1", value, absent=absent))
    return tuple(told)


def step(bench: Bench, draw: int, one: Property) -> Step[Predicted]:
    """The step that judges the network of a property."""
    network = bench.cgcnn(draw, one)
    return Step(
        f"table1/draw-{draw}/{one.name}",
        Predicted,
        [network.step.settled, one.log, MOST_POINTS],
        partial(_judged, bench, one, network),
        needs=(network.step,),
    )


def _judged(bench: Bench, one: Property, network: Network, place: Path) -> Predicted:
    with (network.folder / HELD_OUT).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    said = [line for line in rows if line[Column.PREDICTED]]
    true, predicted = (
        np.array([float(line[column]) for line in said]) for column in (Column.TRUE, Column.PREDICTED)
    )
    if one.log:
        true, predicted = np.log(true), np.log(predicted)
    mae, smape = errors(true, predicted)
    shards = ShardSet.open(bench.sets.graphs[1])
    out = read_card(network.folder, Card).run.held_out(shards.formulas)
    chosen = spread(len(true), MOST_POINTS)
    return Predicted(
        mae=mae,
        smape=smape,
        trained=int((np.isfinite(shards.target(one.name)) & ~out).sum()),
        tested=len(rows),
        lost=len(rows) - len(said),
        true=true[chosen].tolist(),
        predicted=predicted[chosen].tolist(),
    )


def _rows(one: Property, found: list[Predicted]) -> list[Row]:
    name = one.quantity
    return [
        row(MAE, name, one.unit, "lower", [each.mae for each in found]),
        row(SMAPE, name, "%", "lower", [each.smape for each in found]),
        row(TRAINED, name, "", "neither", [each.trained for each in found]),
        row(TESTED, name, "", "neither", [each.tested for each in found]),
        row(LOST, name, "", "lower", [each.lost for each in found]),
    ]


def _figure(one: Property, found: Predicted) -> Figure:
    low, high = (f([*found.true, *found.predicted]) for f in (min, max))
    unit = f" ({one.unit})" if one.unit else ""
    return Figure(
        name=f"fig5-{one.name}",
        title=f"{one.quantity[0].upper()}{one.quantity[1:]}{unit}, {len(found.true):,} held-out crystals",
        x="true",
        y="predicted",
        marks=[
            Marks(kind="line", x=[low, high], y=[low, high]),
            Marks(kind="points", name="crystals", x=found.true, y=found.predicted),
        ],
        equal=True,
    )
