"""Which candidates are the best, and what the page says of them."""

import csv
from pathlib import Path
from typing import Any

import pytest

from hpcvox.report.ranking import ranking
from hpcvox.report.run import Run
from hpcvox.report.sections import best
from hpcvox.screening.summary import ScreenSummary, Target
from tests.support.report_run import make_run, run_of, table

LEFT = ("a", "b", "c", "d")


def write(folder: Path, file: str, rows: list[dict[str, Any]]) -> None:
    folder.mkdir(exist_ok=True)
    table(folder / file, rows)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Four candidates that are left, and one that is lost."""
    rows = [{"id": name, "formula": f"{name}O", "lost": "", "symbol": "Fm-3m", "cif": ""} for name in LEFT]
    write(tmp_path / "judged", "judged.csv", [*rows, {**rows[0], "id": "gone", "lost": "duplicate"}])
    return tmp_path


def screened(root: Path, values: dict[str, str], **summary: Any) -> None:
    """What a network says of each candidate."""
    rows = [{"id": name, "formation_energy": value} for name, value in values.items()]
    write(root / "screened", "properties.csv", rows)
    made: dict[str, Any] = {
        "read": 4, "rejected": 0, "predicted": 4, "with_unseen_elements": 0, "metals": None, "where": None,
        "clauses": [], "passing": 4, "rank": None, "descending": False, "rejects": {},
        "without_the_rule_of_metals": [], "phases_of_the_hull": None, "significant_digits": 6,
    }  # fmt: skip
    target = Target(
        target="formation_energy", networks=[], checksums=[], learnt_as_logarithm=[False], uncertainty="none"
    )
    ScreenSummary(**{**made, "targets": {"formation_energy": target}, **summary}).save(root / "screened")


def run(root: Path) -> Run:
    return run_of(
        root,
        **{one.name: one for one in root.iterdir() if one.name in ("judged", "screened", "relaxed", "hull")},
    )


def order(root: Path) -> tuple[str, str]:
    found = ranking(run(root))
    return "".join(one.id for one in found.candidates), found.words


def test_without_an_energy_they_stand_as_they_were_generated(root: Path) -> None:
    assert order(root)[0] == "abcd"
    assert "no energy is known" in order(root)[1]


def test_the_lowest_predicted_energy_comes_first_and_what_is_not_known_last(root: Path) -> None:
    screened(root, {"a": "", "b": "-1.5", "c": "0.25", "d": "-2"})
    assert order(root)[0] == "dbca"
    assert order(root)[1] == "Best is the lowest formation energy that the network predicts."


def test_what_the_screen_was_asked_for_counts_first(root: Path) -> None:
    screened(root, {"a": "", "b": "-1.5", "c": "0.25", "d": "-2"}, rank="formation_energy", descending=True)
    assert order(root)[0] == "cbda"


def test_a_relaxed_energy_says_more_and_known_and_failed_ones_come_last(root: Path) -> None:
    screened(root, dict.fromkeys(LEFT, "-1"))
    rows = [
        {"id": "a", "code": "", "formation_energy": "-3", "match": "mp-1"},
        {"id": "b", "code": "failed", "formation_energy": "", "match": ""},
        {"id": "c", "code": "", "formation_energy": "-1", "match": ""},
        {"id": "d", "code": "", "formation_energy": "-2", "match": ""},
    ]
    write(root / "relaxed", "relaxed.csv", rows)
    assert order(root)[0] == "dcab"
    assert "lowest formation energy after relaxation; those that relax to a known crystal" in order(root)[1]
    (section,) = best.sections(run(root))
    heads = [column.name for column in section.tables[0].columns]
    shown = [[cell.text for cell in row] for row in section.tables[0].rows]
    assert [row[heads.index("formation energy, relaxed (eV/atom)")] for row in shown] == [
        "-2",
        "-1",
        "-3",
        "",
    ]
    assert shown[2][heads.index("new")] == "no: relaxes to mp-1"
    assert shown[3][heads.index("remarks")] == "relaxation failed: failed"


def test_what_is_near_the_hull_comes_first_and_what_it_finds_known_last(root: Path) -> None:
    screened(root, {"a": "-9", "b": "-1.5", "c": "0.25", "d": "-2"})
    told = {"a": ("0.2", "1", "1", ""), "b": ("-0.01", "1", "0", "mp-1"), "c": ("0.03", "0", "1", "d")}
    told["d"] = ("0.02", "1", "1", "")
    rows = [
        {"id": name, "verdict": "stable", "energy_above_hull": above, "unique": unique, "novel": novel}
        | {"match": match}
        for name, (above, unique, novel, match) in told.items()
    ]
    write(root / "hull", "hull.csv", rows)
    assert order(root) == ("dcab", "Best is the lowest energy above the hull after relaxation.")
    (section,) = best.sections(run(root))
    heads = [column.name for column in section.tables[0].columns]
    shown = [[cell.text for cell in row] for row in section.tables[0].rows]
    assert [row[heads.index("above hull (eV/atom)")] for row in shown] == [
        "0.020",
        "0.030",
        "0.200",
        "-0.010",
    ]
    new = [row[heads.index("new")] for row in shown]
    assert new == [*["not among those known"] * 3, "no: relaxes to mp-1"]
    assert shown[1][heads.index("remarks")] == "relaxes to the same as another"


def test_what_came_out_agrees_with_the_tables_on_disk(tmp_path: Path) -> None:
    settings = make_run(tmp_path)
    given = run_of(tmp_path, **{name: getattr(settings, name) for name in ("generated", "judged", "relaxed")})
    (section,) = best.sections(given)
    with (tmp_path / "judged/judged.csv").open() as handle:
        left = [row["id"] for row in csv.DictReader(handle) if not row["lost"]]
    (head, *_), rows = section.tables[0].columns, section.tables[0].rows
    ids = [column.name for column in section.tables[0].columns].index("id")
    assert [row[ids].text for row in rows] == left
    assert head.name == ""
    assert dict(section.tiles) == {
        "candidates drawn": "12", "of them plausible": "2", "distinct and new": "1", "relaxed, of 2 tried": "1",
    }  # fmt: skip
    assert section.widget is not None


def test_without_candidates_it_says_so_or_shows_what_was_generated(tmp_path: Path) -> None:
    settings = make_run(tmp_path / "run")
    (section,) = best.sections(run_of(tmp_path, generated=settings.generated))
    assert section.intro.startswith("Crystals as they were generated")
    assert section.tables == []
    write(tmp_path / "judged", "judged.csv", [{"id": "a", "lost": "duplicate"}])
    (section,) = best.sections(run_of(tmp_path, generated=settings.generated, judged=tmp_path / "judged"))
    assert section.notes[0].startswith("No candidate is left")
