"""Counts the rows of ``hull.csv``: the summary of the job."""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from hpcvox.stability.settings import HullSettings
from hpcvox.stability.summary import Column, HullSummary, New, Potential, Share, Verdict, above_column
from hpcvox.stability.tables import Row, Used


def summary(rows: Sequence[Row], settings: HullSettings, potentials: Mapping[str, Used]) -> HullSummary:
    """Count the rows of ``hull.csv``."""
    drawn = settings.drawn or len(rows)
    verdicts = Counter(row[Column.VERDICT] for row in rows if row[Column.VERDICT])
    stable = [row for row in rows if _at_most(row, settings.stable)]
    low = [row for row in rows if _at_most(row, settings.metastable)]

    def share(chosen: Collection[Any]) -> Share:
        return Share(count=len(chosen), fraction=round(len(chosen) / drawn, 6) if drawn else 0.0)

    def new(chosen: Sequence[Row]) -> list[Row]:
        return [row for row in chosen if row.get(Column.UNIQUE) == 1 and row.get(Column.NOVEL) == 1]

    def by(kind: Column, novel: Column) -> New:
        placed = [row for row in rows if row[Column.VERDICT]]
        distinct = [{row[kind] for row in some if row.get(kind)} for some in (placed, stable, low)]
        known = {row[kind] for row in placed if row.get(novel) == 0}
        unique, of_stable, of_low = distinct
        return New(
            unique=share(unique),
            novel=share(unique - known),
            sun=share(of_stable - known),
            msun=share(of_low - known),
        )

    asked = bool(settings.known)
    return HullSummary(
        drawn=drawn,
        relaxed=sum(bool(row[Column.CIF]) for row in rows),
        placed=verdicts.total(),
        stable_at_most=settings.stable,
        metastable_at_most=settings.metastable,
        verdicts={verdict: verdicts[verdict] for verdict in Verdict if verdicts[verdict]},
        potentials={stage: _potential(rows, stage, one, settings) for stage, one in potentials.items()},
        codes=dict(sorted(Counter(row[Column.CODE] for row in rows if row[Column.CODE]).items())),
        stable=share(stable),
        metastable=share(low),
        unique=share([row for row in rows if row.get(Column.UNIQUE) == 1]) if asked else None,
        novel=share([row for row in rows if row.get(Column.NOVEL) == 1]) if asked else None,
        sun=share(new(stable)) if asked else None,
        msun=share(new(low)) if asked else None,
        by_formula=by(Column.FORMULA, Column.NOVEL_FORMULA) if asked else None,
        by_fingerprint=by(Column.FINGERPRINT, Column.NOVEL_FINGERPRINT) if asked else None,
        known=[str(path) for path in settings.known],
    )


def _at_most(row: Row, limit: float) -> bool:
    """Whether the crystal is at most ``limit`` eV/atom above the hull of every potential."""
    return bool(row[Column.VERDICT]) and float(row[Column.ABOVE]) <= limit


def _potential(rows: Sequence[Row], stage: str, one: Used, settings: HullSettings) -> Potential:
    above = np.array([float(row[above_column(stage)]) for row in rows if row.get(above_column(stage))])
    median = float(np.median(above)) if above.size else math.nan
    return Potential(
        version=one.version,
        references=one.made_by or str(settings.references),
        phases=one.hull.phases,
        placed=above.size,
        stable=int((above <= settings.stable).sum()),
        metastable=int((above <= settings.metastable).sum()),
        median_above_hull=None if math.isnan(median) else round(median, 6),
    )
