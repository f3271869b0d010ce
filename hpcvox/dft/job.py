"""The job ``dft``: gives crystals to actors, one at a time, and writes a table of their energies and field files."""

import shutil
import time
from collections import Counter
from functools import partial
from typing import Final

from hpcvox import config
from hpcvox.actors.campaign import Campaign, in_order, parts_of
from hpcvox.actors.pool import actor_pool
from hpcvox.calculators import gpaw
from hpcvox.crystals.record import Reject
from hpcvox.crystals.sources.source import open_source
from hpcvox.dft.settings import DftSettings
from hpcvox.dft.worker import FIELDS, PARTS, SCRATCH, DftWorker, Done, Row
from hpcvox.errors import MissingDependencyError
from hpcvox.files import durable, earlier
from hpcvox.process.outcome import Outcome, rejects_told
from hpcvox.shards.layout import REJECTS
from hpcvox.terminal import counted

TABLE: Final = "dft.csv"

COLUMNS: Final = (
    *("id", "file", "formula", "sites", "energy_eV", "energy_per_atom_eV", "electrons", "moment", "seconds"),
    *("converged", "iterations", "cutoff_eV", "k_points", "xc", "valence", "code", "cif"),
)


def run(settings: DftSettings) -> Outcome:
    """Write a field file for each crystal of ``settings.source`` to ``out/fields``, ``dft.csv`` and ``rejects.csv``.

    Crystals that an earlier run has finished, with a field or a reject, are not computed again.  Crystals whose process
    was killed are tried again, and those that ran out of time if ``timeout_s`` is longer now.

    Raises:
        MissingDependencyError: GPAW is not installed.
        SourceError: the source cannot be opened or is empty.
        ConfigError: the folder holds fields of other settings.
        BusyError: another run is writing the folder.
        ClusterError: Ray cannot be started or reached.
    """
    if not gpaw.installed():
        raise MissingDependencyError(f"dft needs GPAW, which is not installed: {gpaw.FIX}")
    source = open_source(settings.source, settings.id_column, settings.cif_column, [])
    source.refuse_empty()
    begun = time.monotonic()
    out = settings.out
    with durable.sole_writer(out):
        config.claim(settings, out)
        shutil.rmtree(out / SCRATCH, ignore_errors=True)  # left by a run that was killed
        for folder in (FIELDS, PARTS):
            (out / folder).mkdir(exist_ok=True)
        campaign = Campaign("dft", "crystals", partial(DftWorker, settings), figures=_figures)
        with actor_pool(settings.actors) as pool:
            found = in_order(campaign.results(pool, parts_of(source, 1), source.total))
        done = [one for of_entry in found for one in of_entry]
        rows = [one.outcome for one in done if not isinstance(one.outcome, Reject)]
        rejects = [one.outcome for one in done if isinstance(one.outcome, Reject)]
        shutil.rmtree(out / SCRATCH, ignore_errors=True)
        durable.write_csv(out / TABLE, COLUMNS, rows)
        durable.write_csv(out / REJECTS, Reject._fields, (reject._asdict() for reject in rejects))
        earlier.whole(out)
        present = {path.name for path in (out / FIELDS).glob("[!.]*")}
    kept = sum(one.kept for one in done)
    outcome = _outcome(settings, rows, rejects, kept, present, time.monotonic() - begun)
    return outcome.passing_over(source.passed_over)


def _figures(done: list[Done]) -> dict[str, int]:
    return {
        "rejects": sum(isinstance(one.outcome, Reject) for one in done),
        "kept": sum(one.kept for one in done),
    }


def _outcome(
    settings: DftSettings,
    rows: list[Row],
    rejects: list[Reject],
    kept: int,
    present: set[str],
    seconds: float,
) -> Outcome:
    out = settings.out
    parts = [
        f"dft: {counted(len(rows), 'density', 'densities')} in {out / FIELDS}, energies in {out / TABLE}"
    ]
    if kept:
        parts.append(f"{counted(kept, 'crystal')} done by an earlier run")
    if rejects:
        codes = Counter(reject.code for reject in rejects)
        parts.append(rejects_told(dict(sorted(codes.items())), out / REJECTS))
    if strays := present - {row["file"] for row in rows}:
        parts.append(f"{len(strays):,} fields there are of crystals that the table does not list")
    parts.append(f"{seconds:,.0f} s")
    return Outcome.of_inputs(parts, rejects)
