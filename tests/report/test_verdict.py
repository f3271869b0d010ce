"""What the page and the terminal say of the crystals in words."""

import json
from pathlib import Path
from typing import Any

import pytest

from hpcvox.report import verdict
from hpcvox.report.reading import Folder, open_folder

GOOD = {
    "evaluate": {"reconstruction": {"species_right": 0.99, "match_rate": 0.9, "emd": 0.08}},
    "judge": {"funnel": {"drawn": 200, "plausible": 180, "not in the training set": 120}},
    "relax": {"medians": {"bond_change_percent": 4.0}},
}


def folders(root: Path, **changed: dict[str, Any]) -> list[Folder]:
    made = []
    for verb, facts in (GOOD | changed).items():
        folder = root / verb
        folder.mkdir()
        (folder / "summary.json").write_text(json.dumps(facts))
        made.append(open_folder(verb, folder))
    return made


def test_a_run_that_is_good_is_said_to_be_and_what_comes_next(tmp_path: Path) -> None:
    told = verdict.lines(folders(tmp_path))
    assert told[0] == "how good they are:"
    assert [line.split()[0] for line in told[1:-1]] == ["good"] * 6
    assert told[4].split(maxsplit=1)[1] == "90.0% of the candidates are plausible"
    assert (
        told[-1]
        == f"next: relax the best of them by DFT: hpcvox relax source={tmp_path}/relax/cifs stages=[gpaw]"
    )


@pytest.mark.parametrize(
    ("changed", "grade", "words", "advice"),
    [
        (
            {"evaluate": {"reconstruction": {"species_right": 0.4}}},
            "poor",
            "40.0% of the sites",
            "train the VAE longer",
        ),
        (
            {"judge": {"funnel": {"drawn": 200, "plausible": 120}}},
            "fair",
            "60.0% of the candidates are plausible",
            "draw nearer",
        ),
        (
            {"judge": {"funnel": {"drawn": 200, "plausible": 180, "not in the training set": 0}}},
            "poor",
            "0.0% of the plausible ones",
            "draw farther",
        ),
        (
            {"relax": {"medians": {"bond_change_percent": 30.0}}},
            "poor",
            "more than 30.0 %",
            "look at the crystals that move least first",
        ),
    ],
)
def test_what_is_not_good_is_named_with_what_helps(
    tmp_path: Path, changed: dict[str, Any], grade: str, words: str, advice: str
) -> None:
    told = verdict.lines(folders(tmp_path, **changed))
    (line,) = [line for line in told[1:-1] if not line.startswith("  good")]
    assert line.startswith(f"  {grade}")
    assert words in line
    assert told[-1].startswith(f"next: {advice}")


def test_the_first_of_the_worst_figures_is_mended_first(tmp_path: Path) -> None:
    changed: dict[str, dict[str, Any]] = {
        "evaluate": {"reconstruction": {"emd": 0.2}},
        "judge": {"funnel": {"drawn": 100, "plausible": 10}},
        "relax": {"medians": {"bond_change_percent": 40.0}},
    }
    assert verdict.lines(folders(tmp_path, **changed))[-1].startswith("next: draw nearer")


def test_a_run_without_figures_has_no_verdict(tmp_path: Path) -> None:
    nothing = [open_folder("judge", tmp_path / "judged")]
    assert verdict.lines(nothing) == []
    assert verdict.section(nothing) is None
