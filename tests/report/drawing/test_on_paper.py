"""A chart is described once: the page and the paper draw the same data of it."""

import json

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from hpcvox.report.drawing import charts, on_page, on_paper, scatters
from hpcvox.report.drawing.chart import Axis, Chart, Gallery, Line, Row
from tests.support.chart_points import points as points_of
from tests.support.chart_points import values

POINTS = np.random.default_rng(0).random((20, 2))
STEPS = np.arange(5, dtype=np.float64)
FALLING = 10.0**-STEPS


def described() -> list[Chart]:
    """One chart of each kind."""
    rng = np.random.default_rng(1)
    points, steps, falling = POINTS, STEPS, FALLING
    return [
        charts.bars("b", "t", {"a $x$ <b>": 3, "c": 5}, "n"),
        charts.histogram("h", "t", {"one": rng.random(50), "two": rng.random(30)}, "x"),
        charts.stacked("s", "t", ["0", "1"], {"p": [1, 2], "q": [3, 0]}, "x", "n"),
        charts.curves("c", "t", {"u": (steps, falling)}, "s", log=True, wide=True),
        scatters.parity("p", "t", {"u": (points[:, 0], points[:, 1])}, "x"),
        scatters.agreement("a", "t", {"u": (points[:, 0], points[:, 1])}, {"u": ["<b>"] * 20}, ("x", "y")),
        scatters.densities("d", "t", points[:, 0], [points[:, 1]], points[:, 1], "x"),
        scatters.classes("k", "t", points, {"u": np.arange(12), "v": np.arange(12, 20)}, ["t"] * 20),
        scatters.coloured("v", "t", points, points[:, 0], "x", ["t"] * 20),
    ]


def bars(figure: Figure) -> list[Rectangle]:
    """All that is drawn in the first axes beside lines and points."""
    patches = figure.axes[0].patches
    found = [patch for patch in patches if isinstance(patch, Rectangle)]
    assert len(found) == len(patches)
    return found


def test_pictures_have_the_data_of_the_charts() -> None:
    points, falling = POINTS, FALLING
    drawn = {chart.name: on_paper.picture(chart) for chart in described()}
    assert [bar.get_width() for bar in bars(drawn["b"])] == [3, 5]
    assert set(np.diff(drawn["b"].axes[0].get_xticks())) == {1}, "there is no half crystal"
    assert sum(bar.get_height() for bar in bars(drawn["h"])) == 80
    ends = [(bar.get_y(), bar.get_height()) for bar in bars(drawn["s"])]
    assert ends == [(0, 1), (0, 2), (1, 3), (2, 0)]
    assert drawn["c"].axes[0].get_yscale() == "log"
    assert np.asarray(drawn["c"].axes[0].lines[0].get_ydata()).tolist() == falling.tolist()
    for name in ("p", "a"):
        marks = np.asarray(drawn[name].axes[0].collections[0].get_offsets())
        assert sorted(map(tuple, marks)) == sorted(map(tuple, points))
    assert len(drawn["d"].axes[0].lines) == 2
    assert [len(np.asarray(group.get_offsets())) for group in drawn["k"].axes[0].collections] == [12, 8]
    assert len(drawn["v"].axes) == 2, "with a bar of its colours"
    rows = [Row("one", 0.0, 2.0, [np.full((4, 3), 1.0), np.full((4, 3), 3.0)])]
    (image,) = on_paper.gallery(Gallery("g", "t", ["a", "b"], rows)).axes[0].images
    shown = image.get_array()
    assert isinstance(shown, np.ma.MaskedArray)
    sheet = np.asarray(shown.filled(np.nan))
    assert sheet.shape == (4, 3 + 2 + 3)
    assert (sheet[:, :3] == 0.5).all()
    assert np.isnan(sheet[:, 3:5]).all()
    assert (sheet[:, 5:] == 1).all(), "not beyond the last colour"


def test_the_page_has_the_data_of_the_charts() -> None:
    trees = {chart.name: on_page.tree(chart) for chart in described()}
    assert json.loads(json.dumps(trees)) == trees
    (lying,) = trees["b"]["data"]
    assert (lying["x"], lying["y"], lying["text"]) == ([3, 5], ["a $x$ &lt;b&gt;", "c"], ["3", "5"])
    assert sum(values(trace["y"]).sum() for trace in trees["h"]["data"]) == 80
    assert [trace["y"] for trace in trees["s"]["data"]] == [[1, 2], [3, 0]]
    assert trees["s"]["layout"]["yaxis"]["dtick"] == 1
    assert trees["c"]["layout"]["yaxis"]["type"] == "log"
    assert points_of(trees["c"]["data"][0]) == list(zip(STEPS.tolist(), FALLING.tolist(), strict=True))
    line, marks = trees["p"]["data"]
    assert line["hoverinfo"] == "skip"
    assert sorted(points_of(marks)) == sorted(map(tuple, POINTS.tolist()))
    assert set(trees["a"]["data"][1]["text"]) == {"&lt;b&gt;"}
    assert trees["p"]["layout"]["xaxis"]["range"] == trees["p"]["layout"]["yaxis"]["range"]
    assert [trace.get("showlegend", True) for trace in trees["d"]["data"]] == [True, True]
    assert [trace["name"] for trace in trees["k"]["data"]] == ["u", "v"]
    (coloured,) = trees["v"]["data"]
    assert coloured["marker"]["colorbar"]["title"]["text"] == "x"
    assert {name: tree["layout"]["height"] for name, tree in trees.items()} == {
        chart.name: chart.height for chart in described()
    }


@pytest.mark.parametrize("wide", [False, True])
def test_a_legend_of_long_names_lies_within_its_picture(wide: bool) -> None:
    x = np.array([0.0, 1.0])
    lines = [Line(x, x * k, "#000000", f"a method whose name is long, number {k}") for k in range(6)]
    figure = on_paper.picture(Chart("c", "", lines, Axis(), Axis(), 340, wide))
    figure.draw_without_rendering()
    (axes,) = figure.axes
    legend = axes.get_legend()
    assert legend is not None
    box, whole = legend.get_window_extent(), axes.get_window_extent()
    assert whole.x0 <= box.x0 < box.x1 <= whole.x1
