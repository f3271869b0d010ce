"""Table 4: generated crystals against the same crystals in databases of known ones."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from hpcvox.crystals.known import Known, cell_differences
from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import CANDIDATE, Crystal, Entry
from hpcvox.crystals.sources.digest import entries_digest
from hpcvox.crystals.sources.source import Source, open_source
from hpcvox.files.summary import Part
from hpcvox.reproduction.court.bench import WHOLE, Bench
from hpcvox.reproduction.court.fig6 import folder_of, predicted, random, trained_formulas
from hpcvox.reproduction.court.sets import PROPERTIES, columns
from hpcvox.reproduction.court.table2 import all_selected
from hpcvox.reproduction.experiment import Experiment, Measured, PaperValue
from hpcvox.reproduction.rows import row
from hpcvox.reproduction.steps import Step
from hpcvox.reproduction.summary import Row
from hpcvox.training.folder.damage import checksum

MATCHES: Final = "matches among known crystals"
AROUND: Final = "candidates of Table 2"
RANDOM: Final = "random samples of Fig. 6"
ALL: Final = "mean of all"
NEW: Final = "crystals of formulas that were not trained on"

QUANTITIES: Final = (
    ("|Δa|", "Å", ""),
    ("|Δb|", "Å", ""),
    ("|Δc|", "Å", ""),
    ("|ΔEf|", "eV/atom", "formation_energy"),
    ("|Δ energy|", "eV/atom", "total_energy"),
    ("|Δ bulk modulus|", "GPa", "bulk_modulus"),
    ("|Δ shear modulus|", "GPa", "shear_modulus"),
    ("|Δ Poisson ratio|", "", "poisson_ratio"),
)

PAPER: Final[dict[str, tuple[float | None, ...]]] = {
    "Lu2ZnAu": (0.19, 0.30, 0.20, 0.02, 0.16, 84.39, 2.36, 0.09),
    "Ho2ZnAu": (0.21, 0.18, 0.06, 0.04, 0.19, None, None, None),
    "YbSmPd2": (0.26, 0.21, 0.17, 0.00, 0.15, 69.57, 2.43, 0.11),
    "KWO3": (0.05, 0.06, 0.15, 0.03, 0.11, 184.78, 57.78, 0.06),
    "CaBeO3": (0.12, 0.28, 0.21, 0.35, 0.70, None, None, None),
    "AlSiO3": (0.22, 0.05, 0.07, 0.45, 0.46, None, None, None),
    "TiAlO3": (0.01, 0.03, 0.10, 0.19, 0.05, 228.6, 34.60, 0.07),
    "Sc2RuRh": (0.47, 0.34, 0.20, 0.16, 0.05, 137.26, 55.71, 0.00),
    "PaSiO3": (0.45, 0.57, 0.16, 0.03, 0.41, None, None, None),
    "ZnAu": (1.86, 1.79, 1.77, 0.26, 0.28, 113.78, 13.56, 0.20),
    "NpAlO3": (0.27, 0.33, 0.37, 0.32, 0.89, None, None, None),
    "AcMgO3": (0.20, 0.10, 0.46, 0.12, 0.40, None, None, None),
    "LiCd": (0.95, 0.90, 1.49, 0.02, 0.80, 34.67, 0.67, 0.09),
    "NaTl": (1.33, 1.27, 1.53, 0.21, 0.91, None, None, None),
    ALL: (0.47, 0.46, 0.50, 0.16, 0.40, 121.87, 19.59, 0.09),
}

NOT_ASKED: Final = "no known=[…] was given"
NOT_MADE: Final = "not among our matches"
NO_VALUE: Final = "no match has a known and a predicted value"


class Matched(Part):
    """A generated crystal that is a known one."""

    way: str
    formula: str
    known: str
    """Id."""
    off: list[float | None]
    """Of :data:`QUANTITIES`; None: not known, or the symmetries differ."""


class Compared(Part):
    """The matches of a draw; what the VAE was trained on does not count."""

    compared: dict[str, int]
    """Crystals by the way in which they were generated."""
    matches: list[Matched]


def experiment(bench: Bench) -> Experiment:
    """The experiment."""
    asked = bool(bench.settings.known)
    steps = [_step(bench, draw) for draw in bench.draws] if asked else []

    def measure() -> Measured:
        return Measured(_rows([bench.steps.done(step) for step in steps]) if asked else ())

    return Experiment(
        name="table4",
        title="Table 4: generated crystals against known ones",
        about="Generated crystals whose formula was not trained on, and which have the structure of a crystal in the "
        "given databases. Lengths are of conventional cells, where the space groups are the same. Properties are "
        "those that the networks of the draw predict against those of the database.",
        needs=("table1", "table2", "fig6"),
        makes=("Table 4",),
        axis="",
        better="lower",
        values=_values(asked),
        steps=steps,
        measure=measure,
    )


def _values(asked: bool) -> tuple[PaperValue, ...]:
    absent = NOT_MADE if asked else NOT_ASKED
    told = [
        PaperValue(MATCHES, AROUND, "", "Table 4", 14, absent=absent),
        PaperValue(MATCHES, RANDOM, "", "Generation, by formula", 75, absent=absent),
        PaperValue("|ΔEf|", RANDOM, "eV/atom", "Generation, by formula", 0.6, absent=absent),
        PaperValue("|Δa|", RANDOM, "Å", "Generation, by formula, of a, b and c", 0.85, absent=absent),
    ]
    for name, values in PAPER.items():
        for (quantity, unit, _), value in zip(QUANTITIES, values, strict=True):
            if value is not None:
                told.append(PaperValue(quantity, name, unit, "Table 4", value, absent=absent))
    return tuple(told)


def _step(bench: Bench, draw: int) -> Step[Compared]:
    first, _ = random(bench, draw)
    around = all_selected(bench)[draw]
    there = [one for one in PROPERTIES if one.name in columns(bench.settings)]
    networks = [bench.cgcnn(draw, one).step for one in there]
    needs: tuple[Step[Any], ...] = (first, *around, *networks)
    known = [
        checksum(path) if path.is_file() else entries_digest(list(_opened(bench, path)))
        for path in bench.settings.known
    ]
    settled = [[step.settled for step in needs], known, columns(bench.settings)]
    return Step(
        f"table4/draw-{draw}",
        Compared,
        settled,
        partial(_compared, bench, draw),
        needs=needs,
    )


def _opened(bench: Bench, path: Path) -> Source:
    return open_source(path, bench.settings.id_column, bench.settings.cif_column)


def _compared(bench: Bench, draw: int, place: Path) -> Compared:
    seen = trained_formulas(bench, bench.vae(draw, WHOLE).folder)
    ways = {
        name: [one for one in crystals if one.formula not in seen]
        for name, crystals in ((AROUND, _around(bench, draw)), (RANDOM, _random(bench, draw)))
    }
    wanted = {one.formula for crystals in ways.values() for one in crystals}
    read = [
        one
        for path in bench.settings.known
        for entry in _opened(bench, path)
        for one in parse(entry)
        if isinstance(one, Crystal) and one.formula in wanted
    ]
    known, values = Known(read), {one.id: one.targets for one in read}
    found = [
        (way, crystal, match)
        for way, crystals in ways.items()
        for crystal in crystals
        if (match := known.match(crystal)) is not None
    ]
    said = {
        name: predicted(bench, draw, name, [crystal for _, crystal, _ in found]) if found else []
        for name in columns(bench.settings)
    }
    matches = [
        Matched(
            way=way,
            formula=crystal.formula,
            known=match.id,
            off=[
                *(cell_differences(crystal, match.crystal) or (None,) * 3),
                *(_off(bench, name, said, number, values[match.id]) for *_, name in QUANTITIES[3:]),
            ],
        )
        for number, (way, crystal, match) in enumerate(found)
    ]
    return Compared(compared={way: len(crystals) for way, crystals in ways.items()}, matches=matches)


def _off(
    bench: Bench, name: str, said: dict[str, list[float | None]], number: int, known: Mapping[str, float]
) -> float | None:
    """How far a predicted property is from the known one."""
    value = said[name][number] if name in said else None
    true = known.get(columns(bench.settings).get(name, ""))
    return None if value is None or true is None else abs(value - true)


def _around(bench: Bench, draw: int) -> list[Crystal]:
    found = [one for step in all_selected(bench)[draw] for one in bench.steps.done(step).candidates]
    read: list[Any] = []
    for number, one in enumerate(found):
        entry = Entry(number, f"c{number:04d}", "Table 2", one.cif.encode(), {}, None, CANDIDATE)
        read += parse(entry)
    return [one for one in read if isinstance(one, Crystal)]


def _random(bench: Bench, draw: int) -> list[Crystal]:
    # imported here: as its neighbours, where it is needed
    from hpcvox.generation.candidates import is_valid, read_candidates, read_crystals

    folder = folder_of(bench, draw, random(bench, draw)[1])
    rows = [line for line in read_candidates(folder) if is_valid(line)]
    return [one for _, one in read_crystals(folder, rows) if isinstance(one, Crystal)]


def _rows(found: Sequence[Compared]) -> list[Row]:
    told = []
    for way in (AROUND, RANDOM):
        told.append(row(NEW, way, "", "neither", [one.compared[way] for one in found]))
        told.append(
            row(MATCHES, way, "", "higher", [sum(match.way == way for match in one.matches) for one in found])
        )
    every = [match for one in found for match in one.matches if match.way == AROUND]
    names = dict.fromkeys(_named(match.formula) for match in every)
    for k, (quantity, unit, _) in enumerate(QUANTITIES):
        means = [_mean([m.off[k] for m in one.matches if m.way == AROUND]) for one in found]
        told.append(row(quantity, ALL, unit, "lower", means, NO_VALUE))
        means = [_mean([m.off[k] for m in one.matches if m.way == RANDOM]) for one in found]
        told.append(row(quantity, RANDOM, unit, "lower", means, NO_VALUE))
        for name in names:
            of = _mean([match.off[k] for match in every if _named(match.formula) == name])
            told.append(row(quantity, name, unit, "lower", [of], NO_VALUE))
    return told


def _mean(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return float(np.mean(there)) if there else None


def _named(formula: str) -> str:
    """The formula as the paper writes it, if it has that crystal."""
    from pymatgen.core.composition import Composition

    reduced = Composition(formula).reduced_formula
    return next((n for n in PAPER if n != ALL and Composition(n).reduced_formula == reduced), formula)
