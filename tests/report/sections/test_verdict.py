"""What the page and the terminal say of the crystals in words."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hpcvox.experiments.evaluate.summary import EvaluateSummary, Figures
from hpcvox.generation.judging.summary import JudgeSummary
from hpcvox.relaxation.summary import RelaxSummary
from hpcvox.report.run import TRAIN_VAE, Run, open_folder
from hpcvox.report.sections import verdict
from tests.support.report_run import make_database, run_of

REBUILT = {"species_right": 0.99, "match_rate": 0.9, "emd": 0.08}
FUNNEL = {"drawn": 200, "plausible": 180, "not in the training set": 120}
BOND_CHANGE = 4.0


def run(
    root: Path,
    rebuilt: dict[str, float] = REBUILT,
    funnel: dict[str, int] = FUNNEL,
    bond_change: float = BOND_CHANGE,
) -> Run:
    """A run with these figures, all of them good unless others are given."""
    figures = Figures(failure_rate=0.0, failures={}, failed=[], **rebuilt)
    judged: dict[str, Any] = {"lost": {}, "space_groups": {}, "left_and_charge_balanced": 0, "known": []}
    moved: dict[str, Any] = {
        "crystals": 1,
        "relaxed": 1,
        "converged": 1,
        "codes": {},
        "stages": [],
        "means": {},
    }
    summaries = {
        "evaluation": EvaluateSummary(reconstruction=figures),
        "judged": JudgeSummary(funnel=funnel, anonymous_formula=None, training_set="compared", **judged),
        "relaxed": RelaxSummary(medians={"bond_change_percent": bond_change}, **moved),
    }
    for name, summary in summaries.items():
        (root / name).mkdir()
        summary.save(root / name)
    return run_of(root, **{name: root / name for name in summaries})


def test_a_run_that_is_good_is_said_to_be_and_what_comes_next(tmp_path: Path) -> None:
    told = verdict.lines(run(tmp_path))
    assert told[0] == "are they any good? yes: all 6 figures are good"
    assert [line.split()[0] for line in told[1:-1]] == ["good"] * 6
    assert told[4].split(maxsplit=1)[1] == "90.0% of 200 candidates are plausible (good: 80 % or more)"
    assert "51.7 %, CDVAE 97.5 %" in told[2], "the figures of the papers stand beside"
    assert (
        told[-1]
        == f"next: relax the best of them by DFT: hpcvox relax source={tmp_path}/relaxed/cifs stages=[gpaw] "
        f"out={tmp_path}/relaxed_gpaw"
    )


@pytest.mark.parametrize(
    ("changed", "grade", "words", "advice"),
    [
        (
            {"rebuilt": {"species_right": 0.4}},
            "poor",
            "40.0% of the sites",
            "train the VAE longer",
        ),
        (
            {"funnel": {"drawn": 200, "plausible": 120}},
            "fair",
            "60.0% of 200 candidates are plausible",
            "draw nearer",
        ),
        (
            {"funnel": {"drawn": 200, "plausible": 180, "not in the training set": 0}},
            "poor",
            "0.0% of 180 plausible ones",
            "draw farther",
        ),
        (
            {"bond_change": 30.0},
            "poor",
            "more than 30.0 %",
            "look at the crystals that move least first",
        ),
    ],
)
def test_what_is_not_good_is_named_with_what_helps(
    tmp_path: Path, changed: dict[str, Any], grade: str, words: str, advice: str
) -> None:
    told = verdict.lines(run(tmp_path, **changed))
    (line,) = [line for line in told[1:-1] if not line.startswith("  good")]
    assert line.startswith(f"  {grade}")
    assert words in line
    assert told[-1].startswith(f"next: {advice}")


def test_the_first_of_the_worst_figures_is_mended_first(tmp_path: Path) -> None:
    bad = run(tmp_path, {"emd": 0.2}, {"drawn": 100, "plausible": 10}, 40.0)
    assert verdict.lines(bad)[-1].startswith("next: draw nearer")


def test_what_would_help_is_a_command_of_the_run(tmp_path: Path) -> None:
    """By itself, or through the pipeline that made it, whose settings it takes over."""
    folder = tmp_path / "vae"
    folder.mkdir()
    (folder / "config.yaml").write_text("epochs: 12\n")
    bad = run(tmp_path, {"emd": 0.9})
    alone = replace(bad, vae=open_folder(TRAIN_VAE, folder))
    assert verdict.lines(alone)[-1].endswith(f": hpcvox train-vae {folder}/config.yaml epochs=24")
    settings = bad.settings.model_copy(update={"timings": tmp_path / "timings.json"})
    (made, advice) = verdict.sections(replace(alone, settings=settings))
    assert advice.commands == [f"hpcvox pipeline {tmp_path}/config.yaml train_vae.epochs=24"]
    assert made.intro == "Not yet: of 4 figures 1 is poor."


def test_few_crystals_are_said_to_say_little(tmp_path: Path) -> None:
    told = verdict.lines(run(tmp_path, funnel={"drawn": 10, "plausible": 9}))
    (line,) = [line for line in told if "plausible" in line]
    assert "90.0% of 10 candidates are plausible (good: 80 % or more; few crystals: by chance" in line


def test_a_run_without_figures_has_no_verdict(tmp_path: Path) -> None:
    make_database(tmp_path / "database")
    nothing = run_of(tmp_path, database=tmp_path / "database")
    assert verdict.lines(nothing) == []
    assert verdict.sections(nothing) == []
