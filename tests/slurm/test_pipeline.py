"""The pipeline of slurm/ as a user submits it, on a real SLURM of two nodes, with a small database and networks."""

import csv
import json
import re
from pathlib import Path

import pytest
from ase.build import bulk
from ase.io import write

from hpcvox.shards.reading.densities import grid_voxels
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.training.folder.metrics import read_metrics
from tests.support.crystal_sources import write_table
from tests.support.paths import ROOT
from tests.support.slurm_lab.lab import Lab
from tests.support.voxel_shards import SMALL_UNET, SMALL_VAE

pytestmark = [pytest.mark.slurm, pytest.mark.slow]

SMALL = [
    "database.size=100",
    "database.energy=ewald",
    "featurize.voxels=16",
    "featurize.entries_per_shard=25",
    # so that some candidates are valid and, plausible or not, are screened and relaxed
    "train_vae.epochs=10",
    "train_vae.learning_rate=0.002",
    "train_vae.batch_size=4",
    "train_vae.threads=1",
    f"train_vae.{SMALL_VAE}",
    "train_vae.condition=ewald_energy",
    "generate.per_condition=3",
    "generate.placement.mask_threshold=0.1",
    "generate.threads=1",
    "evaluate.limit=4",
    "evaluate.threads=1",
    "train_cgcnn.epochs=2",
    "train_cgcnn.threads=1",
    "relax.stages=[{calculator: lj, cell: fixed, steps: 3, fmax: 1000}]",
    "report.figures=false",
]


Done = tuple[Path, dict[str, int]]
"""Where a pipeline was submitted and has ended, and its jobs' ids by step."""


def submitted(lab: Lab, folder: Path, *arguments: str) -> dict[str, int]:
    """Submit the pipeline; its jobs' ids by step."""
    said = lab.run(str(ROOT / "slurm/pipeline.sh"), *arguments, cwd=folder)
    return {step: int(job) for step, job in re.findall(r"^(\w+) +job (\d+)$", said, re.MULTILINE)}


