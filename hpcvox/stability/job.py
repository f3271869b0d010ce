"""The job ``hull``: puts relaxed crystals on the convex hulls of known phases, and counts the stable and new ones."""

import csv
import time
from collections.abc import Mapping

from hpcvox import config
from hpcvox.crystals.known import Known
from hpcvox.crystals.sources.source import open_source
from hpcvox.errors import ConfigError, SourceError, did_you_mean
from hpcvox.files import durable, earlier
from hpcvox.process.outcome import Outcome, rejects_told
from hpcvox.relaxation.summary import TABLE as RELAXED
from hpcvox.relaxation.summary import Column as Relaxed
from hpcvox.relaxation.summary import RelaxSummary, bare, stage_column, stage_names
from hpcvox.stability import export, references, worker
from hpcvox.stability.counts import summary
from hpcvox.stability.hull import Hull
from hpcvox.stability.novelty import crystals
from hpcvox.stability.settings import HullSettings
from hpcvox.stability.summary import TABLE, Column, HullSummary
from hpcvox.stability.tables import Used, columns


def run(settings: HullSettings) -> Outcome:
    """Write ``hull.csv`` and ``summary.json`` to ``settings.out``, and files of entries if they are asked for.

    Every run places all crystals anew.

    Raises:
        SourceError: there is no finished relaxation, or the file of one of its crystals is gone; or a source of known
            crystals cannot be opened or is empty.
        ConfigError: a calculator has no references, or these cannot be used; or the folder holds results of other
            settings.
        BusyError: another run is writing the folder.
    """
    begun = time.monotonic()
    relaxed = RelaxSummary.load(settings.relaxed)
    if relaxed is None or not (settings.relaxed / RELAXED).is_file():
        raise SourceError(
            f"relaxed={settings.relaxed}: there is no finished relaxation: `hpcvox relax` makes one"
        )
    potentials = _potentials(settings, relaxed)
    with (settings.relaxed / RELAXED).open(newline="", encoding="utf-8") as file:
        given = list(csv.DictReader(file))
    for source in settings.known:
        open_source(source, targets=[]).refuse_empty()
    with durable.sole_writer(settings.out):
        config.claim(settings, settings.out)
        formulas = {line[Relaxed.FORMULA] for line in given if not line[Relaxed.CODE]}
        known = [Known.of_source(source, formulas) for source in settings.known]
        rows = worker.rows(given, known, potentials, settings)
        durable.write_csv(settings.out / TABLE, columns(list(potentials), bool(settings.known)), rows)
        if settings.entries:
            versions = {name: used.version for name, used in potentials.items()}
            chosen = [row for row in rows if row[Column.VERDICT]]
            export.write(settings.out, crystals(chosen, settings.relaxed), versions)
        told = summary(rows, settings, potentials)
        told.save(settings.out)
        earlier.whole(settings.out)
    return _outcome(settings, told, potentials, time.monotonic() - begun)


def _potentials(settings: HullSettings, relaxed: RelaxSummary) -> dict[str, Used]:
    """The calculators of the relaxation that have references, by their names, with their hulls.

    If several stages have the same calculator, the last one counts.
    """
    names = stage_names([stage.calculator for stage in relaxed.stages])
    stages = {
        bare(stage.calculator): (name, stage) for name, stage in zip(names, relaxed.stages, strict=True)
    }
    table = settings.references or references.SHIPPED
    known = references.calculators(table)
    chosen = settings.calculators
    if chosen is None:
        alone = len(stages) == 1 and "energy" in references.columns(table)
        chosen = [name for name in stages if name in known or alone]
    for name in chosen:
        if name not in stages:
            near = did_you_mean(name, stages)
            valid = ", ".join(stages)
            raise ConfigError(f"calculators: {settings.relaxed} has no stage {name!r}: {near}valid: {valid}")
    if not chosen:
        raise ConfigError(
            f"references: {table} has no energies by {' or '.join(stages)} (it has {', '.join(known) or 'none'}): an "
            "energy above the hull needs references by the same potential; docs/stability.md says how to make them"
        )
    made_by = references.made_by if settings.references is None else lambda _: ""
    return {
        name: Used(
            stage_column(stage, Relaxed.ENERGY),
            done.version,
            Hull.of(name, settings.references),
            made_by(name),
        )
        for name, (stage, done) in ((name, stages[name]) for name in dict.fromkeys(chosen))
    }


def _outcome(
    settings: HullSettings, told: HullSummary, potentials: Mapping[str, Used], seconds: float
) -> Outcome:
    counts = ", ".join(f"{count:,} {verdict}" for verdict, count in told.verdicts.items())
    parts = [f"hull: {told.placed:,} of {told.relaxed:,} relaxed crystals placed: {counts or 'none'}"]
    if told.msun is not None and told.sun is not None:
        parts.append(f"S.U.N. {told.sun.count:,}, MSUN {told.msun.count:,} of {told.drawn:,} drawn")
    parts.append(str(settings.out / TABLE))
    parts += [
        f"warning: {p.made_by} computed the references, and {p.version} the crystals"
        for p in potentials.values()
        if p.made_by not in ("", p.version)
    ]
    if told.codes:
        parts.append(rejects_told(told.codes, settings.out / TABLE))
    parts.append(f"{seconds:,.0f} s")
    return Outcome.of_inputs(parts, told.codes)
