"""The trainings of slurm/ as a user submits them, on a real SLURM of two nodes, and with GPUs."""

from pathlib import Path

import pytest
from fingerprint_shards import make_fingerprints
from graph_shards import make_graphs
from spot_shards import make_spots
from test_training_cgcnn import crystals

from hpcvox.training import runs
from hpcvox.training.metrics import read_metrics

ROOT = Path(__file__).resolve().parent.parent
SHORT = ["shards=shards", "out=run", "threads=1", "warmup_steps=2"]

pytestmark = [pytest.mark.slurm, pytest.mark.slow]


def submit(lab, folder, script, *arguments, **environment):
    return lab.sbatch(str(ROOT / f"slurm/{script}.sh"), *SHORT, *arguments, cwd=folder, **environment)


def output(folder, script, job):
    return (folder / f"slurm-{script}-{job}.out").read_text()


@pytest.mark.parametrize(
    ("script", "make", "arguments"),
    [
        (
            "train_cgcnn",
            lambda folder: make_graphs(folder, crystals()),
            ["target=affinity", "batch_size=8"],
        ),
        (
            "train_r3dvs",
            lambda folder: make_spots(folder, 24),
            [
                "target=roughness",
                "length=6.4",
                "replicas=2",
                "batch_size=8",
                "model={filters: [8, 8], dense: [16]}",
            ],
        ),
        (
            "train_fingerprint",
            make_fingerprints,
            [
                "batch_size=6",
                "classes={sc: [221], fcc: [225], bcc: [229]}",
                "model={filters: [[4, 4], [4, 4]], kernel: 3, dense: 16}",
            ],
        ),
    ],
    ids=["cgcnn", "r3dvs", "fingerprint"],
)
def test_a_training_over_both_nodes(lab, tmp_path, script, make, arguments):
    make(tmp_path / "shards")
    job = submit(lab, tmp_path, script, "epochs=2", *arguments)
    states = lab.wait([job])
    text = output(tmp_path, script, job)
    assert states == ["COMPLETED"], text
    assert lab.field(job, "NumNodes") == "2"
    assert "2 ranks of 1 threads" in text
    assert [line["epoch"] for line in read_metrics(tmp_path / "run")] == [1, 2]
    model, card = runs.load_model(tmp_path / "run", script.removeprefix("train_"))
    assert sum(p.numel() for p in model.parameters()) > 0
    assert card["epoch"] in (1, 2)


@pytest.mark.parametrize("launch", ["srun", "mpirun"])
def test_a_rank_for_each_gpu_of_both_nodes(lab, tmp_path, launch):
    (tmp_path / "empty.yaml").touch()
    on = [str(ROOT / "tests/slurm_lab" / name) for name in ("on.sh", "programs/gpus.py")]
    given = {"SBATCH_GPUS_PER_NODE": "2", "HPCVOX_LAUNCH": launch}
    job = lab.sbatch(on[0], "train", on[1], "empty.yaml", "epochs=2", cwd=tmp_path, **given)
    states = lab.wait([job])
    text = (tmp_path / f"slurm-{job}.out").read_text()
    assert states == ["COMPLETED"], text
    for rank in range(4):
        assert f"rank {rank} of 4 on node{rank // 2 + 1} sees 0,1: device=cuda epochs=2" in text