@pytest.fixture(scope="module")
def done(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """Where the whole pipeline was submitted and has ended, and its jobs' ids by step."""
    folder = tmp_path_factory.mktemp("pipeline")
    jobs = submitted(lab, folder, "out=made", *SMALL)
    states = lab.wait(list(jobs.values()), timeout=600)
    logs = "\n".join(log.read_text()[-3000:] for log in sorted(folder.glob("slurm-*.out")))
    assert set(states) == {"COMPLETED"}, f"{dict(zip(jobs, states, strict=True))}\n{logs}"
    return folder, jobs


def log(done: Done, step: str) -> str:
    folder, jobs = done
    return (folder / f"slurm-{step}-{jobs[step]}.out").read_text()


def test_every_step_was_submitted_in_order(done: Done) -> None:
    assert list(done[1]) == [
        "database",
        "featurize",
        "featurize_graph",
        "train_vae",
        "train_cgcnn",
        "evaluate",
        "generate",
        "judge",
        "screen",
        "relax",
        "report",
    ]


def test_featurize_used_both_nodes(done: Done, lab: Lab) -> None:
    assert lab.field(done[1]["featurize"], "NumNodes") == "2"
    assert "starting Ray on 2 nodes, 2 CPUs each" in log(done, "featurize")


def test_the_shards_hold_every_crystal(done: Done) -> None:
    made = done[0] / "made"
    with (made / "database/crystals.csv").open(newline="") as table:
        crystals = len(list(csv.DictReader(table)))
    shards = ShardSet.open(made / "shards")
    manifest = json.loads((made / "shards/manifest.json").read_text())
    assert grid_voxels(shards) == 16
    assert shards.n_samples + manifest["n_rejects"] == crystals > 50


@pytest.mark.parametrize(
    ("step", "run", "epochs"),
    [
        ("train_vae", "vae", 10),
        ("train_cgcnn", "cgcnn", 2),
    ],
)
def test_the_trainings_ran_on_two_nodes(done: Done, lab: Lab, step: str, run: str, epochs: int) -> None:
    assert lab.field(done[1][step], "NumNodes") == "2"
    assert "2 ranks of 1 thread" in log(done, step)
    assert [line["epoch"] for line in read_metrics(done[0] / "made" / run)][-1] == epochs
    assert (done[0] / "made" / run / "model.safetensors").is_file()


def test_crystals_were_generated_and_reported(done: Done) -> None:
    with (done[0] / "made/generated/candidates.csv").open(newline="") as table:
        assert len(list(csv.DictReader(table))) == 30, "three for each of ten bins"
    for name in ("judged", "screened", "relaxed"):
        assert (done[0] / "made" / name / f"{name}.csv").is_file()
    assert "unet: null" in (done[0] / "made/generated/config.yaml").read_text()
    page = (done[0] / "made/report/report.html").read_text()
    assert "Training the VAE" in page
    assert "<html" in page[:500].lower()


def test_a_failed_step_takes_the_later_ones_with_it(lab: Lab, tmp_path: Path) -> None:
    write_table(tmp_path / "crystals.csv", 40)
    (tmp_path / "made").mkdir()
    (tmp_path / "made/shards").touch()  # where there should be a folder
    given = ("out=made", "source=crystals.csv", "until=generate", "train_vae.condition=energy")
    jobs = list(submitted(lab, tmp_path, *given).values())
    assert len(jobs) == 3
    assert lab.wait(jobs, timeout=180) == ["FAILED", "CANCELLED", "CANCELLED"]
    assert "made/shards" in (tmp_path / f"slurm-featurize-{jobs[0]}.out").read_text()


def test_a_training_over_two_nodes_is_put_back_and_carries_on(done: Done, lab: Lab, tmp_path: Path) -> None:
    """USR1 in the middle of a training: checkpoint, requeue, and the epochs that were left."""
    shards = done[0] / "made/shards"
    job = lab.sbatch(
        str(ROOT / "slurm/train_unet.sh"),
        *("batch_size=4", "learning_rate=0.002", "class_weights=false", "threads=1", SMALL_UNET),
        f"shards={shards}",
        "out=unet",
        "epochs=14",
        cwd=tmp_path,
    )
    log = tmp_path / f"slurm-train_unet-{job}.out"
    lab.until(lambda: len(read_metrics(tmp_path / "unet")) >= 2, job, log)
    lab.signal(job, "USR1")
    assert lab.wait([job], timeout=240) == ["COMPLETED"]
    assert lab.field(job, "Restarts") == "1"
    text = log.read_text()
    assert "back into the queue" in text
    assert "going on at epoch" in text
    assert [line["epoch"] for line in read_metrics(tmp_path / "unet")] == list(range(1, 15)), "none twice"


def test_the_report_is_made_where_no_candidate_is_left(done: Done, lab: Lab) -> None:
    """What was made before is not made again, and what then fails takes no report with it."""
    folder = done[0]
    page = folder / "made/report/report.html"
    made, weights = page.stat().st_mtime_ns, (folder / "made/cgcnn/model.safetensors").read_bytes()
    jobs = submitted(lab, folder, "out=made", *SMALL, "judge.anonymous_formula=A9B8C7D6E5")
    states = dict(zip(jobs, lab.wait(list(jobs.values()), timeout=600), strict=True))
    assert (states.pop("screen"), states.pop("relax")) == ("FAILED", "CANCELLED")
    assert set(states.values()) == {"COMPLETED"}
    assert page.stat().st_mtime_ns > made
    assert (folder / "made/cgcnn/model.safetensors").read_bytes() == weights


def test_densities_are_computed_over_the_nodes(lab: Lab, tmp_path: Path) -> None:
    pytest.importorskip("gpaw")
    cifs = tmp_path / "cifs"
    cifs.mkdir()
    for name, length in (("MgO", 4.21), ("LiF", 4.03)):
        write(cifs / f"{name}.cif", bulk(name, "rocksalt", a=length))
    job = lab.sbatch(
        str(ROOT / "slurm/dft.sh"),
        f"source={cifs}",
        "out=dft",
        "cutoff=300",
        "k_density=0.5",
        cwd=tmp_path,
    )
    assert lab.wait([job], timeout=300) == ["COMPLETED"]
    assert "2 densities in dft/fields" in (tmp_path / f"slurm-dft-{job}.out").read_text()
