"""The sections on the data: the database's crystals and energies, and what featurization made of them."""

import json
from collections import Counter

import numpy as np

from hpcvox.report import charts, properties
from hpcvox.report.parts import Section, Table, shown, table
from hpcvox.report.reading import Folder, flatten, number, read_rows


def database(folder: Folder, table_rows: int) -> Section:
    """Counts per class, the histogram of formation energies, and the model that computed them."""
    if folder.problem:
        return Section("database", "Database", missing=folder.problem)
    crystals = folder.file("crystals.csv")
    if crystals is None:
        return Section(
            "database",
            "Database",
            missing=f"{folder.path} has no crystals.csv: the database is not finished.",
        )
    target = str(folder.fact("target") or "formation_energy")
    energy_name = target.replace("_", " ")
    classes: Counter[str] = Counter()
    models: Counter[str] = Counter()
    energies: dict[str, list[float]] = {}
    for row in read_rows(crystals):
        kind = row.get("class") or "no class"
        classes[kind] += 1
        energy = number(row.get(target, ""))
        if energy is not None:
            energies.setdefault(kind, []).append(energy)
            models[row.get("energy_model") or "not named"] += 1
    total, with_energy = classes.total(), models.total()
    facts = [("crystals", shown(total)), (f"with {energy_name}", shown(with_energy))]
    facts += [("energy model", f"{name} ({shown(count)})") for name, count in models.most_common()]
    made = [charts.bars("database-classes", "Crystals of each class", classes, "crystals")] if total else []
    if with_energy:
        groups = {kind: np.array(energies[kind]) for kind, _ in classes.most_common() if kind in energies}
        model = "; ".join(name for name, _ in models.most_common())
        title = f"{energy_name.capitalize()} ({model})"
        made.append(charts.histogram("database-energy", title, groups, f"{energy_name} (eV/atom)"))
    tables = reject_tables(folder, table_rows)
    tiles = [("crystals in the database", shown(total))]
    return Section(
        "database",
        "Database",
        intro=f"The energy: {meaning}." if (meaning := folder.fact("meaning")) else "",
        tiles=tiles,
        facts=facts,
        charts=made,
        tables=tables,
        notes=folder.notes,
    )


def featurization(folder: Folder, table_rows: int) -> Section:
    """Samples and rejects of a shard set, with the reasons, and histograms of its crystals."""
    name, title = "featurization", "Featurization"
    if folder.problem:
        return Section(name, title, missing=folder.problem)
    if folder.file("manifest.json") is None:
        missing = f"{folder.path} has no manifest.json: featurization has not finished."
        return Section(name, title, missing=missing, tables=reject_tables(folder, table_rows))
    wanted = {
        "inputs": ("n_entries",),
        "samples": ("n_samples",),
        "rejected": ("n_rejects",),
        "descriptor": ("descriptor",),
        "grid": ("grid",),
        "source": ("source",),
    }
    facts = [(label, shown(folder.fact(*keys))) for label, keys in wanted.items()]
    facts = [(label, value) for label, value in facts if value != "None"]
    tiles = [fact for fact in facts if fact[0] in {"samples", "rejected"}]
    tables = reject_tables(folder, table_rows)
    made, untold = properties.histograms(folder)
    notes = [*folder.notes, *untold]
    if not tables:
        notes.append("No crystal was rejected.")
    shards = _shard_rows(folder)
    if shards:
        columns = list(shards[0])
        rows = [[row.get(column, "") for column in columns] for row in shards[:table_rows]]
        tables.append(table(f"Shards ({len(shards):,})", columns, rows, folded=True))
    return Section(name, title, tiles=tiles, facts=facts, charts=made, tables=tables, notes=notes)


def _shard_rows(folder: Folder) -> list[dict[str, object]]:
    manifest = folder.file("manifest.json")
    try:
        tree = json.loads(manifest.read_text("utf-8")) if manifest is not None else {}
    except (OSError, ValueError, RecursionError):
        return []  # said already: reading the folder noted it
    shards = tree.get("shards") if isinstance(tree, dict) else None
    return [flatten(shard) for shard in shards if isinstance(shard, dict)] if isinstance(shards, list) else []


def reject_tables(folder: Folder, most: int) -> list[Table]:
    """Rejects by reason, and each with where it came from; none where nothing was rejected."""
    file = folder.file("rejects.csv")
    if file is None:
        return []
    rows = list(read_rows(file))
    if not rows:
        return []
    codes = Counter(row.get("code") or row.get("reason") or "not said" for row in rows)
    examples = {
        row.get("code") or row.get("reason") or "not said": row.get("message", "") for row in rows[::-1]
    }
    reasons = [(code, count, examples[code]) for code, count in codes.most_common()]
    columns = list(rows[0])
    note = "" if len(rows) <= most else f"The first {most:,} of {len(rows):,}; all are in {file.name}."
    return [
        table("Rejected, by reason", ["reason", "count", "for example"], reasons),
        table(
            f"Every rejected input ({len(rows):,})",
            columns,
            [[row.get(column, "") for column in columns] for row in rows[:most]],
            note=note,
            folded=True,
        ),
    ]
