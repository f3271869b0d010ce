"""How far relaxed crystals are above the hull of known phases, by each potential; which are stable, unique and new."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Final

import numpy as np

from hpcvox.report.drawing import charts, scatters
from hpcvox.report.drawing.chart import Chart
from hpcvox.report.parts import Section, Table, TableCell, link, shown, table
from hpcvox.report.ranking import Placed, placed
from hpcvox.report.reading import number, numbers, read_rows
from hpcvox.report.run import Run
from hpcvox.report.tables import energy, reasons
from hpcvox.stability.summary import (
    TABLE,
    Column,
    HullSummary,
    Potential,
    Share,
    Verdict,
    above_column,
    phases_column,
)

NAME: Final = "hull"
TITLE: Final = "Stability"

BADGES: Final[Mapping[str, str]] = {
    Verdict.STABLE: "good",
    Verdict.METASTABLE: "fair",
    Verdict.UNSTABLE: "poor",
}
WORDS: Final[Mapping[str, str]] = {Verdict.DISAGREE: "potentials disagree"}
"""Verdicts that are told by other words than their own."""


def sections(run: Run) -> list[Section]:
    """Energies above the hull by each potential, how far these agree, and the lowest crystals, if there is a hull."""
    folder = run.hull
    if folder.problem:
        there = folder.path is not None and (folder.path / TABLE).is_file()
        return [Section(NAME, TITLE, missing=folder.problem)] if there else []
    file = folder.file(TABLE)
    if file is None:
        return [Section(NAME, TITLE, missing=folder.unfinished(TABLE))]
    summary, found = folder.summary, placed(run)
    potentials = [] if summary is None else list(summary.potentials)
    compared = [one for one in found if all(_number(one, stage) is not None for stage in potentials)]
    lost = [row for row in read_rows(file) if row.get(Column.CODE)]
    whys, said = [(row[Column.CODE],) for row in lost], [row.get(Column.MESSAGE, "") for row in lost]
    section = Section(
        NAME,
        TITLE,
        intro="" if summary is None else _intro(summary),
        facts=[] if summary is None else _facts(summary, compared),
        charts=_charts(compared, potentials),
        tables=[
            *([_lowest(found, potentials, run)] if found else []),
            *([] if summary is None else [_potentials(summary.potentials)]),
            *reasons("Not on the hull, by reason", ["reason", "crystals"], whys, said, None),
        ],
        notes=[*folder.notes, *([] if summary is None else _notes(summary))],
    )
    return [section]


def _intro(summary: HullSummary) -> str:
    by = "by every potential" if len(summary.potentials) > 1 else "by the potential"
    return (
        "Energies of the relaxed crystals above the convex hull of known phases; below 0 a crystal is more stable "
        f"than any mixture of these. Stable is what is at most {summary.stable_at_most:g} eV/atom above it {by}, "
        f"metastable at most {summary.metastable_at_most:g} (docs/stability.md)."
    )


def _facts(summary: HullSummary, found: Sequence[Placed]) -> list[tuple[str, str]]:
    verdicts = [(WORDS.get(one, one), shown(count)) for one, count in summary.verdicts.items()]
    shares = {
        "unique": summary.unique,
        "novel": summary.novel,
        "S.U.N. (stable, unique, novel)": summary.sun,
        "MSUN (stable or metastable, unique, novel)": summary.msun,
    }
    for kind, new in (("formula", summary.by_formula), ("fingerprint", summary.by_fingerprint)):
        if new is not None:
            shares |= {f"S.U.N. by {kind}": new.sun, f"MSUN by {kind}": new.msun}
    apart = [
        (f"median difference of {first} and {second}", f"{value:.3f} eV/atom")
        for first, second in combinations(summary.potentials, 2)
        if (value := _apart(found, first, second)) is not None
    ]
    return [
        ("relaxed", shown(summary.relaxed)),
        ("placed on the hull", shown(summary.placed)),
        *verdicts,
        *apart,
        *((name, _share(share, summary.drawn)) for name, share in shares.items() if share is not None),
    ]


def _share(share: Share, drawn: int) -> str:
    return f"{shown(share.count)} ({100 * share.fraction:.1f} % of {shown(drawn)} drawn)"


def _apart(found: Sequence[Placed], first: str, second: str) -> float | None:
    """The median of the differences of two potentials, eV/atom."""
    above = [numbers([one.row for one in found], above_column(stage)) for stage in (first, second)]
    return float(np.median(np.abs(above[0] - above[1]))) if above[0].size else None


def _charts(found: Sequence[Placed], potentials: Sequence[str]) -> list[Chart]:
    """A histogram for each potential, and a scatter for each two; a colour is a verdict."""
    groups = {
        WORDS.get(verdict, verdict): chosen
        for verdict in Verdict
        if (chosen := [one for one in found if one.row[Column.VERDICT] == verdict])
    }
    above = {
        stage: {
            label: numbers([one.row for one in some], above_column(stage)) for label, some in groups.items()
        }
        for stage in potentials
    }
    made: list[Chart] = []
    for stage, values in above.items():
        made += charts.histograms(f"hull-{stage}", f"above the hull by {stage} (eV/atom)", values)
    texts = {label: [_named(one, potentials) for one in some] for label, some in groups.items()}
    for first, second in combinations(potentials if found else [], 2):
        both = {label: (above[first][label], above[second][label]) for label in groups}
        axes = f"above the hull by {first} (eV/atom)", f"above the hull by {second} (eV/atom)"
        title = f"Energies above the hull by {second} and by {first}"
        made.append(scatters.agreement(f"hull-{first}-{second}", title, both, texts, axes))
    return made


def _named(one: Placed, potentials: Sequence[str]) -> str:
    energies = ", ".join(f"{float(one.row[above_column(stage)]):+.3f} by {stage}" for stage in potentials)
    return f"{one.row.get(Column.FORMULA, '')} ({one.id}): {energies}"


def _lowest(found: Sequence[Placed], potentials: Sequence[str], run: Run) -> Table:
    most = run.settings.table_rows
    chosen = found[:most]
    told = bool(chosen[0].row.get(Column.NOVEL))
    heads = [
        *("", "formula", "verdict"),
        *(f"{stage} (eV/atom)" for stage in potentials),
        *(["new"] if told else []),
        *(f"competing phases, {stage}" for stage in potentials),
        *("id", "CIF"),
    ]
    rows = [
        [
            TableCell(str(place), place),
            TableCell(one.row.get(Column.FORMULA, "")),
            TableCell(one.row[Column.VERDICT], badge=BADGES.get(one.row[Column.VERDICT], "")),
            *(energy(_number(one, stage)) for stage in potentials),
            *([_new(one.row)] if told else []),
            *(TableCell(one.row.get(phases_column(stage), "")) for stage in potentials),
            TableCell(one.id),
            _cif(one, run),
        ]
        for place, one in enumerate(chosen, 1)
    ]
    turned = run.settings.crystals and any(one.cif for one in chosen)
    note = "Competing phases make the hull at the same composition, with so much of the atoms in each."
    note += " Click a row to turn its crystal at the top of the page." if turned else ""
    if len(found) > most:
        note += f" The first {most:,} of {len(found):,}; all are in {TABLE}."
    keys = [one.key for one in chosen]
    return table("The lowest above the hull", heads, rows, note=note, keys=keys)


def _number(one: Placed, stage: str) -> float | None:
    """Its energy above the hull by a potential, eV/atom."""
    return number(one.row.get(above_column(stage), ""))


def _new(row: Mapping[str, str]) -> TableCell:
    """Whether it is unique and novel."""
    match = row.get(Column.MATCH, "")
    if row.get(Column.NOVEL) != "1":
        return TableCell(f"no: known as {match}")
    if row.get(Column.UNIQUE) != "1":
        return TableCell(f"no: the same as {match}")
    return TableCell("yes" if row.get(Column.NOVEL_FORMULA) == "1" else "yes, of a known formula")


def _cif(one: Placed, run: Run) -> TableCell:
    if one.cif is None:
        return TableCell("")
    return TableCell(one.cif.name, href=link(one.cif.place, run.page), cif=one.key)


def _potentials(potentials: Mapping[str, Potential]) -> Table:
    columns = ["potential", "version", "placed", "stable", "stable or metastable", "median (eV/atom)"]
    rows = [
        [
            *(name, one.version, one.placed, one.stable, one.metastable, energy(one.median_above_hull)),
            *(one.phases, one.references),
        ]
        for name, one in potentials.items()
    ]
    return table("Each potential by itself", [*columns, "known phases", "energies by"], rows)


def _notes(summary: HullSummary) -> list[str]:
    notes = []
    if summary.known:
        notes.append(f"New is what matches none of {', '.join(summary.known)}.")
    if summary.verdicts.get(Verdict.DISAGREE):
        notes.append("Where potentials disagree, the next judge is DFT: `hpcvox relax stages=[gpaw]`.")
    return notes
