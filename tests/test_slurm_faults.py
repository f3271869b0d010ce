"""A node of the cluster goes away in the middle of a featurization: nothing is lost, doubled or changed."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from featurize_faults import contents
from featurize_sources import write_table

ROOT = Path(__file__).resolve().parent.parent
ENTRIES = 3000

pytestmark = [pytest.mark.slurm, pytest.mark.slow]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return write_table(tmp_path_factory.mktemp("source") / "crystals.csv", ENTRIES, bad_every=97)


@pytest.fixture(scope="module")
def whole(source, tmp_path_factory):
    """Bytes of an undisturbed run, without SLURM."""
    out = tmp_path_factory.mktemp("whole") / "shards"
    arguments = [f"source={source}", f"out={out}", "entries_per_shard=16"]
    command = [sys.executable, "-m", "hpcvox", "featurize", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 4, done.stderr
    return contents(out)


def submit(lab, source, folder):
    settings = (f"source={source}", "out=shards", "entries_per_shard=16")
    return lab.sbatch(str(ROOT / "slurm/featurize.sh"), *settings, cwd=folder)


@pytest.mark.parametrize("node", [1, 2], ids=["the node of the head", "another node"])
def test_a_node_that_dies_costs_nothing(lab, source, whole, tmp_path, node):
    job = submit(lab, source, tmp_path)
    log = tmp_path / f"slurm-featurize-{job}.out"
    deadline = time.monotonic() + 180
    while len(list((tmp_path / "shards").glob("shard-*.h5"))) < 20:
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)
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
