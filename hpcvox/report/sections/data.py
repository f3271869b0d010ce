"""What a run was made from: the database, and what featurization made of its crystals."""

from collections import Counter
from pathlib import Path
from typing import Final

import numpy as np

from hpcvox.database.summary import TABLE, TARGETS, Column
from hpcvox.errors import HpcvoxError
from hpcvox.report.drawing import charts
from hpcvox.report.drawing.chart import Chart
from hpcvox.report.kinds import is_space_group, kinds_of, space_group
from hpcvox.report.parts import Section, Table, shown, table
from hpcvox.report.reading import number, read_rows
from hpcvox.report.run import Run
from hpcvox.report.tables import rejects
from hpcvox.shards.layout import MANIFEST
from hpcvox.shards.manifest import Manifest, ShardLine
from hpcvox.shards.reading.shard_set import ShardSet

DATABASE: Final = "database", "Database"
FEATURIZATION: Final = "featurization", "Featurization"
"""The name and the title of each section."""

MOST_TARGETS: Final = 12


def featurization(run: Run) -> list[Section]:
    """Samples and rejects of a shard set, with the reasons, and histograms of its crystals."""
    folder, most = run.shards, run.settings.table_rows
    if folder.problem or folder.path is None:
        return [Section(*FEATURIZATION, missing=folder.problem)]
    if folder.file(MANIFEST) is None:
        missing = f"{folder.path} has no {MANIFEST}: featurization has not finished."
        return [Section(*FEATURIZATION, missing=missing, tables=rejects(folder, most))]
    facts = [] if folder.summary is None else _facts(folder.summary)
    made, untold = _histograms(folder.path)
    tables = rejects(folder, most)
    notes = [*folder.notes, *untold]
    if not tables:
        notes.append("No crystal was rejected.")
    section = Section(
        *FEATURIZATION,
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
    for place, (name, value) in enumerate(values.items()):
        known = np.isfinite(value)
        if is_space_group(name):
            groups = Counter(map(space_group, value[known].tolist()))
            made.append(charts.commonest(f"shards-{place}", "Space groups", groups, "crystals"))
            continue
        by_kind = {kind: value[known & (kinds == kind)] for kind in dict.fromkeys(kinds.tolist())}
        made += charts.histograms(f"shards-{place}", name.replace("_", " "), by_kind)
    notes = (
        [f"{len(names) - MOST_TARGETS} further targets are not drawn."] if len(names) > MOST_TARGETS else []
    )
    return made, notes


def database(run: Run) -> list[Section]:
    """Counts per class, the histogram of formation energies, and the model that computed them."""
    folder = run.database
    if folder.problem:
        return [Section(*DATABASE, missing=folder.problem)]
    crystals = folder.file(TABLE)
    if crystals is None:
        return [Section(*DATABASE, missing=f"{folder.path} has no {TABLE}: the database is not finished.")]
    target = TARGETS["chgnet"] if folder.summary is None else folder.summary.target
    energy_name = target.replace("_", " ")
    classes: Counter[str] = Counter()
    models: Counter[str] = Counter()
    energies: dict[str, list[float]] = {}
    for row in read_rows(crystals):
        kind = row.get(Column.CLASS) or "no class"
        classes[kind] += 1
        energy = number(row.get(target, ""))
        if energy is not None:
            energies.setdefault(kind, []).append(energy)
            models[row.get(Column.ENERGY_MODEL) or "not named"] += 1
    total, with_energy = classes.total(), models.total()
    facts = [("crystals", shown(total)), (f"with {energy_name}", shown(with_energy))]
    facts += [("energy model", f"{name} ({shown(count)})") for name, count in models.most_common()]
    made = [charts.bars("database-classes", "Crystals of each class", classes, "crystals")] if total else []
    if with_energy:
        groups = {kind: np.array(energies[kind]) for kind, _ in classes.most_common() if kind in energies}
        model = "; ".join(name for name, _ in models.most_common())
        title = f"{energy_name.capitalize()} ({model})"
        made.append(charts.histogram("database-energy", title, groups, f"{energy_name} (eV/atom)"))
    section = Section(
        *DATABASE,
        intro="" if folder.summary is None else f"The energy: {folder.summary.meaning}.",
        facts=facts,
        charts=made,
        tables=rejects(folder, run.settings.table_rows),
        notes=folder.notes,
    )
    return [section]
