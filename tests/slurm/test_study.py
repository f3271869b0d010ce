"""A study by array tasks of a real SLURM, in which workers and a node die: every trial is done, each once."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest
from optuna.trial import FrozenTrial, TrialState

from hpcvox import config
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.studies.books.journal import JOURNAL, locked
from hpcvox.studies.books.ledger import ATTEMPT, FOLDER, TAKES_UP
from hpcvox.studies.settings import StudySettings
from hpcvox.studies.study import Study
from hpcvox.training.folder.metrics import read_metrics
from tests.support.graph_shards import crystals, make_graphs
from tests.support.paths import ROOT
from tests.support.slurm_lab.lab import Lab
from tests.support.training_faults import TIMINGS
from tests.support.training_runs import wait_for
from tests.support.tuned_sets import CRYSTALS, NEIGHBOURS, write_crystals
from tests.support.tuned_sets import given as tuned

TRIALS, EPOCHS = 16, 16
REPORTED = 7
"""The journal's operation that adds a point to a trial's curve."""

pytestmark = [pytest.mark.slurm, pytest.mark.slow]


def worker_of(lab: Lab, job: int, task: int) -> psutil.Process | None:
    """The process of an array task that asks for trials; None where it is not there."""
    wanted = {
        "SLURM_CONF": lab.env["SLURM_CONF"],
        "SLURM_ARRAY_JOB_ID": str(job),
        "SLURM_ARRAY_TASK_ID": str(task),
    }
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            words = process.cmdline()
            if (
                any(word.endswith("jobs/study.py") for word in words)
                and wanted.items() <= process.environ().items()
            ):
                found.append(process)
    # what it has just forked looks like it until it becomes another program
    return min(found, key=psutil.Process.create_time, default=None)


def trial_of(worker: psutil.Process) -> Path | None:
    """Folder of the trial that a worker is in the middle of; None where it is not so, or the worker is gone."""
    # psutil would look at all processes of the machine
    with contextlib.suppress(OSError, IndexError):
        for child in Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split():
            last = Path(Path(f"/proc/{child}/cmdline").read_text().split("\0")[-2])
            if last.name == "config.yaml" and 0 < len(read_metrics(last.parent / "run")) < EPOCHS // 2:
                return last.parent
    return None


def in_the_middle_of_a_trial(lab: Lab, job: int, task: int) -> tuple[psutil.Process, Path]:
    """Wait for it: an array task's worker and the folder of its trial."""
    worker: psutil.Process | None = None
    found: list[tuple[psutil.Process, Path]] = []

    def there() -> bool:
        nonlocal worker
        if worker is None or not worker.is_running():
            worker = worker_of(lab, job, task)
        if worker is not None and (trial := trial_of(worker)) is not None:
            found.append((worker, trial))
        return bool(found)

    wait_for(there, 300, look_s=0.1)
    ((at_work, trial),) = found
    print(f"task {task} on {lab.field(f'{job}_{task}', 'NodeList')} is in the middle of {trial.name}")
    return at_work, trial


def restarts(lab: Lab, job: int, task: int) -> int:
    """How often SLURM has put an array task back into the queue."""
    return int(lab.field(f"{job}_{task}", "Restarts"))


