"""The job ``relax``: gives crystals to actors, one at a time, and writes the results as a table and CIFs."""

import contextlib
import shutil
import time
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

from hpcvox import config
from hpcvox.actors.campaign import Campaign, in_order, parts_of
from hpcvox.actors.pool import ActorPool, actor_pool
from hpcvox.calculators.by_name import CalculatorProcess, Request, checked_parameters, require, version
from hpcvox.calculators.outside import OURS
from hpcvox.crystals.formats.cif.writing import cif_text
from hpcvox.crystals.known import Known
from hpcvox.crystals.names import file_stem
from hpcvox.crystals.sources.cif_set import CifSet
from hpcvox.crystals.sources.source import open_source
from hpcvox.errors import ConfigError
from hpcvox.files import durable, earlier
from hpcvox.process.outcome import Outcome, rejects_told
from hpcvox.relaxation import references, tables
from hpcvox.relaxation.settings import RelaxSettings, Stage
from hpcvox.relaxation.summary import TABLE, Column
from hpcvox.relaxation.worker import SCRATCH, STATES, Given, RelaxWorker, Result, pack_states
from hpcvox.terminal import counted

CIFS: Final = "cifs"
START_S: Final = 300.0


def run(settings: RelaxSettings) -> Outcome:
    """Write ``relaxed.csv``, ``cifs/``, ``summary.json`` and the ``states`` of all crystals to ``settings.out``.

    Crystals that an earlier run has finished are not computed again; those that it has begun go on.  Crystals whose
    process was killed are tried again, and those that ran out of time if ``timeout_s`` is longer now.

    Raises:
        MissingDependencyError: a calculator is not installed.
        ConfigError: a calculator does not take its parameters, or the folder holds crystals of other stages.
        SourceError: the source, or that of the known crystals, cannot be opened or is empty.
        BusyError: another run is writing the folder.
        ClusterError: Ray cannot be started or reached.
    """
    for stage in settings.stages:
        require(stage.calculator)
    targets = [] if settings.formation_energy is None else [settings.formation_energy]
    source = open_source(settings.source, settings.id_column, settings.cif_column, targets)
    source.refuse_empty()
    if settings.known is not None:
        open_source(settings.known, targets=[]).refuse_empty()
    begun = time.monotonic()
    out = settings.out
    with durable.sole_writer(out), _scratch(out):
        for stage in settings.stages:
            _check(stage, out / SCRATCH)
        config.claim(settings, out)
        (out / STATES).mkdir(exist_ok=True)
        entries = islice(source, settings.limit or None)
        total = min(filter(None, (source.total, settings.limit)), default=None)
        with actor_pool(settings.actors) as pool:
            results = _relaxed("relax", settings, pool, entries, total)
            elements = _references(settings, pool, results)
        rows = _written(settings, results, elements)
        pack_states(out, settings.crystals)
        earlier.whole(out)
    return _outcome(settings, rows, sum(r.kept for r in results), time.monotonic() - begun).passing_over(
        source.passed_over
    )


@contextlib.contextmanager
def _scratch(out: Path) -> Iterator[None]:
    """A context for the calculators' files; they are removed at its end, and those of a killed run at its start."""
    shutil.rmtree(out / SCRATCH, ignore_errors=True)
    try:
        yield
    finally:
        shutil.rmtree(out / SCRATCH, ignore_errors=True)


