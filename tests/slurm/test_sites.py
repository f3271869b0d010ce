"""The habits of sites, on a real SLURM: where jobs are submitted from, what reaches them, how they are ended."""

import shlex
import shutil
import sys
from pathlib import Path

import pytest

from hpcvox.shards.statistics.file import FILE
from tests.support.crystal_sources import write_table
from tests.support.paths import ROOT
from tests.support.slurm_lab.lab import Lab
from tests.support.voxel_shards import make_shards

PROGRAMS = ROOT / "tests/support/slurm_lab/programs"
ON = str(ROOT / "tests/support/slurm_lab/on.sh")

pytestmark = [pytest.mark.slurm, pytest.mark.slow]

MODULES = """\
# what `module load` of another Python leaves, a variable that nobody has set, and a command that fails
export PYTHONHOME=/nonexistent/python2 PYTHONPATH=/nonexistent/python2/lib
if [ "$LMOD_NEVER_SET" = yes ]; then module purge; fi
[ -d /nonexistent ]
"""


@pytest.fixture(scope="module")
def checkout(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout as a site has it: with settings of its own, and elsewhere than where jobs are submitted."""
    home = tmp_path_factory.mktemp("site") / "a checkout"
    for folder in ("slurm", "configs"):
        shutil.copytree(ROOT / folder, home / folder)
    for folder in ("hpcvox", "jobs"):
        (home / folder).symlink_to(ROOT / folder)
    lab_s = {k: v for k, v in lab.env.items() if k.startswith(("OMPI_", "HOROVOD_")) or k == "PATH"}
    exports = "".join(f"export {key}={shlex.quote(value)}\n" for key, value in lab_s.items())
    site = home / "configs/site.sh"
    site.write_text(f"{exports}HPCVOX_VENV={sys.prefix}\n{MODULES}{site.read_text()}")
    return home


def without_home(lab: Lab) -> dict[str, str]:
    """The environment of a user who has set nothing of ours."""
    return {k: v for k, v in lab.env.items() if not k.startswith("HPCVOX_")}


def log_of(folder: Path, job: int) -> Path:
    (found,) = folder.glob(f"slurm-*{job}.out")
    return found


def said(folder: Path, job: int) -> str:
    return log_of(folder, job).read_text()


def test_a_job_submitted_from_anywhere_without_an_environment_under_foreign_modules(
    lab: Lab, checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shards = make_shards(tmp_path / "shards", shards=2)
    monkeypatch.setattr(lab, "env", without_home(lab))
    script = str(checkout / "slurm/statistics.sh")
    # the settings of a script name files; one of them is a script, too
    settings = (f"shards={shards}", "stall_s=100")
    job = lab.sbatch("--export=NONE", script, *settings, cwd=tmp_path)
    assert lab.wait([job]) == ["COMPLETED"], said(tmp_path, job)
    assert (shards / FILE).exists()
    assert "configs/site.sh, line" in said(tmp_path, job), "the command that failed is told"
    assert "[ -d /nonexistent ]: ended with status 1" in said(tmp_path, job)
    assert said(tmp_path, job).splitlines()[-1].endswith("statistics: complete")


def test_a_command_that_the_site_s_settings_do_not_find_is_an_error(lab: Lab, tmp_path: Path) -> None:
    site = tmp_path / "site.sh"
    site.write_text("# two modules\nmodule load gcc openmpi\n")
    job = lab.sbatch(ON, "on_node", "never.py", "empty.yaml", cwd=tmp_path, HPCVOX_SITE=str(site))
    assert lab.wait([job]) == ["FAILED"]
    assert f"{site}, line 2: module load gcc openmpi: there is no such command here" in said(tmp_path, job)
    assert "/etc/profile.d" in said(tmp_path, job)


@pytest.fixture(scope="module")
def out_of_time(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """A job that comes to its time limit, which takes a minute, and does not heed what it is told before."""
    folder = tmp_path_factory.mktemp("out-of-time")
    program = folder / "deaf.py"
    program.write_text(
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(600)\n"
    )
    small = ("--nodes=1", "--cpus-per-task=1", "--time=1")
    return folder, lab.sbatch(*small, ON, "on_node", str(program), "empty.yaml", cwd=folder)


def slow_site(folder: Path) -> dict[str, str]:
    """Settings of a site that take two seconds to load, which a file tells of."""
    site = folder / "site.sh"
    site.write_text(f"touch loading-${{SLURM_RESTART_COUNT:-0}}\nsleep 2\nsource {ROOT}/configs/site.sh\n")
    return {"HPCVOX_SITE": str(site)}


def test_warned_while_it_starts_a_job_goes_back_once_and_then_says_that_it_gains_nothing(
    lab: Lab, out_of_time: tuple[Path, int], tmp_path: Path
) -> None:
    small = ("--nodes=1", "--cpus-per-task=1")
    arguments = ("on_node", str(PROGRAMS / "count.py"), "empty.yaml")
    job = lab.sbatch(*small, ON, *arguments, cwd=tmp_path, **slow_site(tmp_path))
    log = tmp_path / f"slurm-{job}.out"
    for start in (0, 1):
        lab.until((tmp_path / f"loading-{start}").exists, job, log)
        lab.signal(job, "USR1")
    assert lab.wait([job]) == ["FAILED"], said(tmp_path, job)
    assert lab.field(job, "Restarts") == "1"
    assert "interrupted, state saved: back into the queue" in said(tmp_path, job)
    last = said(tmp_path, job).splitlines()[-1]
    assert "nothing was gained in this start or the one before: its time limit, 00:10:00," in last
    assert "sbatch --time" in last
    assert not (tmp_path / "count-0").exists()
    assert not list(tmp_path.glob(".hpcvox-*"))


def test_what_ends_a_job_is_told_apart_in_its_last_line(
    lab: Lab, out_of_time: tuple[Path, int], tmp_path: Path
) -> None:
    (tmp_path / "fails.py").write_text("raise SystemExit(3)\n")
    (tmp_path / "interrupted.py").write_text("raise SystemExit(75)\n")
    small = ("--nodes=1", "--cpus-per-task=1")

    def submit(*arguments: str) -> int:
        return lab.sbatch(*small, *arguments, "empty.yaml", cwd=tmp_path)

    cancelled = submit(ON, "on_node", str(PROGRAMS / "count.py"))
    failed = submit(ON, "on_node", "fails.py")
    kept_out = submit("--no-requeue", ON, "on_node", "interrupted.py")
    log = tmp_path / f"slurm-{cancelled}.out"
    lab.until(lambda: log.exists() and "starts at 0" in log.read_text(), cancelled, log)
    lab.run("scancel", str(cancelled))
    assert lab.wait([cancelled, failed, kept_out]) == ["CANCELLED", "FAILED", "FAILED"]
    assert last_line(tmp_path, cancelled) == "cancelled; state saved: the same submission carries on"
    assert last_line(tmp_path, failed) == "failed with status 3"
    assert last_line(tmp_path, kept_out).startswith(
        "interrupted, state saved, and not to be put back (--no-requeue"
    )
    folder, job = out_of_time
    assert lab.wait([job]) == ["TIMEOUT"]
    assert "out of time: telling the program to save its state" in said(folder, job)


def last_line(folder: Path, job: int) -> str:
    """What a job has said last, without the time and its name."""
    lines = [line for line in said(folder, job).splitlines() if line.startswith("20")]
    return lines[-1].partition(": ")[2]


@pytest.mark.parametrize("script", ["statistics", "train_cgcnn"])
def test_ranks_that_do_not_find_each_other_are_refused(lab: Lab, tmp_path: Path, script: str) -> None:
    make_shards(tmp_path / "shards")
    job = lab.sbatch(str(ROOT / f"slurm/{script}.sh"), "shards=shards", cwd=tmp_path, HPCVOX_SRUN_MPI="none")
    assert lab.wait([job]) == ["FAILED"], said(tmp_path, job)
    ranks = 4 if script == "statistics" else 2
    assert f"{ranks} processes were started and 1 of them found each other" in said(tmp_path, job)
    assert "srun --mpi=list" in said(tmp_path, job)
    assert "backend=torch, which needs no MPI under srun" in said(tmp_path, job)


def test_a_preempted_ray_job_saves_goes_back_and_carries_on(lab: Lab, tmp_path: Path) -> None:
    entries, a_shard = 1500, 16
    source = write_table(tmp_path / "crystals.csv", entries)
    settings = (f"source={source}", "out=shards", f"entries_per_shard={a_shard}")
    # a user may have SLURM's commands show times their own way
    shown = {"SLURM_TIME_FORMAT": "relative"}
    job = lab.sbatch(str(ROOT / "slurm/featurize.sh"), *settings, cwd=tmp_path, **shown)
    log = tmp_path / f"slurm-featurize-{job}.out"
    lab.until(lambda: len(list((tmp_path / "shards").glob("shard-*.h5"))) >= 8, job, log, timeout=600)
    urgent = lab.sbatch("--partition=urgent", "--nodes=2", "--exclusive", "--wrap", "true", cwd=tmp_path)
    assert lab.wait([urgent]) == ["COMPLETED"]
    assert "preempted: telling the program to save its state" in log.read_text()
    assert "preempted, state saved: back into the queue" in log.read_text()
    made = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "shards").glob("shard-*.h5")}
    assert 8 <= len(made) < entries // a_shard, "it was in the middle"
    assert lab.wait([job], timeout=600) == ["COMPLETED"], log.read_text()
    assert lab.field(job, "Restarts") == "1"
    assert last_line(tmp_path, job) == "complete"
    again = [name for name, at in made.items() if (tmp_path / "shards" / name).stat().st_mtime_ns != at]
    assert not again, "what was saved is kept"
    assert not list(tmp_path.glob(".hpcvox-*"))


def test_settings_are_refused_before_anything_is_queued(lab: Lab, tmp_path: Path) -> None:
    source = write_table(tmp_path / "crystals.csv", 1)
    before = lab.run("squeue", "-h", "-t", "all", "-o", "%A")
    wrong = ("train_vae.epochs=abc", "featurize.voxels=0", "generate.per_condition=3")
    with pytest.raises(RuntimeError) as refused:
        lab.run(str(ROOT / "slurm/pipeline.sh"), f"source={source}", *wrong, cwd=tmp_path)
    assert "on the command line: train_vae.epochs=abc: " in str(refused.value)
    assert "on the command line: featurize.voxels=0: " in str(refused.value), (
        "all that is wrong is told at once"
    )
    assert "generate" not in str(refused.value).partition("error: ")[2]
    assert "nothing was submitted" in str(refused.value)
    with pytest.raises(RuntimeError, match="epochs=abc: "):
        lab.run(str(ROOT / "slurm/train_vae.sh"), "epochs=abc", cwd=tmp_path)
    assert lab.run("squeue", "-h", "-t", "all", "-o", "%A") == before
    script = str(ROOT / "slurm/train_vae.sh")
    text = lab.run(
        *(script, "--hold", "--begin=now+1hour", "epochs=3"),
        cwd=tmp_path,
        environment={"HPCVOX_SBATCH_TRAININGS": "--comment=gpus --time=00:03:00"},
    )
    job = text.split()[-1]
    assert (lab.field(job, "Comment"), lab.field(job, "TimeLimit")) == ("gpus", "00:03:00")
    assert lab.field(job, "JobState") == "PENDING"
    lab.run("scancel", job)


def test_the_status_of_a_pipeline_says_what_failed_why_and_what_was_cancelled(
    lab: Lab, tmp_path: Path
) -> None:
    site = tmp_path / "site.sh"
    site.write_text(
        f'source {ROOT}/configs/site.sh\nif [ -n "${{SLURM_JOB_ID:-}}" ]; then module load gcc; fi\n'
    )
    source = write_table(tmp_path / "crystals.csv", 40)
    pipeline = str(ROOT / "slurm/pipeline.sh")
    training = ("train_vae.epochs=2", "train_vae.condition=energy")
    given = ("out=made", f"source={source}", "generate.--comment=few", *training, "until=generate")
    text = lab.run(pipeline, *given, cwd=tmp_path, environment={"HPCVOX_SITE": str(site)})
    jobs = [int(line.split()[2]) for line in text.splitlines() if " job " in line]
    assert lab.field(jobs[2], "Comment") == "few"
    assert lab.wait(jobs) == ["FAILED", "CANCELLED", "CANCELLED"]
    told = lab.run(pipeline, "--status", "out=made", cwd=tmp_path, check=False)
    failed, cancelled, advice = told.splitlines()[-3:]
    assert failed == (
        f"failed: featurize: {site}, line 2: module load gcc: there is no such command here: correct that line. "
        "For 'module', source the file that defines it first (often /etc/profile.d/modules.sh or lmod.sh)"
    )
    assert cancelled == "cancelled with it: train_vae generate"
    assert "submit the same again" in advice
    none = lab.run(pipeline, "--status", "out=elsewhere", cwd=tmp_path, check=False)
    assert none == ""
