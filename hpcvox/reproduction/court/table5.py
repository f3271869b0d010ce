"""Table 5 and Table 6: three pipelines, with and without DFC and ionic radii, on held-out crystals."""

import csv
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any, Final

from hpcvox.experiments.evaluate.settings import EvaluateSettings
from hpcvox.experiments.evaluate.summary import TABLE, EvaluateSummary, Figure, Way, column
from hpcvox.experiments.evaluate.summary import Column as Crystal
from hpcvox.files.summary import Part
from hpcvox.reproduction.court.bench import LEAN, LEAN_ALPHA, SYSTEMS, Bench, System
from hpcvox.reproduction.experiment import Experiment, Measured, PaperValue
from hpcvox.reproduction.rows import row
from hpcvox.reproduction.steps import Step
from hpcvox.reproduction.summary import Row

MSE: Final = "MSE of the VAE"
RECALL: Final = "recall of the UNet"
EMD: Final = "mean EMD"
DELTA_N: Final = "mean Δn of sites"
CHAIN: Final = "recall of the whole chain"
FAILED: Final = "held-out crystals that cannot be placed"

NOT_PLACED: Final = "no crystal could be placed"

PAPER: Final = {
    "plain": (0.012, 55, 0.150, 1.0),
    "dfc": (0.013, 55, 0.112, 0.25),
    "whole": (0.013, 87, 0.090, 0.198),
}

QUANTITIES: Final = ((MSE, ""), (RECALL, "%"), (EMD, "Å"), (DELTA_N, ""))

HYPERPARAMETERS: Final = (
    ("α", 1.0),
    ("β", 5e-4),
    ("VAE learning rate", 1e-4),
    ("VAE batch size", 20),
    ("UNet learning rate", 3e-6),
    ("UNet batch size", 10),
    ("CGCNN learning rate", 1e-3),
    ("CGCNN batch size", 256),
)


class Evaluated(Part):
    """How far off held-out crystals come out of VAE and UNet."""

    mse: float
    recall: float
    """Of the UNet on true maps."""
    chain_recall: float
    """On decoded maps."""
    tested: int
    failures: dict[str, int]
    off: list[list[float]]
    """Absolute errors of a, b and c in Å, of each crystal with a cell."""
    emd: list[float]
    """Å; of each crystal that was placed."""
    delta_n: list[float]
    """Of the same."""


def evaluated(bench: Bench, draw: int, system: System) -> Step[Evaluated]:
    """The step that reconstructs the held-out crystals of a draw."""
    vae, unet = bench.vae(draw, system), bench.unet(draw, system.widths)
    return Step(
        f"evaluate/draw-{draw}/{system.name}",
        Evaluated,
        [vae.step.settled, unet.step.settled, bench.settings.scale.tested],
        partial(_evaluated, bench, draw, system),
        needs=(vae.step, unet.step),
    )


def _evaluated(bench: Bench, draw: int, system: System, place: Path) -> Evaluated:
    # imported here: PyTorch takes seconds
    from hpcvox.experiments.evaluate.job import run

    vae, unet = bench.vae(draw, system), bench.unet(draw, system.widths)
    job = EvaluateSettings(
        vae=vae.folder,
        unet=unet.folder,
        shards=bench.sets.densities[system.widths][1],
        limit=bench.settings.scale.tested,
        threads=bench.settings.threads,
        out=place / "evaluation",
        overwrite=True,
    )
    run(job)
    summary = EvaluateSummary.load(job.out)
    assert summary is not None
    assert summary.segmentation is not None
    with (job.out / TABLE).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    lengths = [(axis, column(Way.RECONSTRUCTION, axis)) for axis in (Crystal.A, Crystal.B, Crystal.C)]
    placed = [line for line in rows if not line[column(Way.RECONSTRUCTION, Figure.CODE)]]

    def of(line: dict[str, Any], figure: Figure) -> float:
        return abs(float(line[column(Way.RECONSTRUCTION, figure)]))

    return Evaluated(
        mse=bench.steps.done(vae.step).figures["mse"],
        recall=summary.segmentation.recall or 0.0,
        chain_recall=summary.reconstruction.recall or 0.0,
        tested=len(rows),
        failures=dict(Counter(summary.reconstruction.failures)),
        off=[
            [abs(float(line[found]) - float(line[true])) for true, found in lengths]
            for line in rows
            if line[lengths[0][1]]
        ],
        emd=[of(line, Figure.EMD) for line in placed],
        delta_n=[of(line, Figure.EXCESS) for line in placed],
    )


def mean(values: list[float]) -> float | None:
    """The mean; None of nothing."""
    return sum(values) / len(values) if values else None


def experiment(bench: Bench) -> Experiment:
    """The experiment."""
    steps = {(draw, one): evaluated(bench, draw, one) for one in SYSTEMS for draw in bench.draws}

    def measure() -> Measured:
        told: list[Row] = []
        for one in SYSTEMS:
            told += _rows(one, [bench.steps.done(steps[draw, one]) for draw in bench.draws])
        return Measured([*sorted(told, key=_place), *_hyperparameters(bench)])

    return Experiment(
        name="table5",
        title="Table 5: what DFC and ionic radii bring",
        about="Three pipelines on the same crystals, in each draw with the same ones held out. Recall is that of the "
        "UNet on true maps; EMD and Δn are of crystals that were encoded, decoded and placed. Those that cannot be "
        "placed are a row of their own, and the means leave them out. The MSE is of density and coordinates "
        "together; that of σ = r is of other densities than that of σ = 1. Last, the parameters of Table 6 as they "
        "are here.",
        needs=(),
        makes=("Table 5", "Table 6"),
        axis="",
        better="lower",
        values=_values(),
        steps=list(steps.values()),
        measure=measure,
    )


def _place(told: Row) -> int:
    return [MSE, RECALL, CHAIN, EMD, DELTA_N, FAILED].index(told.quantity)


def _values() -> tuple[PaperValue, ...]:
    return (
        *(
            PaperValue(quantity, one.label, unit, "Table 5", value)
            for k, (quantity, unit) in enumerate(QUANTITIES)
            for one in SYSTEMS
            for value in (PAPER[one.name][k],)
        ),
        *(PaperValue(name, "parameter", "", "Table 6", value) for name, value in HYPERPARAMETERS),
    )


def _rows(one: System, found: list[Evaluated]) -> list[Row]:
    lost = [100 * sum(each.failures.values()) / each.tested for each in found]
    return [
        row(MSE, one.label, "", "lower", [each.mse for each in found]),
        row(RECALL, one.label, "%", "higher", [100 * each.recall for each in found]),
        row(CHAIN, one.label, "%", "higher", [100 * each.chain_recall for each in found]),
        row(EMD, one.label, "Å", "lower", [mean(each.emd) for each in found], NOT_PLACED),
        row(DELTA_N, one.label, "", "lower", [mean(each.delta_n) for each in found], NOT_PLACED),
        row(FAILED, one.label, "%", "lower", lost),
    ]


def _hyperparameters(bench: Bench) -> list[Row]:
    """Table 6, as the trainings here have them."""
    lean = {
        "α": LEAN_ALPHA,
        "VAE learning rate": LEAN["learning_rate"],
        "VAE batch size": 16,
        "UNet learning rate": LEAN["learning_rate"],
        "UNet batch size": 16,
        "CGCNN learning rate": 2e-3,
        "CGCNN batch size": 64,
    }
    paper = bench.settings.scale.papers
    return [
        row(name, "parameter", "", "neither", [value if paper else lean.get(name, value)])
        for name, value in HYPERPARAMETERS
    ]
