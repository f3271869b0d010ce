"""The report of a small run as a file: whole, small, escaped, and plain about what is missing."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from hpcvox.config import load
from hpcvox.errors import ConfigError, SourceError
from hpcvox.report.job import run
from hpcvox.report.settings import ReportSettings
from hpcvox.shards.reading.shard_set import ShardSet
from tests.support.chart_points import points, values
from tests.support.report_run import HOSTILE, make_run


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> ReportSettings:
    """Those of the report of a small run of which everything is there."""
    return make_run(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def page(settings: ReportSettings) -> Path:
    """The file of that report."""
    outcome = run(settings)
    path = settings.out / "report.html"
    assert str(path) in outcome.summary
    assert "nothing to show" not in outcome.summary
    assert outcome.exit_status == 0
    return path


def test_nothing_is_run_that_came_from_data(page: Path) -> None:
    text = page.read_text()
    assert HOSTILE not in text
    assert "&lt;script&gt;window.hacked = 1" in text
    assert (
        re.search(
            r"<script[^>]* src=|<link[^>]* href=\"(?!data:)|<img[^>]* src=\"(?!data:image/png)",
            text.split("<main>")[1].split("</main>")[0],
        )
        is None
    )
    assert "'unsafe-eval'" not in text.split("</head>")[0]


def test_page_is_small_and_whole(page: Path) -> None:
    text = page.read_text()
    assert len(text.encode()) < 8e6
    for said in (
        "chgnet-0.4.2",
        "cif-syntax",
        "too-close",
        "no-atoms",
        "0.8765",
        "75.0 %",
        "48",
        "1 line of metrics.jsonl",
    ):
        assert said in text
    assert (page.parent / "config.yaml").is_file()
    links = re.findall(r'<a href="([^"#][^"]*)"', text.split("<main>")[1].split("</main>")[0])
    assert links
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_what_became_of_the_candidates(page: Path) -> None:
    text = page.read_text()
    left, properties, moved = (
        text.split(f'<section id="{name}">')[1].split("</section>")[0]
        for name in ("funnel", "screened", "relaxed")
    )
    assert left.index("drawn") < left.index("placed") < left.index("not in the training set")
    assert "in-training-set" in left
    assert "band_gap &gt; 1.9" in properties
    assert properties.count("<tr>") == 1 + 4
    assert 'data-chart="screened-band_gap"' in properties
    assert "band gap std" in properties
    assert 'data-chart="screened-band_gap_std"' not in properties
    assert "median change of bonds (%)" in moved
    assert "mp-1" in moved


def charts_of(page: Path) -> dict[str, Any]:
    text = page.read_text().split('id="report-data">')[1].split("</script>")[0]
    charts: dict[str, Any] = json.loads(text)["charts"]
    return charts


def test_crystals_of_the_shard_set_are_counted_by_their_properties(
    page: Path, settings: ReportSettings
) -> None:
    made = charts_of(page)
    energy, volume, sites = (made[f"shards-{k}"] for k in range(3))
    assert [c["layout"]["xaxis"]["title"]["text"] for c in (energy, volume, sites)] == [
        "energy", "volume of the cell (Å³)", "sites in the cell"
    ]  # fmt: skip
    assert [trace["name"] for trace in energy["data"]] == ["ABC3"]
    (bars,) = sites["data"]
    counts, at = values(bars["y"]), values(bars["x"])
    assert counts.sum() == 48
    assert abs(at[counts.argmax()] - 5) < 0.1
    known = ShardSet.open(settings.shards or Path()).target("energy")
    assert values(energy["data"][0]["y"]).sum() == 48
    assert values(energy["data"][0]["x"]).min() >= known.min()


def test_what_is_predicted_stands_beside_what_is_true(page: Path) -> None:
    made = charts_of(page)
    line, itself, through = made["evaluation-lengths"]["data"]
    assert values(line["x"]).tolist() == values(line["y"]).tolist()
    # 9 lengths that are right, of which the 7 of 4 Å are one mark
    assert points(itself) == [(4.0, 4.0), (5.0, 5.0), (6.0, 6.0)]
    assert values(itself["customdata"]).tolist() == [7, 1, 1]
    assert points(through) == [(4.0, 4.1), (5.0, 5.1), (6.0, 6.1)]
    _, itself, through = made["evaluation-sites"]["data"]
    assert (points(itself), points(through)) == ([(5.0, 5.0)], [(5.0, 5.0), (5.0, 6.0)])
    _, held_out = made["networks-0"]["data"]
    assert points(held_out) == [(0.5 * k, 0.5 * k + 0.25) for k in range(8)]
    errors = page.read_text().split('<section id="networks">')[1].split("</section>")[0]
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", errors)
    assert (cells[0], cells[2:]) == ("band_gap", ["8", "0.25", "0.25"])


def test_networks_are_those_that_are_named_or_those_of_the_screen(
    settings: ReportSettings, tmp_path: Path
) -> None:
    run(settings.model_copy(update={"out": tmp_path, "networks": [tmp_path / "none"]}))
    text = (tmp_path / "report.html").read_text()
    assert f"There is no folder {tmp_path / 'none'}" in text
    assert "No network has predictions" in text
    run(settings.model_copy(update={"out": tmp_path, "networks": []}))
    assert 'id="networks"' not in (tmp_path / "report.html").read_text()


def test_a_network_alone_is_enough_to_report(
    settings: ReportSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a folder without any other run, as README has it: ``hpcvox report networks=[runs/cgcnn]``."""
    monkeypatch.chdir(tmp_path)
    run(ReportSettings(networks=[settings.out.parent / "cgcnn"], figures=False))
    text = (tmp_path / "runs/report/report.html").read_text()
    assert "Properties of held-out crystals" in text


