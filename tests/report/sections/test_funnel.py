"""What became of candidates: each loss is counted with its reason."""

import json
from pathlib import Path
from typing import Any

from hpcvox.report.parts import Section
from hpcvox.report.sections import funnel
from tests.support.report_run import make_judged, run_of


def shown(folder: Path) -> Section:
    (section,) = funnel.sections(run_of(folder.parent, judged=folder, table_rows=10, downloads=10))
    return section


def losses(section: Section) -> list[list[str]]:
    table = next(table for table in section.tables if table.caption == "Why candidates were lost")
    return [[cell.text for cell in row] for row in table.rows]


def test_losses_are_counted_by_reason_the_most_frequent_first(tmp_path: Path) -> None:
    make_judged(tmp_path / "judged")
    section = shown(tmp_path / "judged")
    assert losses(section) == [
        ["not-plausible", "element", "2", "40.0 %", "there is O alone"],
        ["in-training-set", "", "1", "20.0 %", ""],
        ["not-placed", "no-cell", "1", "20.0 %", ""],
    ]
    assert [chart.title for chart in section.charts] == [
        "Left after each stage",
        "Space groups of those left",
    ]
    assert ("plausible", "2") in section.facts


def test_what_an_earlier_version_judged_is_shown_without_reasons(tmp_path: Path) -> None:
    (tmp_path / "judged.csv").write_text("id,formula,lost,match,cif\nc0,MgO,,,\nc1,MgO,duplicate,c0,\n")
    before: dict[str, Any] = {
        "funnel": {"drawn": 2, "distinct": 1},
        "lost": {"duplicate": 1},
        "space_groups": {},
    }
    before |= {"left_and_charge_balanced": 1, "anonymous_formula": None}
    before |= {"training_set": "not found", "known": [], "benchmark": None}
    (tmp_path / "summary.json").write_text(json.dumps(before))
    section = shown(tmp_path)
    assert losses(section) == [["duplicate", "", "1", "50.0 %", ""]]
    assert [chart.title for chart in section.charts] == ["Left after each stage"]


def test_where_no_candidate_is_lost_there_is_no_table_of_losses(tmp_path: Path) -> None:
    (tmp_path / "judged.csv").write_text("id,lost\nc0,\n")
    assert [table.caption for table in shown(tmp_path).tables] == ["Every candidate, and where it was lost"]
