"""What became of generated crystals: the funnel, their predicted properties, and how relaxation moved them."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hpcvox.report import charts, downloads
from hpcvox.report.parts import Chart, Section, Table, shown, table
from hpcvox.report.reading import Folder, number, read_rows

MEASURES = {
    "bond_change_percent": "change of bonds (%)",
    "cell_change_percent": "change of the cell (%)",
    "energy_change": "change of energy (eV/atom)",
    "formation_energy_difference": "formation energy, from that predicted (eV/atom)",
}
"""Columns of relaxed.csv with a histogram."""

NOT_PREDICTED = {"id", "formula", "n_sites", "n_elements", "unseen_elements"}
"""Columns of properties.csv that are no property, beside the networks' standard deviations."""

MOST_PROPERTIES = 12


def funnel(folder: Folder, table_rows: int, most_downloads: int) -> Section:
    """How many candidates each stage of ``hpcvox judge`` has left, and where every other one was lost."""
    name, title = "funnel", "Candidates that are left"
    file = folder.file("judged.csv")
    if folder.problem or file is None:
        return Section(name, title, missing=folder.problem or _unfinished(folder, "judged.csv"))
    left = {
        key.removeprefix("funnel."): value
        for key, value in folder.facts.items()
        if key.startswith("funnel.") and isinstance(value, int)
    }
    # the chart puts what is later below what is as many
    stages = dict(reversed(left.items()))
    facts = [(stage, shown(count)) for stage, count in left.items()]
    rows = list(read_rows(file))
    offered, untold = downloads.pack("judged", downloads.listed(folder, rows), most_downloads)
    tiles = [(f"plausible of {shown(len(rows))}", shown(left["plausible"]))] if "plausible" in left else []
    return Section(
        name,
        title,
        intro="Plausible is what keeps the limits that real crystals have (docs/judge.md). "
        "Structures are the same whatever their cells and sizes, by pymatgen's StructureMatcher.",
        tiles=[*tiles, *([("distinct and new", shown(list(left.values())[-1]))] if left else [])],
        facts=facts,
        charts=[charts.bars("funnel", "Left after each stage", stages, "candidates")] if left else [],
        tables=[
            *_losses(rows),
            _table("Every candidate, and where it was lost", rows, table_rows, "judged.csv"),
        ],
        notes=[*folder.notes, *untold],
        downloads=offered,
    )


def _losses(rows: Sequence[dict[str, str]]) -> list[Table]:
    """How many candidates were lost where and why, the most frequent first."""
    gone = [row for row in rows if row.get("lost")]
    examples = {(row["lost"], row.get("code", "")): row.get("message", "") for row in reversed(gone)}
    # of an earlier version, judged.csv has no codes
    whys = Counter((row["lost"], row.get("code", "")) for row in gone)
    lost = [
        (stage, code, count, f"{100 * count / len(rows):.1f} %", examples[stage, code])
        for (stage, code), count in whys.most_common()
    ]
    columns = ["lost", "reason", "candidates", "share", "for example"]
    return [table("Why candidates were lost", columns, lost)] if lost else []


def screened(folder: Folder, table_rows: int, most_downloads: int) -> Section:
    """Predicted properties of all crystals, and the crystals that pass."""
    name, title = "screened", "Predicted properties"
    properties, passing = folder.file("properties.csv"), folder.file("screened.csv")
    if folder.problem or properties is None or passing is None:
        return Section(name, title, missing=folder.problem or _unfinished(folder, "screened.csv"))
    everything, chosen = list(read_rows(properties)), list(read_rows(passing))
    columns = [
        column
        for column in (everything[0] if everything else {})
        if column not in NOT_PREDICTED and not column.endswith("_std")
    ]
    ids = {row.get("id", "") for row in chosen}
    made = []
    for column in columns[:MOST_PROPERTIES]:
        groups = {
            "passes": _numbers([row for row in everything if row.get("id") in ids], column),
            "does not": _numbers([row for row in everything if row.get("id") not in ids], column),
        }
        made += _histogram(f"screened-{column}", column.replace("_", " "), groups)
    offered, untold = downloads.pack("screened", downloads.listed(folder, chosen), most_downloads)
    where = folder.config.get("where")
    facts = [("crystals", shown(len(everything))), ("that pass", shown(len(chosen)))]
    facts += [("where", str(where))] if where else []
    return Section(
        name,
        title,
        tiles=[("crystals that pass the screen", shown(len(chosen)))],
        facts=facts,
        charts=made,
        tables=[_table("Crystals that pass", chosen, table_rows, "screened.csv")],
        notes=[*folder.notes, *untold],
        downloads=offered,
    )


def relaxed(folder: Folder, table_rows: int, most_downloads: int) -> Section:
    """How far relaxation has moved crystals: Court et al. 2020, Table 3; and which are known ones, Table 4."""
    name, title = "relaxed", "Relaxed crystals"
    file = folder.file("relaxed.csv")
    if folder.problem or file is None:
        return Section(name, title, missing=folder.problem or _unfinished(folder, "relaxed.csv"))
    rows = list(read_rows(file))
    offered, untold = downloads.pack("relaxed", downloads.listed(folder, rows), most_downloads)
    made: list[Chart] = []
    for column, axis in MEASURES.items():
        made += _histogram(f"relaxed-{column}", axis, {"crystals": _numbers(rows, column)})
    facts = [
        (label, shown(folder.facts[key]))
        for label, key in (
            ("crystals", "crystals"), ("relaxed", "relaxed"), ("converged", "converged"), ("known", "matched")
        )
        if key in folder.facts
    ]  # fmt: skip
    facts += [
        (f"median {axis}", shown(folder.facts[f"medians.{column}"]))
        for column, axis in MEASURES.items()
        if f"medians.{column}" in folder.facts
    ]
    return Section(
        name,
        title,
        facts=facts,
        charts=made,
        tables=[_table("Every crystal that was given", rows, table_rows, "relaxed.csv")],
        notes=[*folder.notes, *untold],
        downloads=offered,
    )


def _unfinished(folder: Folder, file: str) -> str:
    return f"{folder.path} has no {file}: `hpcvox {folder.verb}` has not finished there."


def _numbers(rows: Sequence[dict[str, str]], column: str) -> NDArray[np.float64]:
    values = (number(row.get(column, "")) for row in rows)
    return np.array([value for value in values if value is not None])


def _histogram(name: str, axis: str, groups: dict[str, NDArray[np.float64]]) -> list[Chart]:
    filled = {label: values for label, values in groups.items() if len(values)}
    title = axis[0].upper() + axis[1:]
    return [charts.histogram(name, title, filled, axis)] if filled else []


def _table(caption: str, rows: Sequence[dict[str, str]], most: int, file: str) -> Table:
    columns = list(rows[0]) if rows else ["id"]
    # what is empty in every row says nothing
    columns = [c for c in columns if c == "id" or any(row.get(c) for row in rows)]
    note = "" if len(rows) <= most else f"The first {most:,} of {len(rows):,}; all are in {file}."
    return table(caption, columns, [[row.get(c, "") for c in columns] for row in rows[:most]], note=note)
