"""Table 3: how far the candidates of Table 2 are from their relaxed structures."""

import csv
from functools import partial
from pathlib import Path
from typing import Any, Final

from hpcvox.files import durable
from hpcvox.files.summary import Part
from hpcvox.relaxation.settings import RelaxSettings
from hpcvox.relaxation.summary import TABLE, Column
from hpcvox.report.kinds import kind_of
from hpcvox.reproduction.court.bench import Bench
from hpcvox.reproduction.court.table2 import all_selected
from hpcvox.reproduction.experiment import Experiment, Measured, PaperValue
from hpcvox.reproduction.rows import row
from hpcvox.reproduction.steps import Step
from hpcvox.reproduction.summary import Row

COUNT: Final = "candidates"
LOST: Final = "candidates without a relaxed structure"

MEASURES: Final = (
    ("|Δbonds|", "%", Column.BOND_CHANGE),
    ("|ΔEf|", "eV/atom", Column.DIFFERENCE),
    ("|Δcell|", "%", Column.CELL_CHANGE),
)

CLASSES: Final = {"perovskite": "ABC3", "Heusler": "ABC2", "binaries": "AB"}

PAPER: Final = {
    "perovskite": (30, 5.23, 0.57, 0),
    "Heusler": (22, 1.44, 3.34, 0),
    "binaries": (24, 10.88, 2.65, 0),
}
"""Candidates, then :data:`MEASURES`."""

NONE: Final = "no candidate of this class is left to relax"
NOT_ASKED: Final = "not relaxed here: relax=[chgnet] does it"


class Relaxed(Part):
    """The candidates, by class of their formulas."""

    counts: dict[str, int]
    lost: dict[str, int]
    measures: dict[str, list[list[float]]]
    """Of each class the values of :data:`MEASURES`, absolute, of each candidate that was relaxed."""


def experiment(bench: Bench) -> Experiment:
    """The experiment."""
    asked = bool(bench.settings.relax)
    step = _step(bench)

    def measure() -> Measured:
        return Measured(_rows(bench.steps.done(step)) if asked else ())

    return Experiment(
        name="table3",
        title="Table 3: candidates against their relaxed structures",
        about=f"The candidates of Table 2 of all draws, {_by(bench)}; the paper's by DFT (PBE-D2). A bond goes from "
        "an atom to its nearest neighbours. The mean over candidates, of which there is one set alone: no spread.",
        needs=("table2",),
        makes=("Table 3",),
        axis="",
        better="lower",
        values=_values(asked),
        steps=[step] if asked else [],
        measure=measure,
    )


def _by(bench: Bench) -> str:
    names = [one.calculator for one in bench.settings.relax]
    return f"relaxed by {', then '.join(names)}" if names else "which are not relaxed here"


def _values(asked: bool) -> tuple[PaperValue, ...]:
    absent = NONE if asked else NOT_ASKED
    told = []
    for name, (count, *values) in PAPER.items():
        told.append(PaperValue(COUNT, name, "", "Table 3", count, absent=absent))
        for (quantity, unit, _), value in zip(MEASURES, values, strict=True):
            told.append(PaperValue(quantity, name, unit, "Table 3", value, absent=absent))
    return tuple(told)


def _step(bench: Bench) -> Step[Relaxed]:
    needs = tuple(step for of_draw in all_selected(bench).values() for step in of_draw)
    stages = [stage.model_dump(mode="json") for stage in bench.settings.relax]
    return Step(
        "table3", Relaxed, [*(step.settled for step in needs), stages], partial(_relaxed, bench), needs=needs
    )


def _relaxed(bench: Bench, place: Path) -> Relaxed:
    steps = [step for of_draw in all_selected(bench).values() for step in of_draw]
    found = [one for step in steps for one in bench.steps.done(step).candidates]
    kinds = {f"c{number:04d}": kind_of(one.formula) for number, one in enumerate(found)}
    counts = {name: sum(kind == one for one in kinds.values()) for name, kind in CLASSES.items()}
    rows = _of_verb(bench, place, found) if found else []
    lost, measures = {}, {}
    for name, kind in CLASSES.items():
        of = [line for line in rows if kinds[line[Column.ID]] == kind]
        done = [line for line in of if not line[Column.CODE]]
        lost[name] = len(of) - len(done)
        measures[name] = [
            [abs(float(line[column])) if line.get(column) else float("nan") for _, _, column in MEASURES]
            for line in done
        ]
    finite = {
        name: [[value for value in column if value == value] for column in zip(*lines, strict=True)]
        for name, lines in measures.items()
    }
    return Relaxed(counts=counts, lost=lost, measures=finite)


def _of_verb(bench: Bench, place: Path, found: list[Any]) -> list[dict[str, str]]:
    """The table of ``relax`` of the candidates."""
    # imported here: calculators take seconds
    from hpcvox.relaxation.job import run

    table = place / "candidates.csv"
    rows = [
        {"id": f"c{number:04d}", "cif": one.cif, "predicted": repr(one.energy)}
        for number, one in enumerate(found)
    ]
    durable.write_csv(table, ("id", "cif", "predicted"), rows)
    job = RelaxSettings(
        source=table,
        out=place / "relaxed",
        stages=bench.settings.relax,
        formation_energy="predicted",
        actors=bench.settings.actors,
        crystals="zip",
        overwrite=True,
    )
    run(job)
    with (job.out / TABLE).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _rows(found: Relaxed) -> list[Row]:
    told = []
    for name in CLASSES:
        told.append(row(COUNT, name, "", "neither", [found.counts[name]]))
        told.append(row(LOST, name, "", "lower", [found.lost[name]]))
        columns = found.measures[name] or [[] for _ in MEASURES]
        for (quantity, unit, _), values in zip(MEASURES, columns, strict=True):
            mean = [sum(values) / len(values)] if values else []
            told.append(row(quantity, name, unit, "lower", mean, NONE))
    return told
