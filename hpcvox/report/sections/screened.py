"""Predicted properties of all crystals that were screened, and the crystals that pass."""

from collections.abc import Mapping, Sequence
from typing import Final

from hpcvox.report import downloads
from hpcvox.report.drawing import charts
from hpcvox.report.drawing.chart import Chart
from hpcvox.report.parts import Section, shown
from hpcvox.report.reading import numbers, read_rows
from hpcvox.report.run import Run
from hpcvox.report.tables import first_rows
from hpcvox.screening.summary import OF_CRYSTALS, PROPERTIES, SCREENED, Column, std_column

NAME: Final = "screened"
TITLE: Final = "Predicted properties"

NOT_PREDICTED: Final = {Column.ID, Column.FORMULA, Column.N_SITES, Column.N_ELEMENTS, Column.UNSEEN}
"""Columns that are no properties, besides the networks' standard deviations."""

AXES: Final[Mapping[str, str]] = {
    Column.VOLUME: "volume of the cell (Å³)",
    Column.DENSITY: "density (g/cm³)",
    Column.HULL: "energy above the hull (eV/atom)",
}
"""Those with a unit; what a network predicts has the unit that it learnt."""

MOST_PROPERTIES: Final = 12


def sections(run: Run) -> list[Section]:
    """Histograms of each property, and a table of the crystals that pass, if crystals were screened."""
    folder = run.screened
    if folder.problem:
        return []
    properties, passing = folder.file(PROPERTIES), folder.file(SCREENED)
    if properties is None or passing is None:
        return [Section(NAME, TITLE, missing=folder.unfinished(SCREENED))]
    everything, chosen = list(read_rows(properties)), list(read_rows(passing))
    offered, untold = downloads.pack("screened", downloads.listed(folder, chosen), run.settings.downloads)
    where = None if folder.summary is None else folder.summary.where
    facts = [("crystals", shown(len(everything))), ("that pass", shown(len(chosen)))]
    section = Section(
        NAME,
        TITLE,
        facts=[*facts, *([("where", where)] if where else [])],
        charts=_histograms(everything, {row.get(Column.ID, "") for row in chosen}),
        tables=[first_rows("Crystals that pass", chosen, run.settings.table_rows, SCREENED)],
        notes=[*folder.notes, *untold],
        downloads=offered,
    )
    return [section]


def _histograms(rows: Sequence[Mapping[str, str]], passing: set[str]) -> list[Chart]:
    columns = list(rows[0]) if rows else []
    deviations = {std_column(column) for column in columns}
    properties = [column for column in columns if column not in NOT_PREDICTED | deviations]
    properties.sort(key=lambda column: column in OF_CRYSTALS)
    sides = {
        "passes": [row for row in rows if row.get(Column.ID) in passing],
        "does not": [row for row in rows if row.get(Column.ID) not in passing],
    }
    made: list[Chart] = []
    for column in properties[:MOST_PROPERTIES]:
        groups = {label: numbers(side, column) for label, side in sides.items()}
        axis = AXES.get(column, column.replace("_", " "))
        made += charts.histograms(f"screened-{column}", axis, groups)
    return made
