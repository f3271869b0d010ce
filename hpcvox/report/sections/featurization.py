"""What featurization made of the crystals: samples and rejects, and histograms of targets, cells and sites."""

from collections import Counter
from pathlib import Path
from typing import Final

import numpy as np

from hpcvox.errors import HpcvoxError
from hpcvox.report.drawing import charts
from hpcvox.report.drawing.chart import Chart
from hpcvox.report.kinds import is_space_group, kinds_of, space_group
from hpcvox.report.parts import Section, Table, shown, table
from hpcvox.report.run import Run
from hpcvox.report.tables import rejects
from hpcvox.shards.layout import MANIFEST
from hpcvox.shards.manifest import Manifest, ShardLine
from hpcvox.shards.reading.shard_set import ShardSet

NAME: Final = "featurization"
TITLE: Final = "Featurization"

MOST_TARGETS: Final = 12


def sections(run: Run) -> list[Section]:
    """Samples and rejects of a shard set, with the reasons, and histograms of its crystals."""
    folder, most = run.shards, run.settings.table_rows
    if folder.problem or folder.path is None:
        return [Section(NAME, TITLE, missing=folder.problem)]
    if folder.file(MANIFEST) is None:
        missing = f"{folder.path} has no {MANIFEST}: featurization has not finished."
        return [Section(NAME, TITLE, missing=missing, tables=rejects(folder, most))]
    facts = [] if folder.summary is None else _facts(folder.summary)
    made, untold = _histograms(folder.path)
    tables = rejects(folder, most)
    notes = [*folder.notes, *untold]
    if not tables:
        notes.append("No crystal was rejected.")
    section = Section(
        NAME,
        TITLE,
        facts=facts,
        charts=made,
        tables=[*tables, *([] if folder.summary is None else _shards(folder.summary, most))],
        notes=notes,
    )
    return [section]


def _facts(manifest: Manifest) -> list[tuple[str, str]]:
    return [
        ("inputs", shown(manifest.n_entries)),
        ("samples", shown(manifest.n_samples)),
        ("rejected", shown(manifest.n_rejects)),
        ("descriptor", manifest.descriptor),
        ("grid", manifest.grid),
        ("source", manifest.source),
    ]


def _shards(manifest: Manifest, most: int) -> list[Table]:
    if not manifest.shards:
        return []
    caption = f"Shards ({len(manifest.shards):,})"
    return [table(caption, ShardLine._fields, manifest.shards[:most], folded=True)]


def _histograms(folder: Path) -> tuple[list[Chart], list[str]]:
    """A chart for each of the first targets, one of volumes and one of sites; and what is to be said of them."""
    try:
        shards = ShardSet.open(folder)
        if not len(shards):
            return [], []
        kinds = np.array(kinds_of(shards.formulas))
        names = shards.target_names
        values = {name: shards.target(name) for name in names[:MOST_TARGETS]}
        sites = np.array([len(shards.sites(index)[0]) for index in range(len(shards))], np.float64)
        volumes = np.abs(np.linalg.det(shards.cells))
    except (HpcvoxError, OSError) as error:
        return [], [f"Its crystals cannot be read: {error}."]
    values |= {"volume of the cell (Å³)": volumes, "sites in the cell": sites}
    made: list[Chart] = []
    for number, (name, value) in enumerate(values.items()):
        known = np.isfinite(value)
        if is_space_group(name):
            groups = Counter(map(space_group, value[known].tolist()))
            made.append(charts.commonest(f"shards-{number}", "Space groups", groups, "crystals"))
            continue
        by_kind = {kind: value[known & (kinds == kind)] for kind in dict.fromkeys(kinds.tolist())}
        made += charts.histograms(f"shards-{number}", name.replace("_", " "), by_kind)
    notes = (
        [f"{len(names) - MOST_TARGETS} further targets are not drawn."] if len(names) > MOST_TARGETS else []
    )
    return made, notes
