"""Which calculators have a hull, and how far a crystal is above each, as the step ``hull`` has written it."""

import math
from collections.abc import Iterable, Mapping

from hpcvox.errors import ConfigError
from hpcvox.relaxation.summary import Column as Relaxed
from hpcvox.relaxation.summary import stage_names
from hpcvox.rounds.settings import CampaignSettings
from hpcvox.stability import references
from hpcvox.stability.summary import above_column


def stages_of(settings: CampaignSettings) -> list[str]:
    """The names of the stages of ``relax``, as its tables have them."""
    return stage_names([stage.calculator for stage in settings.relax.stages])


def with_hull(settings: CampaignSettings) -> list[str]:
    """Those of the stages that there are energies of known phases by.

    Raises:
        ConfigError: there is none, or there is no such table.
    """
    names = stages_of(settings)
    table = settings.references or references.SHIPPED
    known = references.calculators(table)
    alone = len(names) == 1 and Relaxed.ENERGY in references.columns(table)
    found = [name for name in names if name in known or alone]
    if not found:
        raise ConfigError(
            f"references: {table} has no energies by {' or '.join(names)} (it has {', '.join(known) or 'none'}): what "
            "is kept is near the hull of known phases, by the same calculator (docs/stability.md)"
        )
    return found


def above(row: Mapping[str, str], stages: Iterable[str]) -> dict[str, float]:
    """eV/atom above the hull by each of the ``stages`` that have one, NaN where that is not known."""
    return {stage: float(row.get(above_column(stage)) or math.nan) for stage in stages}