def test_what_was_not_asked_for_is_left_out(settings: ReportSettings, tmp_path: Path) -> None:
    outcome = run(settings.model_copy(update={"out": tmp_path, "judged": tmp_path / "none", "relaxed": None}))
    text = (tmp_path / "report.html").read_text()
    assert 'id="screened"' in text
    assert 'id="funnel"' not in text
    assert 'id="relaxed"' not in text
    assert "nothing to show" not in outcome.summary


def test_missing_parts_are_said(settings: ReportSettings, tmp_path: Path) -> None:
    nowhere = tmp_path / "none"
    outcome = run(
        ReportSettings(
            out=tmp_path / "report",
            database=nowhere,
            shards=None,
            unet=settings.unet,
            vae=settings.unet,
            generated=settings.unet,
            evaluation=nowhere,
            figures=False,
        )
    )
    text = (tmp_path / "report" / "report.html").read_text()
    assert f"There is no folder {nowhere}" in text
    assert "its folder is null" in text
    assert "has no examples.npz" in text
    assert "has no candidates.csv" in text
    assert "Generated crystals" in outcome.summary


def test_nothing_at_all_is_an_error(tmp_path: Path) -> None:
    parts = ("database", "shards", "unet", "vae", "generated", "evaluation")
    with pytest.raises(SourceError, match="nothing to report"):
        run(ReportSettings(out=tmp_path, **{part: tmp_path / part for part in parts}))
    with pytest.raises(SourceError, match="all null"):
        run(ReportSettings(out=tmp_path, **dict.fromkeys(parts)))
    assert not (tmp_path / "report.html").exists()


def test_out_is_a_folder() -> None:
    with pytest.raises(ConfigError, match="out is a folder"):
        load(ReportSettings, overrides=["out=runs/report.html"])


def test_damaged_files_are_said(settings: ReportSettings, tmp_path: Path) -> None:
    vae, generated = tmp_path / "vae", tmp_path / "generated"
    shutil.copytree(settings.vae or Path(), vae)
    shutil.copytree(settings.generated or Path(), generated)
    (vae / "examples.npz").write_bytes((vae / "examples.npz").read_bytes()[:5000])
    (vae / "model.safetensors").write_text("{")
    (vae / "metrics.jsonl").write_text('{"step": 1, "train/loss": NaN}\n{"step": 2, "train/loss": 0.5}\n')
    (generated / "cifs" / "c000.cif").write_text("data_x\nloop_\n")
    run(ReportSettings(out=tmp_path / "r", vae=vae, generated=generated, figures=False))
    text = (tmp_path / "r" / "report.html").read_text()
    for said in (
        "examples.npz cannot be read",
        "model.safetensors cannot be read",
        "not a finite number 1",
        "c000.cif cannot be drawn",
    ):
        assert said in text


def test_a_record_that_is_not_what_it_should_be_is_said_and_the_rest_is_shown(
    settings: ReportSettings, tmp_path: Path
) -> None:
    generated = tmp_path / "generated"
    shutil.copytree(settings.generated or Path(), generated)
    (generated / "summary.json").write_text('{"samples": "many"}')
    run(settings.model_copy(update={"out": tmp_path / "r", "generated": generated}))
    shown = (
        (tmp_path / "r/report.html").read_text().split('<section id="generated">')[1].split("</section>")[0]
    )
    assert f"{generated}/summary.json is damaged (samples: " in shown
    assert "c000" in shown


def test_times_of_a_pipeline_are_those_that_it_noted(settings: ReportSettings, tmp_path: Path) -> None:
    (tmp_path / "timings.json").write_text('{"database": 12.3, "train_vae": 4567.8}')
    run(settings.model_copy(update={"out": tmp_path / "r", "timings": tmp_path / "timings.json"}))
    steps = (tmp_path / "r/report.html").read_text().split('<section id="run">')[1].split("</table>")[0]
    assert ">12.3<" in steps
    assert ">4568<" in steps