def _check(stage: Stage, scratch: Path) -> None:
    """Check once, before the crystals, that the calculator can be made and computes everything that is needed."""
    if stage.calculator == "gpaw" or (stage.calculator in OURS and not stage.parameters):
        return
    parameters = checked_parameters(stage.calculator, stage.parameters, stage.cell)
    with contextlib.closing(CalculatorProcess(scratch)) as process:
        answer = process.ask(Request(calculator=stage.calculator, parameters=parameters), START_S)
    if "no_calculator" in answer:
        raise ConfigError(f"stages: {answer['error']}")
    if "error" in answer:
        raise ConfigError(
            f"stages: {stage.calculator} cannot be made with parameters={parameters}: {answer['error']}"
        )
    needed = ["energy", "forces", *(["stress"] if stage.cell == "full" else [])]
    if missing := [name for name in needed if name not in answer["properties"]]:
        advice = ": take cell=volume, which goes by energies" if missing == ["stress"] else ""
        raise ConfigError(f"stages: {stage.calculator} does not compute {' and '.join(missing)}{advice}")


def _relaxed(
    label: str, settings: RelaxSettings, pool: ActorPool, given: Iterable[Given], total: int | None
) -> list[Result]:
    worker = partial(RelaxWorker, settings)
    campaign = Campaign(label, "crystals", worker, found=worker().found, figures=_figures)
    results = in_order(campaign.results(pool, parts_of(given, 1), total))
    return [result for of_one in results for result in of_one]


def _figures(results: list[Result]) -> dict[str, int]:
    return {
        "failed": sum(bool(result.code) for result in results),
        "kept": sum(result.kept for result in results),
    }


def _references(settings: RelaxSettings, pool: ActorPool, results: list[Result]) -> dict[int, float] | None:
    """Energies of the elements in all relaxed crystals; None if no formation energies are wanted."""
    if settings.formation_energy is None:
        return None
    crystals = [r.crystal for r in results if r.crystal is not None and tables.passed(r, settings.stages)]
    tasks = references.crystals(int(z) for crystal in crystals for z in crystal.numbers)
    if not tasks:
        return {}
    found = _relaxed("relax: elements", settings, pool, tasks, len(tasks))
    table = references.rows(found, len(settings.stages))
    durable.write_csv(settings.out / "references.csv", references.COLUMNS, table)
    return references.lowest(table)


def _written(
    settings: RelaxSettings, results: list[Result], elements: dict[int, float] | None
) -> list[dict[str, Any]]:
    """Write CIFs, table and summary; return the rows of the table."""
    out = settings.out
    relaxed = {
        i: tables.relaxed_crystal(r) for i, r in enumerate(results) if tables.passed(r, settings.stages)
    }
    matches = {}
    if settings.known is not None:
        known = Known.of_source(settings.known, {crystal.formula for crystal in relaxed.values()})
        matches = {i: known.match(crystal) for i, crystal in relaxed.items()}
    with CifSet(out / CIFS).replaced(settings.crystals) as add:
        for crystal in relaxed.values():
            add(f"{file_stem(crystal.id)}.cif", cif_text(crystal))
    rows = [tables.row(r, settings, matches.get(i), elements) for i, r in enumerate(results)]
    durable.write_csv(out / TABLE, tables.columns(settings), rows)
    versions = [version(stage.calculator) for stage in settings.stages]
    tables.summary(rows, settings, versions).save(out)
    return rows


def _outcome(settings: RelaxSettings, rows: list[dict[str, Any]], kept: int, seconds: float) -> Outcome:
    out = settings.out
    relaxed = [row for row in rows if Column.CIF in row]
    place = CifSet(out / CIFS).place
    parts = [
        f"relax: {len(relaxed):,} of {counted(len(rows), 'crystal')} in {place}, measures in {out / TABLE}"
    ]
    if kept:
        parts.append(f"{kept:,} done by an earlier run")
    if settings.known is not None:
        parts.append(f"{sum(Column.MATCH in row for row in rows):,} are known")
    codes: dict[str, int] = {}
    for row in sorted(rows, key=lambda row: str(row[Column.CODE])):
        if code := row[Column.CODE]:
            codes[code] = codes.get(code, 0) + 1
    if codes:
        parts.append(rejects_told(codes, out / TABLE))
    parts.append(f"{seconds:,.0f} s")
    return Outcome.of_inputs(parts, codes)
