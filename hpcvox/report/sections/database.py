"""The database: its crystals and energies, and the model that computed them."""

from collections import Counter
from typing import Final

import numpy as np

from hpcvox.database.summary import TABLE, TARGETS, Column
from hpcvox.report.drawing import charts
from hpcvox.report.parts import Section, shown
from hpcvox.report.reading import number, read_rows
from hpcvox.report.run import Run
from hpcvox.report.tables import rejects

NAME: Final = "database"
TITLE: Final = "Database"


def sections(run: Run) -> list[Section]:
    """Counts per class, the histogram of formation energies, and the model that computed them."""
    folder = run.database
    if folder.problem:
        return [Section(NAME, TITLE, missing=folder.problem)]
    crystals = folder.file(TABLE)
    if crystals is None:
        return [Section(NAME, TITLE, missing=f"{folder.path} has no {TABLE}: the database is not finished.")]
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
        NAME,
        TITLE,
        intro="" if folder.summary is None else f"The energy: {folder.summary.meaning}.",
        facts=facts,
        charts=made,
        tables=rejects(folder, run.settings.table_rows),
        notes=folder.notes,
    )
    return [section]
