"""The funnel of candidates: how many remain after each stage of ``judge``, and which stage lost each other one."""

from collections.abc import Mapping, Sequence
from typing import Final

from hpcvox.generation.judging.summary import TABLE, Column
from hpcvox.report import downloads
from hpcvox.report.drawing import charts
from hpcvox.report.drawing.chart import Chart
from hpcvox.report.parts import Section, Table, shown
from hpcvox.report.reading import read_rows
from hpcvox.report.run import Run
from hpcvox.report.tables import first_rows, reasons

NAME: Final = "funnel"
TITLE: Final = "Candidates that are left"


def sections(run: Run) -> list[Section]:
    """The funnel, where candidates were judged."""
    folder, most = run.judged, run.settings.table_rows
    if folder.problem:
        return []
    file = folder.file(TABLE)
    if file is None:
        return [Section(NAME, TITLE, missing=folder.unfinished(TABLE))]
    left = {} if folder.summary is None else folder.summary.funnel
    # the chart puts what is later below what is as many
    stages = dict(reversed(left.items()))
    rows = list(read_rows(file))
    offered, untold = downloads.pack("judged", downloads.listed(folder, rows), run.settings.downloads)
    section = Section(
        NAME,
        TITLE,
        intro="Plausible is what keeps the limits that real crystals have (docs/judge.md). "
        "Structures are the same whatever their cells and sizes, by pymatgen's StructureMatcher.",
        facts=[(stage, shown(count)) for stage, count in left.items()],
        charts=_charts(stages, {} if folder.summary is None else folder.summary.space_groups),
        tables=[
            *_losses(rows),
            first_rows("Every candidate, and where it was lost", rows, most, TABLE),
        ],
        notes=[*folder.notes, *untold],
        downloads=offered,
    )
    return [section]


def _charts(stages: Mapping[str, int], space_groups: Mapping[str, int]) -> list[Chart]:
    made = [charts.bars("funnel", "Left after each stage", stages, "candidates")] if stages else []
    if space_groups:
        made.append(
            charts.commonest("space-groups", "Space groups of those left", space_groups, "candidates")
        )
    return made


def _losses(rows: Sequence[dict[str, str]]) -> list[Table]:
    """How many candidates were lost where and why, the most frequent first."""
    gone = [row for row in rows if row.get(Column.LOST)]
    # of an earlier version, the table has no codes
    whys = [(row[Column.LOST], row.get(Column.CODE, "")) for row in gone]
    said = [row.get(Column.MESSAGE, "") for row in gone]
    return reasons("Why candidates were lost", ["lost", "reason", "candidates"], whys, said, len(rows))
