"""The step ``hull``: how far each relaxed crystal is above the hull, by every calculator that has one."""

import math
from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np

from hpcvox.files import durable
from hpcvox.process.outcome import Outcome
from hpcvox.relaxation.summary import TABLE as RELAXED
from hpcvox.relaxation.summary import Column as Relaxed
from hpcvox.relaxation.summary import stage_names
from hpcvox.rounds import reading
from hpcvox.rounds.folders import Round
from hpcvox.rounds.settings import CampaignSettings
from hpcvox.rounds.summary import HULL, Find, above_column, energy_column
from hpcvox.stability import references
from hpcvox.stability.hull import Hull

_DIGITS: Final = 6


def stages_of(settings: CampaignSettings) -> list[str]:
    """The names of the stages of ``relax``, as its tables have them."""
    return stage_names([stage.calculator for stage in settings.relax.stages])


def with_hull(settings: CampaignSettings) -> dict[str, str]:
    """Calculators that there are energies of known phases of, by the last stage of each.

    Where none is named in the table, the last one, whose energies a column ``energy`` may be.
    """
    table = references.SHIPPED / references.TABLE if settings.references is None else settings.references
    there = references.columns(table)
    named = list(zip(stages_of(settings), [stage.calculator for stage in settings.relax.stages], strict=True))
    last = {calculator: stage for stage, calculator in named}
    found = {
        stage: calculator
        for calculator, stage in last.items()
        if references.energy_column(calculator) in there
    }
    return found or dict(named[-1:])


def hulls(settings: CampaignSettings) -> dict[str, Hull]:
    """The hull of each of those stages.

    Raises:
        ConfigError: there is none of any stage.
    """
    return {
        stage: Hull.of(calculator, settings.references) for stage, calculator in with_hull(settings).items()
    }


def run(settings: CampaignSettings, place: Round) -> Outcome:
    """Write ``hull.csv``: a line for each crystal that was relaxed."""
    relaxed = [row for row in reading.rows(place.relaxed / RELAXED) if row[Relaxed.CIF]]
    found = hulls(settings)
    formulas = [row[Relaxed.FORMULA] for row in relaxed]
    above = {
        stage: hull.above(formulas, np.array([_number(row[energy_column(stage)]) for row in relaxed]))
        for stage, hull in found.items()
    }
    columns = [*map(energy_column, stages_of(settings)), *map(above_column, found)]
    rows = [
        {Find.ID: row[Relaxed.ID], Find.FORMULA: row[Relaxed.FORMULA]}
        | {energy_column(stage): row[energy_column(stage)] for stage in stages_of(settings)}
        | {above_column(stage): _text(float(values[i])) for stage, values in above.items()}
        for i, row in enumerate(relaxed)
    ]
    place.hull.mkdir(parents=True, exist_ok=True)
    durable.write_csv(place.hull / HULL, [Find.ID, Find.FORMULA, *columns], rows)
    told = ", ".join(
        f"{int((values <= settings.keep).sum()):,} within {settings.keep:g} eV/atom by {stage}"
        for stage, values in above.items()
    )
    return Outcome(f"hull: of {len(rows):,} relaxed crystals {told}; {place.hull / HULL}")


def above(row: Mapping[str, str], stages: Iterable[str]) -> dict[str, float]:
    """eV/atom above the hull by each of the ``stages`` that have one, as a line of the table says."""
    return {stage: _number(row.get(above_column(stage), "")) for stage in stages}


def _number(text: str) -> float:
    return float(text) if text else math.nan


def _text(value: float) -> str:
    return "" if math.isnan(value) else f"{value + 0.0:.{_DIGITS}f}".replace("-0.000000", "0.000000")
