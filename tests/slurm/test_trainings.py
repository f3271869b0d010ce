"""The trainings of slurm/ as a user submits them, on a real SLURM of two nodes, and with GPUs."""

import base64
import contextlib
import http.client
import pickle
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
from tests.support.training_runs import assert_same_weights
from tests.support.voxel_shards import SMALL_UNET, make_shards

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
    assert "2 ranks of 1 thread" in text
    assert [line["epoch"] for line in read_metrics(tmp_path / "run")] == [1, 2]
    model, card = runs.load_model(tmp_path / "run")
    assert sum(p.numel() for p in model.parameters()) > 0
    assert card.run.epoch in (1, 2)


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


def of_job(lab: Lab, job: int, program: str) -> list[psutil.Process]:
    """The Pythons of a job that run a program."""
    mine = {"SLURM_CONF": str(lab.configuration), "SLURM_JOB_ID": str(job)}
    return [
        process
        for process in psutil.process_iter(["cmdline", "environ"])
        if (process.info["cmdline"] or [])[1:2] == [f"{ROOT}/{program}"]
        and mine.items() <= (process.info["environ"] or {}).items()
    ]


def listening(processes: list[psutil.Process]) -> set[str]:
    """The addresses at which processes listen."""
    found = set()
    for process in processes:
        with contextlib.suppress(psutil.Error):
            connections = process.net_connections()
            found |= {c.laddr.ip for c in connections if c.status == psutil.CONN_LISTEN}
    return found


class Stranger:
    """What would make a file where it was unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.file,)


def lie_to_the_launcher(environment: dict[str, str], file: Path) -> None:
    """Tell it as Horovod would where a rank listens, without the key; ask it for that of a rank."""
    place = (f"HOROVOD_GLOO_RENDEZVOUS_{word}" for word in ("ADDR", "PORT"))
    host, port = (environment[name] for name in place)
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    with contextlib.closing(connection):
        for method, body, status in (
            ("PUT", base64.b64encode(pickle.dumps(Stranger(file))), 200),
            ("GET", None, 404),
        ):
            connection.request(method, "/worker_addresses/node1:0", body)
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (status, b"")
            connection.close()
    assert not file.exists()


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
    config = tmp_path / "endless.yaml"
    config.write_text(f"shards: shards\nout: run\nepochs: {10**6}\n")
    settings = [SMALL_UNET, "batch_size=6", "species_voxels=256", "schedule=constant", "checkpoint_steps=5"]
    script = str(ROOT / "slurm/train_unet.sh")
    job = lab.sbatch(script, "endless.yaml", *SHORT[2:], *settings, cwd=tmp_path, **given)
    log = tmp_path / f"slurm-train_unet-{job}.out"

    def groups(ranks: int) -> int:
        """How often so many ranks have formed a group."""
        return log.read_text().count(f" {ranks} rank{'s' * (ranks > 1)} of") if log.exists() else 0

    lab.until(lambda: groups(2) > 0 and len(read_metrics(tmp_path / "run")) >= 3, job, log)
    assert not [line for line in command_lines() if secret in line], "every user of the node can read them"
    ranks = of_job(lab, job, "jobs/train_unet.py")
    assert len(ranks) == 2
    assert listening(of_job(lab, job, "slurm/elastic/launch.py")) == {"127.0.0.1"}, (
        "that of its interface, lo"
    )
    assert listening(ranks) == {"127.0.0.1"}
    lie_to_the_launcher(ranks[0].info["environ"], tmp_path / "run by a stranger")
    alone, joined = groups(1), groups(2)  # it may have begun before the other was there
    (on_second,) = [rank for rank in ranks if rank.info["environ"]["HOROVOD_HOSTNAME"] == "node2"]
    on_second.kill()
    lab.until(lambda: groups(1) > alone, job, log)
    lab.until(lambda: groups(2) > joined, job, log)
    lab.signal(job, "USR1")
    lab.until(lambda: "interrupted, state saved: back into the queue" in log.read_text(), job, log)
    epochs = len(read_metrics(tmp_path / "run")) + 2
    config.write_text(
        config.read_text().replace(str(10**6), str(epochs))
    )  # it waits some seconds in the queue
    assert lab.wait([job], timeout=300) == ["COMPLETED"], log.read_text()
    assert lab.field(job, "Restarts") == "1"
    assert "127.0.0.1 is no rank and is not believed" in log.read_text()
    assert [line["epoch"] for line in read_metrics(tmp_path / "run")] == list(range(1, epochs + 1))


def test_ranks_joined_by_torch_with_mpi_and_without_outlive_a_preemption_and_end_with_the_same_bits(
    lab: Lab, tmp_path: Path
) -> None:
    """By mpirun, and by an srun that tells them nothing of each other; one job of more urgency ends both."""
    shards = make_shards(tmp_path / "shards")
    jobs: dict[Path, int] = {}
    for launch in ("mpirun", "srun"):
        folder = tmp_path / launch
        folder.mkdir()
        (folder / "endless.yaml").write_text(f"shards: {shards}\nout: run\nepochs: {10**6}\n")
        given = ["endless.yaml", SMALL_UNET, "schedule=constant", "batch_size=6", "species_voxels=256"]
        own = {"HPCVOX_LAUNCH": launch, "HPCVOX_SRUN_MPI": "none"}
        script = str(ROOT / "slurm/train_unet.sh")
        jobs[folder] = lab.sbatch(
            "--cpus-per-task=1", script, *given, *SHORT[2:], "backend=torch", cwd=folder, **own
        )
    for folder, job in jobs.items():
        log = folder / f"slurm-train_unet-{job}.out"
        lab.until(lambda folder=folder: len(read_metrics(folder / "run")) >= 2, job, log)  # type: ignore[misc]
    assert not list(tmp_path.glob("*/run/.ranks-*")), "they have met, and need its folder no more"
    by_srun = of_job(lab, jobs[tmp_path / "srun"], "jobs/train_unet.py")
    assert len(by_srun) == 2
    assert listening(by_srun) == {"127.0.0.1"}, "the address of both nodes, and no other"
    last = "until [ -e go ]; do sleep 0.2; done"
    urgent = lab.sbatch("--partition=urgent", "--nodes=2", "--exclusive", "--wrap", last, cwd=tmp_path)
    log = tmp_path / f"slurm-{urgent}.out"
    lab.until(lambda: lab.states([urgent]) == ["RUNNING"], urgent, log)
    done = {folder: len(read_metrics(folder / "run")) for folder in jobs}
    for folder in jobs:
        config = folder / "endless.yaml"
        config.write_text(config.read_text().replace(str(10**6), str(max(done.values()) + 2)))
    (tmp_path / "go").touch()
    assert lab.wait([urgent]) == ["COMPLETED"]
    for folder, job in jobs.items():
        states, text = lab.wait([job]), output(folder, "train_unet", job)
        assert states == ["COMPLETED"], text
        assert lab.field(job, "Restarts") == "1"
        assert "preempted, state saved: back into the queue" in text
        assert "going on at epoch" in text
        assert text.count("2 ranks of 1 thread") == 2
        assert [line["epoch"] for line in read_metrics(folder / "run")] == list(
            range(1, max(done.values()) + 3)
        )
        assert not list(folder.glob("run/.ranks-*"))
    assert_same_weights(tmp_path / "mpirun/run", tmp_path / "srun/run")
