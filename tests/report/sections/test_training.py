"""What is the best of a measure: the highest share of hits, the lowest error; and at which step that was."""

import json
from pathlib import Path

import pytest

from hpcvox.report.sections import training
from tests.support.report_run import run_of


@pytest.mark.parametrize(
    ("measure", "told"),
    [
        ("loss", "0.25 (lowest, step 20)"),
        ("density_mse", "0.25 (lowest, step 20)"),
        ("mask_f1", "0.75 (highest, step 10)"),
        ("elements", "0.75 (highest, step 10)"),
    ],
)
def test_the_best_is_the_highest_share_or_the_lowest_error(tmp_path: Path, measure: str, told: str) -> None:
    (tmp_path / "vae").mkdir()
    lines = [
        {"epoch": k, "step": 10 * k, f"held_out/{measure}": value}
        for k, value in ((1, 0.75), (2, 0.25), (3, 0.5))
    ]
    (tmp_path / "vae/metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (section, *_) = training.sections(run_of(tmp_path, vae=tmp_path / "vae"))
    (row,) = section.tables[0].rows
    assert [column.name for column in section.tables[0].columns][-1] == "held-out, at its best"
    assert (row[2].text, row[3].text) == ("0.5", told)
