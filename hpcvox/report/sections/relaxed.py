"""How much relaxation has changed crystals (Court et al. 2020, Table 3), and which are known crystals (Table 4)."""

from typing import Final

from hpcvox.relaxation.summary import TABLE, Column, RelaxSummary
from hpcvox.report import downloads
from hpcvox.report.drawing import charts
from hpcvox.report.parts import Section, shown
from hpcvox.report.reading import numbers, read_rows
from hpcvox.report.run import Run
from hpcvox.report.tables import first_rows

NAME: Final = "relaxed"
TITLE: Final = "Relaxed crystals"

MEASURES: Final = {
    Column.BOND_CHANGE: "change of bonds (%)",
    Column.CELL_CHANGE: "change of the cell (%)",
    Column.ENERGY_CHANGE: "change of energy (eV/atom)",
    Column.DIFFERENCE: "formation energy, from that predicted (eV/atom)",
}
"""Columns with a histogram."""


def sections(run: Run) -> list[Section]:
    """Histograms of the measures, and a table of all crystals, if crystals were relaxed."""
    folder = run.relaxed
    if folder.problem:
        return []
    file = folder.file(TABLE)
    if file is None:
        return [Section(NAME, TITLE, missing=folder.unfinished(TABLE))]
    rows = list(read_rows(file))
    offered, untold = downloads.pack("relaxed", downloads.listed(folder, rows), run.settings.downloads)
    made = [
        chart
        for column, axis in MEASURES.items()
        for chart in charts.histograms(f"relaxed-{column}", axis, {"crystals": numbers(rows, column)})
    ]
    section = Section(
        NAME,
        TITLE,
        intro="How far relaxation has moved crystals; energies are in eV/atom, lengths in Å (docs/relax.md).",
        facts=[] if folder.summary is None else _facts(folder.summary),
        charts=made,
        tables=[first_rows("Every crystal that was given", rows, run.settings.table_rows, TABLE)],
        notes=[*folder.notes, *untold],
        downloads=offered,
    )
    return [section]


def _facts(summary: RelaxSummary) -> list[tuple[str, str]]:
    counts = {"crystals": summary.crystals, "relaxed": summary.relaxed, "converged": summary.converged}
    known = {} if summary.matched is None else {"known": summary.matched}
    return [
        *((label, shown(count)) for label, count in (counts | known).items()),
        *(
            (f"median {axis}", shown(summary.medians[column]))
            for column, axis in MEASURES.items()
            if column in summary.medians
        ),
    ]
