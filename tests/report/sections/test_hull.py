"""What the page says of the hull is what ``hpcvox hull`` has written, and its crystals can be turned."""

from pathlib import Path

import pytest

from hpcvox.report.drawing.chart import Bars, Points
from hpcvox.report.parts import CrystalsToTurn, Section
from hpcvox.report.sections import best, hull, verdict
from hpcvox.stability.summary import HullSummary
from tests.support.hull_run import lay, make_relaxation
from tests.support.report_run import run_of


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A relaxation by two potentials, and its hull."""
    make_relaxation(tmp_path)
    lay(tmp_path, known=[str(tmp_path / "known")], drawn=100)
    return tmp_path


def shown(place: Path, **settings: int) -> Section:
    (section,) = hull.sections(run_of(place, relaxed=place / "relaxed", hull=place / "out", **settings))
    return section


def column(section: Section, caption: str, name: str) -> list[str]:
    table = next(table for table in section.tables if table.caption == caption)
    at = [one.name for one in table.columns].index(name)
    return [row[at].text for row in table.rows]


LOWEST = "The lowest above the hull"


def test_the_lowest_come_first_with_what_each_potential_says(place: Path) -> None:
    section = shown(place)
    assert column(section, LOWEST, "id") == ["below", "twin", "torn", "high"]
    assert column(section, LOWEST, "verdict") == ["stable", "metastable", "disagree", "unstable"]
    assert column(section, LOWEST, "chgnet (eV/atom)") == ["-0.100", "0.050", "-0.010", "0.300"]
    assert column(section, LOWEST, "sevennet (eV/atom)") == ["-0.010", "0.050", "0.200", "0.300"]
    phases = column(section, LOWEST, "competing phases, chgnet")
    assert set(phases) == {"0.60 TiO2 (mp-2) + 0.40 SrO (mp-1)"}
    assert column(section, LOWEST, "new") == [
        "no: known as mp-5229", "no: known as mp-5229", "yes, of a known formula", "no: known as mp-5229"
    ]  # fmt: skip
    assert "at most 0 eV/atom above it by every potential, metastable at most 0.1" in section.intro
    facts = dict(section.facts)
    assert (facts["placed on the hull"], facts["stable"], facts["potentials disagree"]) == ("4", "1", "1")
    assert facts["novel"] == "1 (1.0 % of 100 drawn)"
    assert facts["median difference of chgnet and sevennet"] == "0.045 eV/atom"
    assert column(section, "Each potential by itself", "stable") == ["2", "1"]
    assert column(section, "Not on the hull, by reason", "reason") == [
        "no-reference",
        "not-converged",
        "no-structure",
    ]


def test_charts_have_every_crystal_that_was_placed(place: Path) -> None:
    charts = {chart.name: chart for chart in shown(place).charts}
    assert list(charts) == ["hull-chgnet", "hull-sevennet", "hull-chgnet-sevennet"]
    bars = [mark for mark in charts["hull-sevennet"].marks if isinstance(mark, Bars)]
    assert [sum(one.counts) for one in bars] == [1, 1, 1, 1]
    _, *points = charts["hull-chgnet-sevennet"].marks
    compared = {
        one.name: (one.x[0], one.y[0], one.texts[0].partition(":")[0])
        for one in points
        if isinstance(one, Points)
    }
    assert compared == {
        "stable": (-0.1, -0.01, "SrTiO3 (below)"),
        "metastable": (0.05, 0.05, "SrTiO3 (twin)"),
        "unstable": (0.3, 0.3, "SrTiO3 (high)"),
        "potentials disagree": (-0.01, 0.2, "SrTiO3 (torn)"),
    }


def test_its_crystals_are_turned_though_nothing_was_judged(place: Path) -> None:
    (first,) = best.sections(run_of(place, relaxed=place / "relaxed", hull=place / "out"))
    assert first.intro == "Relaxed crystals, the lowest above the hull first."
    assert isinstance(first.widget, CrystalsToTurn)
    ids = [crystal.id for crystal in first.widget.crystals]
    assert ids == [f"relaxed/{name}" for name in ("below", "twin", "torn", "high")]
    (table, *_) = shown(place).tables
    assert list(table.keys) == ids
    assert dict(first.tiles)["at most 0.1 eV/atom above the hull"] == "2"


def test_one_potential_without_known_crystals_is_compared_with_nothing(place: Path) -> None:
    lay(place, calculators=["chgnet"], overwrite=True)
    section = shown(place, table_rows=2)
    assert [chart.name for chart in section.charts] == ["hull-chgnet"]
    (table, *_) = section.tables
    assert "new" not in [one.name for one in table.columns]
    assert "The first 2 of 4; all are in hull.csv." in table.note
    assert [name for name, _ in section.facts if "S.U.N." in name or "difference" in name] == []


def test_without_a_summary_the_table_is_shown_and_the_damage_said(place: Path) -> None:
    (place / "out" / "summary.json").write_text("{")
    section = shown(place)
    assert column(section, LOWEST, "id")[0] == "below"
    assert "summary.json" in section.notes[0]


def test_the_hull_is_graded_and_is_the_step_after_the_relaxation(place: Path) -> None:
    told = verdict.lines(run_of(place, relaxed=place / "relaxed", hull=place / "out"))
    assert told[1].startswith(
        "  good  50.0% of 4 relaxed crystals are stable or metastable (good: 40 % or more"
    )
    assert told[-1].startswith("next: relax the best of them by DFT")
    (step,) = verdict.sections(run_of(place, relaxed=place / "relaxed"))
    assert step.commands == [f"hpcvox hull relaxed={place}/relaxed out={place}/hull"]


def test_where_few_are_near_the_hull_the_next_train_on_those(place: Path) -> None:
    told = HullSummary.load(place / "out")
    assert told is not None
    far = told.model_copy(update={"metastable": told.metastable.model_copy(update={"count": 0})})
    far.save(place / "out")
    said = verdict.lines(run_of(place, relaxed=place / "relaxed", hull=place / "out"))
    assert said[1].startswith("  poor  0.0% of 4 relaxed crystals")
    assert said[-1].endswith(": hpcvox campaign")


def test_a_hull_of_an_earlier_relaxation_is_not_shown_as_that_of_this_one(place: Path) -> None:
    table = place / "relaxed" / "relaxed.csv"
    table.write_text(table.read_text().replace("twin,SrTiO3,,-4.35,-4.25", "twin,SrTiO3,,-4.35,-4.26"))
    section = shown(place)
    assert "is of other energies than" in section.missing
    assert section.tables == ()
    (step,) = verdict.sections(run_of(place, relaxed=place / "relaxed", hull=place / "out"))
    assert step.commands == [f"hpcvox hull relaxed={place}/relaxed out={place}/hull"]
