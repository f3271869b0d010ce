"""What another package adds, which is found by its entry points and nowhere named in hpcvox."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cards import card_in
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
    assert card_in(tmp_path / "best" / "model.safetensors")["task"] == "tiny"
    assert (tmp_path / "best" / "said.txt").exists()


def test_one_that_is_nowhere_is_named_with_those_that_are() -> None:
    said = hpcvox("train", "tinny", status=2)
    assert "there is no network tinny: did you mean tiny? valid:" in said
    assert "there is no network elsewhere:NET: No module named 'elsewhere'" in hpcvox(
        "train", "elsewhere:NET", status=2
    )
    assert "usage: hpcvox train NETWORK" in hpcvox("train", status=2)


def test_its_parts_hold_to_the_contracts_of_their_kinds(shards: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hpcvox_tiny.contracts", str(tmp_path / "new"), str(shards)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, env=HERE, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "empty.tiny: the file is empty" in done.stdout


def test_its_descriptor_and_calculator_are_valid_settings_and_its_source_is_told(tmp_path: Path) -> None:
    (tmp_path / "salts.unknown").touch()
    assert "descriptor: fractions" in hpcvox("featurize", "descriptor=fractions", "--defaults")
    hpcvox("check", "relax", "stages=[springs]", "--", "featurize", "descriptor=fractions", "heaviest=60")
    assert "coulomb, fractions" in hpcvox("featurize", "descriptor=friction", status=2)
    assert "did you mean springs?" in hpcvox("check", "relax", "stages=[sprigns]", status=2)
    assert "lines of rocksalt crystals (.tiny)" in hpcvox(
        "featurize", f"source={tmp_path}/salts.unknown", status=2
    )


@pytest.mark.slow
def test_its_source_its_descriptor_and_its_calculator_work_in_our_jobs(tmp_path: Path) -> None:
    (tmp_path / "salts.tiny").write_text("a Na Cl 5.64 -2.1\nb Mg O 4.21 -3.0\n")
    given = [f"source={tmp_path / 'salts.tiny'}", "actors=1"]
    assert "2 crystals from 2 inputs" in hpcvox(
        "featurize", "descriptor=fractions", *given, f"out={tmp_path / 'shards'}"
    )
    assert "descriptor    fractions" in re.sub(
        " +", "    ", hpcvox("shards", "info", str(tmp_path / "shards"))
    )
    hpcvox("relax", *given, "stages=[{calculator: springs, cell: fixed}]", f"out={tmp_path / 'relaxed'}")
    assert "springs_energy" in (tmp_path / "relaxed" / "relaxed.csv").read_text()


@pytest.mark.slow
def test_its_section_is_on_the_page_before_the_files(shards: Path, tmp_path: Path) -> None:
    out = tmp_path / "report"
    hpcvox("report", f"shards={shards}", f"out={out}", "figures=false", "latent=0")
    page = (out / "report.html").read_text("utf-8")
    assert page.index("Numbers of elements") < page.index("Where every file is")


def test_a_package_that_cannot_be_loaded_is_named(tmp_path: Path) -> None:
    info = tmp_path / "broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[hpcvox.descriptors]\nx = broken:X\n")
    command = [sys.executable, "-m", "hpcvox", "featurize", "descriptor=soup"]
    there = {**HERE, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=there, check=False)
    assert done.returncode == 2
    assert (
        "broken is installed, and its entry point x = broken:X (hpcvox.descriptors) cannot be" in done.stderr
    )
