"""What the jobs of slurm/ share, on a real SLURM of two nodes: Ray, ranks, signals, statuses."""

import contextlib
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hpcvox.shards.statistics.file import FILE
from hpcvox.statistics.job import run
from hpcvox.statistics.settings import StatisticsSettings
from tests.support.paths import ROOT
from tests.support.slurm_lab.lab import Lab
from tests.support.voxel_shards import make_shards

PROGRAMS = ROOT / "tests/support/slurm_lab/programs"

pytestmark = [pytest.mark.slurm, pytest.mark.slow]


def submit(lab: Lab, cwd: Path, *arguments: Path | str, **environment: str) -> int:
    (cwd / "empty.yaml").touch()
    return lab.sbatch(
        str(ROOT / "tests/support/slurm_lab/on.sh"), *map(str, arguments), cwd=cwd, **environment
    )


def output(cwd: Path, job: int) -> str:
    return (cwd / f"slurm-{job}.out").read_text()


def processes_of(folder: str) -> list[Path]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if folder.encode() in (process / "environ").read_bytes():
                found.append(process)
    return found


@pytest.fixture
def node_tmp() -> Iterator[Path]:
    """The temporary folder of both nodes, with a short path."""
    with tempfile.TemporaryDirectory(prefix="n-", dir="/tmp") as folder:
        yield Path(folder)


def test_ray_spans_both_nodes_and_keeps_strangers_out(lab: Lab, tmp_path: Path, node_tmp: Path) -> None:
    job = submit(
        lab, tmp_path, "on_ray", PROGRAMS / "ray_nodes.py", "empty.yaml", HPCVOX_NODE_TMP=str(node_tmp)
    )
    assert lab.wait([job]) == ["COMPLETED"], output(tmp_path, job)
    assert "actors on node1 node1 node2 node2" in output(tmp_path, job)
    assert "without the token: kept out" in output(tmp_path, job)
    assert "folders 700 700 700 700\ntoken 700 600\n" in output(tmp_path, job)
    told = r"[1-9]\d* ports, [1-9]\d* of them of agents, measurements at \[\]"
    assert re.search(told, output(tmp_path, job)), output(tmp_path, job)
    assert not list(tmp_path.glob(".hpcvox-ray*")), "the token and the log are removed"
    assert not list(node_tmp.iterdir())


@pytest.mark.parametrize("signal", ["TERM", "KILL"], ids=["as usual", "at once"])
def test_what_a_cancelled_ray_leaves_is_removed(
    lab: Lab, tmp_path: Path, node_tmp: Path, signal: str
) -> None:
    there = {"HPCVOX_NODE_TMP": str(node_tmp)}
    job = submit(lab, tmp_path, "on_ray", PROGRAMS / "wait.py", "empty.yaml", **there)
    log = tmp_path / f"slurm-{job}.out"
    lab.until(lambda: log.exists() and "waiting" in log.read_text(), job, log)
    assert len(list(node_tmp.iterdir())) == 2
    lab.run("scancel", *(["--full", "--signal=KILL"] if signal == "KILL" else []), str(job))
    lab.wait([job])
    if signal == "KILL":  # nobody could clear up: the next Ray on these nodes does
        program = tmp_path / "ends.py"
        program.write_text("")
        again = submit(lab, tmp_path, "on_ray", program, "empty.yaml", **there)
        assert lab.wait([again]) == ["COMPLETED"], output(tmp_path, again)
    else:
        assert not list(tmp_path.glob(".hpcvox-ray*"))
    assert not list(node_tmp.iterdir())


@pytest.mark.parametrize("launch", ["srun", "mpirun"])
def test_horovod_spans_both_nodes(lab: Lab, tmp_path: Path, launch: str) -> None:
    pytest.importorskip("horovod.torch")
    job = submit(lab, tmp_path, "on_ranks", PROGRAMS / "hvd_sum.py", "empty.yaml", HPCVOX_LAUNCH=launch)
    assert lab.wait([job]) == ["COMPLETED"], output(tmp_path, job)
    assert "rank 0 of 2 on node1: 3.0" in output(tmp_path, job)
    assert "rank 1 of 2 on node2: 3.0" in output(tmp_path, job)


def test_statistics_over_both_nodes_are_those_of_one_process(lab: Lab, tmp_path: Path) -> None:
    shards = make_shards(tmp_path / "shards", shards=6)
    run(StatisticsSettings(shards=shards))
    by_one = (shards / FILE).read_bytes()
    for launch in ("srun", "mpirun"):
        (shards / FILE).unlink()
        job = lab.sbatch(
            str(ROOT / "slurm/statistics.sh"), "shards=shards", cwd=tmp_path, HPCVOX_LAUNCH=launch
        )
        text = tmp_path / f"slurm-statistics-{job}.out"
        assert lab.wait([job]) == ["COMPLETED"], text.read_text()
        assert lab.field(job, "NumNodes") == "2"
        assert "statistics by 4 ranks" in text.read_text()
        assert (shards / FILE).read_bytes() == by_one


