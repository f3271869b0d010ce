"""``hpcvox check``: settings are refused before anything waits in a queue with them."""

import pytest

from hpcvox.cli import main


def test_valid_settings_say_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "train-vae", "configs/train_vae.yaml", "epochs=3", "--", "judge"]) == 0
    assert capsys.readouterr() == ("", "")


def test_all_that_is_wrong_is_told_by_the_names_of_the_steps(capsys: pytest.CaptureFixture[str]) -> None:
    first = ["featurize_graph:featurize", "voxels=0"]
    assert main(["check", *first, "--", "judge", "--", "train_vae:train-vae", "epochs=abc"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("hpcvox check: error: featurize_graph: on the command line: voxels=0: ")
    assert lines[1].startswith("train_vae: on the command line: epochs=abc: ")
    assert len(lines) == 2


def test_an_unknown_verb_is_told_with_those_that_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "train"]) == 2
    assert "train: no such verb; did you mean train-vae? valid: fetch, pipeline" in capsys.readouterr().err
    assert main(["check"]) == 2
    assert "usage: hpcvox check" in capsys.readouterr().err
