"""A network of another package, which is found by its entry point and nowhere named in hpcvox."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.training_runs import weights

OUTSIDE = ROOT / "tests" / "support" / "outside"
HERE = {**os.environ, "PYTHONPATH": os.pathsep.join([str(OUTSIDE), str(ROOT)])}
FAST = ("batch_size=8", "threads=1", "learning_rate=0.05", "warmup_steps=0", "schedule=constant")


def hpcvox(*arguments: str, status: int = 0) -> str:
    command = [sys.executable, "-m", "hpcvox", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, env=HERE, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.slow
def test_it_is_trained_goes_on_and_is_trained_by_ranks_like_ours(shards: Path, tmp_path: Path) -> None:
    given = (f"shards={shards}", *FAST)
    assert "train-tiny" in hpcvox("--help")
    assert "mae" in hpcvox("train-tiny", *given, f"out={tmp_path / 'parts'}", "epochs=1")
    assert "going on at epoch 2" in hpcvox("train-tiny", *given, f"out={tmp_path / 'parts'}", "epochs=3")
    hpcvox("train-tiny", *given, f"out={tmp_path / 'whole'}", "epochs=3")
    for name, value in weights(tmp_path / "whole").items():
        assert value.equal(weights(tmp_path / "parts")[name]), name
    assert (tmp_path / "parts" / "said.txt").read_text().endswith("held out\n")
    assert "nothing to do" in hpcvox("train-tiny", *given, f"out={tmp_path / 'parts'}", "epochs=3")
    (tmp_path / "parts" / "said.txt").unlink()
    assert "nothing to do" not in hpcvox("train-tiny", *given, f"out={tmp_path / 'parts'}", "epochs=3")
    by_place = hpcvox(
        "train", "hpcvox_tiny:NETWORK", *given, f"out={tmp_path / 'ranks'}", "epochs=1", "ranks=2"
    )
    assert "2 ranks" in by_place


@pytest.mark.slow
def test_it_is_studied_and_the_best_is_loaded_and_exported(shards: Path, tmp_path: Path) -> None:
    out = tmp_path / "study"
    base = "settings={" + f"shards: {shards}, epochs: 2, batch_size: 8, threads: 1" + "}"
    hpcvox("study", "verb=train-tiny", base, "trials=2", "sampler=random", "pruner=none", f"out={out}")
    hpcvox("study", "export", str(out), str(tmp_path / "best"))
    assert json.loads((tmp_path / "best" / "model.json").read_text())["task"] == "tiny"
    assert (tmp_path / "best" / "said.txt").exists()


def test_one_that_is_nowhere_is_named_with_those_that_are() -> None:
    said = hpcvox("train", "tinny", status=2)
    assert "there is no network tinny: did you mean tiny? valid:" in said
    assert "there is no network elsewhere:NET: No module named 'elsewhere'" in hpcvox(
        "train", "elsewhere:NET", status=2
    )
    assert "usage: hpcvox train NETWORK" in hpcvox("train", status=2)
