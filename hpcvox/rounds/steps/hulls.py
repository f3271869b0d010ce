"""Tells which calculators have a hull, and reads how far a crystal is above each of these hulls."""

import math
from collections.abc import Iterable, Mapping

from hpcvox.errors import ConfigError
from hpcvox.relaxation.summary import Column as Relaxed
from hpcvox.relaxation.summary import stage_names
from hpcvox.rounds.settings import CampaignSettings
from hpcvox.stability import references
from hpcvox.stability.summary import above_column


def stages_of(settings: CampaignSettings) -> list[str]:
    """The names of the stages of ``relax``, as in its tables."""
    return stage_names([stage.calculator for stage in settings.relax.stages])


def with_hull(settings: CampaignSettings) -> list[str]:
    """The names of the stages whose calculator has a hull: the references have energies by it.

    Raises:
        ConfigError: there is no such stage, or the table of references cannot be read.
    """
    names = stages_of(settings)
    table = settings.references or references.SHIPPED
    known = references.calculators(table)
    alone = len(names) == 1 and Relaxed.ENERGY in references.columns(table)
    found = [name for name in names if name in known or alone]
    if not found:
        raise ConfigError(
            f"references: {table} has no energies by {' or '.join(names)} (it has {', '.join(known) or 'none'}): "
            "finds are near a hull of known phases by the same calculator (docs/stability.md)"
        )
    return found


def above(row: Mapping[str, str], stages: Iterable[str]) -> dict[str, float]:
    """The energies above the hull of a crystal in eV/atom, by stage; NaN if one is not known.

    Args:
        row: the crystal's row of ``hull.csv``; empty if there is none.
        stages: the stages that have a hull.
    """
    return {stage: float(row.get(above_column(stage)) or math.nan) for stage in stages}
