"""A node of the cluster goes away in the middle of a job: nothing is lost, doubled or changed."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.crystal_sources import write_table
from tests.support.featurize_faults import contents
from tests.support.paths import ROOT
from tests.support.slurm_lab.lab import Lab
from tests.support.training_faults import command, result
from tests.support.voxel_shards import make_shards

ENTRIES = 1000
EPOCHS = 5

pytestmark = [pytest.mark.slurm, pytest.mark.slow]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of crystals, some of which are rejects."""
    return write_table(tmp_path_factory.mktemp("source") / "crystals.csv", ENTRIES, bad_every=97)


@pytest.fixture(scope="module")
def whole(source: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Bytes of an undisturbed run, without SLURM."""
    out = tmp_path_factory.mktemp("whole") / "shards"
    arguments = [f"source={source}", f"out={out}", "entries_per_shard=16"]
    command = [sys.executable, "-m", "hpcvox", "featurize", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 4, done.stderr
    return contents(out)


def submit(lab: Lab, source: Path, folder: Path) -> int:
    settings = (f"source={source}", "out=shards", "entries_per_shard=16")
    return lab.sbatch("--cpus-per-task=1", str(ROOT / "slurm/featurize.sh"), *settings, cwd=folder)


@pytest.mark.parametrize("node", [1, 2], ids=["the node of the head", "another node"])
def test_a_node_that_dies_costs_nothing(
    lab: Lab, source: Path, whole: dict[str, bytes], tmp_path: Path, node: int
) -> None:
    job = submit(lab, source, tmp_path)
    log = tmp_path / f"slurm-featurize-{job}.out"
    lab.until(lambda: len(list((tmp_path / "shards").glob("shard-*.h5"))) >= 20, job, log)
    made = len(list((tmp_path / "shards").glob("shard-*.h5")))
    assert made < ENTRIES // 16, "the node dies in the middle"
    lab.kill_node(node)
    time.sleep(2)
    lab.start_node(node)  # it has been mended
    # SLURM puts the job back by itself, or the job has ended with a message: its user submits it again.
    states = lab.wait([job], timeout=300)
    if states != ["COMPLETED"]:
        assert "error: " in log.read_text(), log.read_text()
        again = submit(lab, source, tmp_path)
        assert lab.wait([again], timeout=300) == ["COMPLETED"]
    assert contents(tmp_path / "shards") == whole


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[object, ...]]:
    """A shard set, and what an undisturbed training of two ranks makes of it, without SLURM."""
    folder = tmp_path_factory.mktemp("trained")
    arguments = command(make_shards(folder / "shards"), folder / "run", EPOCHS)
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "shards", result(folder / "run")


def test_a_training_whose_node_dies_ends_with_the_same_weights(
    lab: Lab, trained: tuple[Path, tuple[object, ...]], tmp_path: Path
) -> None:
    shards, expected = trained
    out = tmp_path / "run"
    settings = command(shards, out, EPOCHS)[4:]
    job = lab.sbatch(str(ROOT / "slurm/train_unet.sh"), *settings, cwd=tmp_path)
    log = tmp_path / f"slurm-train_unet-{job}.out"
    lab.until(lambda: any((out / "checkpoints").glob("step-0000001?")), job, log)
    lab.kill_node(1)  # that of the batch script and of rank 0, which saves
    lab.until(lambda: lab.field(job, "Restarts") == "1", job, log)
    lab.start_node(1)  # it has been mended
    assert lab.wait([job], timeout=300) == ["COMPLETED"], log.read_text()
    assert "going on at epoch" in log.read_text()
    assert result(out) == expected
