"""The trainings of slurm/ as a user submits them, on a real SLURM of two nodes, and with GPUs."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from hpcvox.training.folder import runs
from hpcvox.training.folder.metrics import read_metrics
from tests.support.fingerprint_shards import make_fingerprints
from tests.support.graph_shards import crystals, make_graphs
from tests.support.paths import ROOT
from tests.support.slurm_lab.lab import Lab
from tests.support.spot_shards import make_spots
from tests.support.voxel_shards import SMALL_UNET, make_shards

EPOCHS = 150
SHORT = ["shards=shards", "out=run", "threads=1", "warmup_steps=2"]

pytestmark = [pytest.mark.slurm, pytest.mark.slow]


def submit(lab: Lab, folder: Path, script: str, *arguments: str, **environment: str) -> int:
    return lab.sbatch(str(ROOT / f"slurm/{script}.sh"), *SHORT, *arguments, cwd=folder, **environment)


def output(folder: Path, script: str, job: int) -> str:
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
def test_a_training_over_both_nodes(
    lab: Lab, tmp_path: Path, script: str, make: Callable[[Path], Path], arguments: list[str]
) -> None:
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
def test_a_rank_for_each_gpu_of_both_nodes(lab: Lab, tmp_path: Path, launch: str) -> None:
    (tmp_path / "empty.yaml").touch()
    on = [str(ROOT / "tests/support/slurm_lab" / name) for name in ("on.sh", "programs/gpus.py")]
    given = {"SBATCH_GPUS_PER_NODE": "2", "HPCVOX_LAUNCH": launch}
    job = lab.sbatch(on[0], "train", on[1], "empty.yaml", "epochs=2", cwd=tmp_path, **given)
    states = lab.wait([job])
    text = (tmp_path / f"slurm-{job}.out").read_text()
    assert states == ["COMPLETED"], text
    for rank in range(4):
        assert f"rank {rank} of 4 on node{rank // 2 + 1} sees 0,1: device=cuda epochs=2" in text


def command_lines() -> list[str]:
    """Those of all processes of this machine."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            found.append((process / "cmdline").read_bytes().decode(errors="replace"))
    return found


def listening(program: str) -> list[str]:
    """The addresses at which the processes of a program listen."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if any(word.endswith(program) for word in process.info["cmdline"] or []):
            with contextlib.suppress(psutil.Error):
                connections = process.net_connections()
                found += [c.laddr.ip for c in connections if c.status == psutil.CONN_LISTEN]
    return found


def rank_on(lab: Lab, node: str) -> psutil.Process:
    """The process of the rank of a training on ``node``."""
    for process in psutil.process_iter(["cmdline", "environ"]):
        words, environment = process.info["cmdline"] or [], process.info["environ"] or {}
        mine = environment.get("SLURM_CONF") == str(lab.configuration)
        if (
            mine
            and environment.get("HOROVOD_HOSTNAME") == node
            and words[1:2] == [f"{ROOT}/jobs/train_unet.py"]
        ):
            return process
    raise AssertionError(f"no rank on {node}")


def test_a_rank_of_a_job_is_killed_the_rest_goes_on_it_comes_back_and_the_limit_is_near(
    lab: Lab, tmp_path: Path
) -> None:
    make_shards(tmp_path / "shards")
    secret = "a-key-that-nobody-else-may-read"
    given = {
        "HPCVOX_LAUNCH": "elastic",
        "HPCVOX_LAUNCH_ARGS": "--network-interfaces lo",
        "MP_API_KEY": secret,
    }
    settings = [SMALL_UNET, "batch_size=6", "species_voxels=256", f"epochs={EPOCHS}", "checkpoint_steps=5"]
    job = submit(lab, tmp_path, "train_unet", *settings, **given)

    log = tmp_path / f"slurm-train_unet-{job}.out"

    def groups(ranks: int) -> int:
        """How often so many ranks have formed a group."""
        return log.read_text().count(f" {ranks} ranks of") if log.exists() else 0

    lab.until(lambda: groups(2) > 0 and len(read_metrics(tmp_path / "run")) >= 3, job, log)
    assert not [line for line in command_lines() if secret in line], "every user of the node can read them"
    assert set(listening("elastic/launch.py")) == {"127.0.0.1"}, "that of the interface it was given, lo"
    alone, joined = groups(1), groups(2)  # it may have begun before the other was there
    rank_on(lab, "node2").kill()
    lab.until(lambda: groups(1) > alone, job, log)
    lab.until(lambda: groups(2) > joined, job, log)
    lab.signal(job, "USR1")
    assert lab.wait([job], timeout=300) == ["COMPLETED"], log.read_text()
    assert "interrupted, state saved: back into the queue" in log.read_text()
    assert lab.field(job, "Restarts") == "1"
    assert [line["epoch"] for line in read_metrics(tmp_path / "run")] == list(range(1, EPOCHS + 1))