@pytest.mark.parametrize(
    ("launcher", "launch"), [("on_node", "srun"), ("on_ranks", "srun"), ("on_ranks", "mpirun")]
)
def test_near_the_limit_the_job_saves_goes_back_and_carries_on(
    lab: Lab, tmp_path: Path, launcher: str, launch: str
) -> None:
    job = submit(lab, tmp_path, launcher, PROGRAMS / "count.py", "empty.yaml", HPCVOX_LAUNCH=launch)
    ranks = 2 if launcher == "on_ranks" else 1
    log = tmp_path / f"slurm-{job}.out"
    lab.until(lambda: log.exists() and log.read_text().count("starts at 0") == ranks, job, log)
    time.sleep(1)
    lab.signal(job, "USR1")
    assert lab.wait([job]) == ["COMPLETED"], output(tmp_path, job)
    assert lab.field(job, "Restarts") == "1"
    text = output(tmp_path, job)
    assert "back into the queue" in text
    for rank in range(ranks):
        saved = int((tmp_path / f"count-{rank}").read_text())
        assert 0 < saved < 100
        assert f"rank {rank} starts at {saved}" in text
        assert text.count(f"rank {rank} ends at 100") == 1


def test_a_job_that_is_told_to_end_saves_and_stays_out_of_the_queue(lab: Lab, tmp_path: Path) -> None:
    job = submit(lab, tmp_path, "on_node", PROGRAMS / "count.py", "empty.yaml")
    log = tmp_path / f"slurm-{job}.out"
    lab.until(lambda: log.exists() and "starts at 0" in log.read_text(), job, log)
    time.sleep(0.5)
    lab.signal(job, "TERM")
    assert lab.wait([job]) == ["FAILED"]
    assert lab.field(job, "Restarts") == "0"
    assert 0 < int((tmp_path / "count-0").read_text()) < 100
    assert "the same submission carries on" in output(tmp_path, job)


def test_a_job_that_is_always_interrupted_gives_up(lab: Lab, tmp_path: Path) -> None:
    program = tmp_path / "never.py"
    program.write_text("raise SystemExit(75)\n")
    job = submit(lab, tmp_path, "on_node", program, "empty.yaml", HPCVOX_MAX_RESTARTS="1")
    assert lab.wait([job]) == ["FAILED"]
    assert lab.field(job, "Restarts") == "1"
    assert "HPCVOX_MAX_RESTARTS" in output(tmp_path, job)


@pytest.mark.parametrize(
    ("status", "state", "said"),
    [(0, "COMPLETED", "complete"), (4, "COMPLETED", "some inputs were rejected"), (2, "FAILED", "status 2")],
)
def test_statuses(lab: Lab, tmp_path: Path, status: int, state: str, said: str) -> None:
    program = tmp_path / "ends.py"
    program.write_text(f"import sys; print(sys.argv[1:]); raise SystemExit({status})\n")
    job = submit(lab, tmp_path, "on_node", program, "empty.yaml", "key=a value", "other=1")
    assert lab.wait([job]) == [state]
    assert said in output(tmp_path, job)
    assert "['empty.yaml', 'key=a value', 'other=1']" in output(tmp_path, job)


def test_a_config_among_the_arguments_replaces_the_default(lab: Lab, tmp_path: Path) -> None:
    program = tmp_path / "shows.py"
    program.write_text("import sys; print(sys.argv[1:])\n")
    (tmp_path / "mine.yaml").touch()
    job = submit(lab, tmp_path, "on_node", program, "empty.yaml", "mine.yaml", "a=1")
    assert lab.wait([job]) == ["COMPLETED"]
    assert "['mine.yaml', 'a=1']" in output(tmp_path, job)


def test_no_environment_is_said_with_the_fix(lab: Lab, tmp_path: Path) -> None:
    job = submit(
        lab, tmp_path, "on_node", PROGRAMS / "count.py", "empty.yaml", HPCVOX_VENV=str(tmp_path / "absent")
    )
    assert lab.wait([job]) == ["FAILED"]
    assert "make setup" in output(tmp_path, job)
    assert "configs/site.sh" in output(tmp_path, job)


def test_two_labs_do_not_meet(lab: Lab, tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="slurm-lab-", dir="/tmp") as folder, Lab(Path(folder)) as other:
        assert other.env["SLURM_CONF"] != lab.env["SLURM_CONF"]
        job = other.sbatch("--wrap", "hostname", cwd=tmp_path)
        assert other.wait([job]) == ["COMPLETED"]
        assert lab.states([10**6]) == ["UNKNOWN"]
    assert not processes_of(folder), "everything of the other lab has ended"
