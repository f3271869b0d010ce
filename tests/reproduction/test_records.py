"""Rows, their statistics, and the paper's values beside them; page and Markdown as they tell them."""

import numpy as np
import pytest

from hpcvox.report.drawing.chart import Gallery, Line, Points
from hpcvox.report.drawing.chart import Row as Pictures
from hpcvox.reproduction import markdown, page, told
from hpcvox.reproduction.experiment import PaperValue, beside
from hpcvox.reproduction.summary import Claim, Made, Reduced, ReproductionSummary, Row


def row(*values: float, method: str = "ours", at: float | None = 30) -> Row:
    return Row(quantity="accuracy", method=method, at=at, unit="%", better="higher", values=list(values))


VALUES = (
    PaperValue("accuracy", "ours", "%", "Fig. 3", 94, 30),
    PaperValue("accuracy", "theirs", "%", "Fig. 5, a picture"),
    PaperValue("speed", "ours", "1/s", "Table 2", 7, absent="not repeated"),
)


def summary(*rows: Row) -> ReproductionSummary:
    claim = Claim(statement="It | is so", where="p. 1", rule="x > 1", holds=False, evidence="x 0.5")
    made = Made(
        name="one",
        title="Experiment one",
        about="What is done.",
        needs=[],
        makes=["a figure"],
        axis="turns",
        rows=beside(rows, VALUES, "higher"),
        claims=[claim],
        steps=3,
        seconds=60,
    )
    return ReproductionSummary(
        hpcvox="0",
        paper="p",
        title="A paper <b>",
        command="hpcvox reproduce p",
        size="small",
        facts={"draws": "2, of seed 0"},
        quantities={"accuracy (%)": "share"},
        reduced=[Reduced(what="draws", here="2", paper="20", costs="wider spreads")],
        experiments=[made],
    )


def test_mean_and_deviation_are_over_draws() -> None:
    assert row(1, 2, 6).mean == 3.0
    assert row(1, 2, 6).deviation == pytest.approx(7**0.5)
    assert row(5).deviation is None, "one draw has no spread"
    assert told.ours(row(90, 94)) == "92 ± 2.83 %"
    assert told.ours(row(90)) == "90 %"


def test_percentages_near_a_hundred_are_told_apart() -> None:
    assert told.ours(row(99.97, 99.95)) == "99.96 ± 0.0141 %"
    assert [told.number(value, "%") for value in (100.0, 99.91, 94.5, 0.02)] == [
        "100",
        "99.91",
        "94.5",
        "0.02",
    ]
    assert told.number(99.97) == "100", "other units have three digits"


def test_a_quantity_may_have_an_axis_and_no_direction_of_its_own() -> None:
    made = summary(row(90, 92)).experiments[0]
    plain = made.rows[0].model_copy(update={"better": "neither"})
    made = made.model_copy(update={"rows": [plain], "axes": {"accuracy": "σ (Å)"}})
    (chart,) = page.charts(made)
    assert (chart.title, chart.x.title) == ("Accuracy (%)", "σ (Å)")
    assert told.better(made) == []


def test_pictures_stand_in_the_section_of_their_experiment() -> None:
    gallery = Gallery("maps", "Maps", ["a"], [Pictures("x", 0, 1, [np.zeros((2, 2), np.float32)])], "of all")
    sections = page.sections(summary(row(90, 92)), {"one": [gallery]})
    assert [list(one.galleries) for one in sections] == [[], [gallery], []]


def test_every_value_of_the_paper_stands_there_with_ours_or_the_reason() -> None:
    rows = beside([row(90, 92), row(10, at=1), row(3, method="more")], VALUES, "higher")
    lines = {(one.quantity, one.method, one.at): (told.ours(one), told.paper(one)) for one in rows}
    assert lines == {
        ("accuracy", "ours", 30): ("91 ± 1.41 %", "94 %"),
        ("accuracy", "ours", 1): ("10 %", "–"),
        ("accuracy", "more", 30): ("3 %", "–"),
        ("accuracy", "theirs", None): ("not measured at this size", "a picture alone"),
        ("speed", "ours", None): ("not repeated", "7 1/s"),
    }


def test_the_markdown_table_has_ours_beside_the_papers() -> None:
    lines = markdown.text(summary(row(90, 92))).splitlines()
    assert lines[0] == "# A paper <b>"
    assert "| accuracy | ours | 30 | 91 ± 1.41 % | 2 | 94 % | Fig. 3 |" in lines
    assert "| speed | ours | – | not repeated | – | 7 1/s | Table 2 |" in lines
    assert "| It \\| is so | does not hold | x 0.5 | x > 1 | p. 1 |" in lines
    assert "| draws | 2 | 20 | wider spreads |" in lines


def test_the_page_has_a_chart_with_every_draw_and_the_papers_value() -> None:
    sections = page.sections(summary(row(90, 92), row(10, 14, at=1)))
    assert [one.name for one in sections] == ["about", "one", "reduced"]
    (chart,) = sections[1].charts
    marks = [mark for mark in chart.marks if isinstance(mark, Line | Points)]
    assert [list(zip(mark.x, mark.y, strict=True)) for mark in marks] == [
        [(1, 12), (30, 91)],
        [(1, 10), (1, 14), (30, 90), (30, 92)],
        [(30, 94)],
    ]
    assert sections[1].tables[1].rows[0][1].text == "does not hold"


def test_a_summary_is_read_as_it_was_written(tmp_path) -> None:  # type: ignore[no-untyped-def]
    made = summary(row(0.1, 1 / 3))
    made.save(tmp_path)
    assert ReproductionSummary.load(tmp_path) == made