def test_workers_and_a_node_die_and_every_trial_is_done_once(lab: Lab, tmp_path: Path) -> None:
    make_graphs(tmp_path / "graphs", crystals())
    space = "space={learning_rate: {low: 1.0e-4, high: 1.0e-2, log: true}}"
    fixed = {
        "shards": tmp_path / "graphs",
        "target": "affinity",
        "epochs": EPOCHS,
        "batch_size": 16,
        "threads": 1,
        "warmup_steps": 0,
        "model": "{atom_features: 8, hidden: 8}",
    }
    given = [
        *("verb=train-cgcnn", space, *(f"settings.{key}={value}" for key, value in fixed.items())),
        *(f"trials={TRIALS}", "ranks=2", "sampler=random", "pruner=none", "heartbeat_s=10"),
    ]
    out = tmp_path / "study"
    # Two workers a node at once.
    workers = ("--array=1-4", "--cpus-per-task=1")
    job = lab.sbatch(*workers, str(ROOT / "slurm/study.sh"), *given, f"out={out}", cwd=tmp_path)
    struck = []

    _, trial = in_the_middle_of_a_trial(lab, job, 4)
    struck.append(trial)
    lab.signal(f"{job}_4", "USR1")  # its time is nearly over
    wait_for(lambda: restarts(lab, job, 4) == 1, look_s=0.5)
    assert [restarts(lab, job, task) for task in (1, 2, 3)] == [0, 0, 0], "the others work on"

    with locked(out / f".{JOURNAL}.lock"), (out / JOURNAL).open("ab") as file:
        file.write(b'{"op_code":7,"worker_id":"kill')  # as one that is killed while it writes leaves it

    worker, trial = in_the_middle_of_a_trial(lab, job, 1)
    struck.append(trial)
    worker.kill()

    worker, trial = in_the_middle_of_a_trial(lab, job, 3)
    struck.append(trial)
    lab.run("scontrol", "requeue", f"{job}_3")
    worker.wait(60)
    assert restarts(lab, job, 3) == 1

    worker, trial = in_the_middle_of_a_trial(lab, job, 2)
    struck.append(trial)
    os.killpg(os.getpgid(worker.pid), signal.SIGKILL)  # with the job's script

    _, trial = in_the_middle_of_a_trial(lab, job, 3)
    struck.append(trial)
    node = lab.field(f"{job}_3", "NodeList")
    lab.kill_node(int(node.removeprefix("node")))
    wait_for(lambda: restarts(lab, job, 3) == 2, look_s=0.5)
    lab.start_node(int(node.removeprefix("node")))  # it has been mended

    # Two of the workers are gone for good, and their CPUs free.
    watching = lab.sbatch(str(ROOT / "slurm/dashboard.sh"), str(out), cwd=tmp_path)
    shown = tmp_path / f"slurm-dashboard-{watching}.out"
    opened = "to open that on your own machine"
    lab.until(lambda: shown.exists() and opened in shown.read_text(), watching, shown)
    assert_the_dashboard_shows_the_study(shown.read_text())
    lab.run("scancel", str(watching))
    assert lab.wait([watching]) == ["CANCELLED"]

    live = {"PENDING", "RUNNING", "COMPLETING", "CONFIGURING", "REQUEUED"}
    wait_for(lambda: not live & set(lab.tasks(job).values()), 1200, look_s=0.5)
    # What a kill ends SLURM does not begin again.
    ends = {1: "FAILED", 2: "FAILED", 3: "COMPLETED", 4: "COMPLETED"}
    assert lab.tasks(job) == ends, said(tmp_path)
    assert said(tmp_path).count(f"study complete: {TRIALS} complete") == 2

    study = Study.open(out)
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * TRIALS
    assert all(trial.state.is_finished() for trial in study.optuna.trials), "none runs or waits"
    found = sorted(trial.params["learning_rate"] for trial in study.trials)
    assert found == undisturbed_choices(tmp_path / "choices", given), "none is lost and none is double"
    attempts: dict[Path, list[FrozenTrial]] = {}  # of each run
    for one in study.optuna.trials:
        if FOLDER in one.user_attrs:
            attempts.setdefault(out / one.user_attrs[FOLDER], []).append(one)
    assert set(attempts) == set((out / "trials").iterdir())
    for folder, of_run in attempts.items():
        assert [trial.user_attrs.get(ATTEMPT, 1) for trial in of_run] == [*range(1, len(of_run) + 1)]
        assert [trial.user_attrs.get(TAKES_UP) for trial in of_run] == [
            None,
            *(t.number for t in of_run[:-1]),
        ]
        assert {trial.state for trial in of_run[:-1]} <= {TrialState.FAIL}
        assert [line["epoch"] for line in read_metrics(folder / "run")] == [*range(1, EPOCHS + 1)]
    assert all(len(attempts[folder]) > 1 for folder in struck)
    assert_one_worker_at_a_time(out, attempts)

    again = tmp_path / "again"
    command = [sys.executable, "-m", "hpcvox", "train-cgcnn", str(struck[-1] / "config.yaml"), f"out={again}"]
    subprocess.run(command, env=lab.env, check=True)
    assert curve(struck[-1] / "run") == curve(again)
    value = attempts[struck[-1]][-1].value
    assert value == min(line["held_out/loss"] for line in read_metrics(again))


def test_shard_sets_that_a_study_lacks_are_featurized_by_jobs_before_its_own(
    lab: Lab, tmp_path: Path
) -> None:
    write_crystals(tmp_path)
    script = str(ROOT / "slurm/featurize_study.sh")
    options = ("--array=1-2", "--cpus-per-task=1")

    def submitted(*more: str) -> list[tuple[str, str]]:
        answer = lab.run(script, *options, *tuned(tmp_path), *more, cwd=tmp_path)
        return re.findall(r"^(\w+) +job (\d+)", answer, re.MULTILINE)

    jobs = submitted()
    assert [step for step, _ in jobs] == ["featurize", "featurize", "study"]
    study = int(jobs[-1][1])
    featurized = [int(job) for step, job in jobs if step == "featurize"]
    waits_for = lab.field(study, "Dependency")
    assert all(f"afterok:{job}" in waits_for for job in featurized), waits_for
    assert lab.wait(featurized, timeout=300) == ["COMPLETED"] * 2
    for name, neighbours in NEIGHBOURS.items():
        shards = ShardSet.open(tmp_path / name)
        assert (shards.n_samples, shards.manifest.settings["neighbours"]) == (CRYSTALS, neighbours)
    live = {"PENDING", "RUNNING", "COMPLETING", "CONFIGURING"}
    wait_for(lambda: not live & set(lab.tasks(study).values()), 300, look_s=0.5)
    assert lab.tasks(study) == {1: "COMPLETED", 2: "COMPLETED"}, said(tmp_path)
    tried = {trial.params["shards"] for trial in Study.open(tmp_path / "study").trials}
    assert tried == {str(tmp_path / name) for name in NEIGHBOURS}

    ((step, job),) = submitted("trials=3")
    assert step == "study", "what is there is not made again"
    lab.run("scancel", job)


def assert_the_dashboard_shows_the_study(said: str) -> None:
    """At the address that the job's log names, with the cookie for its token, and to nobody else."""
    found = re.search(r"(http://127\.0\.0\.1:(\d+)/)\?token=(\S+)\n", said)
    assert found is not None, said
    address, port, token = found.groups()
    assert f" -L {port}:127.0.0.1:{port} " in said
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"{address}api/studies", timeout=60)
    asked = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    asked.open(f"{address}?token={token}", timeout=60).read()
    with asked.open(f"{address}api/studies/0?after=0", timeout=60) as answer:
        assert "Complete" in {trial["state"] for trial in json.load(answer)["trials"]}


def undisturbed_choices(out: Path, given: list[str]) -> list[float]:
    """What a study of one worker to which nothing happens tries, sorted."""
    study = Study.begin(config.load(StudySettings, None, [*given, f"out={out}"]))
    claims = [study.claim() for _ in range(TRIALS)]
    assert None not in claims
    return sorted(claim.trial.params["learning_rate"] for claim in claims if claim is not None)


def assert_one_worker_at_a_time(out: Path, attempts: dict[Path, list[FrozenTrial]]) -> None:
    """Whoever told of a run's epochs after another worker had the word told all that came after."""
    run_of = {trial.number: folder for folder, of_run in attempts.items() for trial in of_run}
    told: dict[Path, list[tuple[int, str]]] = {folder: [] for folder in attempts}
    for line in (out / JOURNAL).read_text().splitlines():
        operation = json.loads(line)
        if operation["op_code"] == REPORTED:
            told[run_of[operation["trial_id"]]].append((operation["trial_id"], operation["worker_id"]))
    for by in told.values():
        turns = [b for a, b in zip([None, *by], by, strict=False) if a != b]
        assert len({number for number, _ in turns}) == len(turns), turns


def curve(run: Path) -> list[dict[str, object]]:
    """What must not depend on what happened on the way."""
    return [{k: v for k, v in line.items() if k not in TIMINGS} for line in read_metrics(run)]


def said(folder: Path) -> str:
    """What all tasks of the array have said."""
    return "".join(path.read_text() for path in sorted(folder.glob("slurm-study-*.out")))
