"""What each script of slurm/ asks of SLURM and starts in its job, to the letter.

SLURM, MPI and Python are stand-ins here that say how they were called; the other files here run the
scripts on a real one.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.crystal_sources import write_table
from tests.support.paths import ROOT
from tests.support.slurm_lab.lab import kill_marked

LOG = "--output=slurm-%x-%j.out --open-mode=append"
ALSO = f"{LOG} --signal=B:USR1@120 --requeue"
TWO_NODES = "--nodes=2 --ntasks-per-node=1 --cpus-per-task=2 --mem-per-cpu="
ONE_NODE = "--nodes=1 --ntasks-per-node=1 --cpus-per-task=2 --mem-per-cpu="
SUBMITTER = "--nodes=1 --ntasks=1 --cpus-per-task=1 --mem-per-cpu=1G --time=00:05:00 --output=slurm-%x-%j.out"

SUBMITTED = {
    "campaign": f"{TWO_NODES}4G --time=24:00:00 {ALSO}",
    "dashboard": f"--nodes=1 --ntasks-per-node=1 --cpus-per-task=1 --mem-per-cpu=2G --time=08:00:00 {LOG}",
    "database": f"{TWO_NODES}2G --time=04:00:00 {ALSO}",
    "dft": f"{TWO_NODES}4G --time=24:00:00 {ALSO}",
    "evaluate": f"{ONE_NODE}4G --time=04:00:00 {ALSO}",
    "evaluate_fingerprint": f"{TWO_NODES}2G --time=04:00:00 {ALSO}",
    "featurize": f"{TWO_NODES}2G --time=04:00:00 {ALSO}",
    "featurize_study": SUBMITTER,
    "generate": f"{ONE_NODE}4G --time=04:00:00 {ALSO}",
    "hull": f"{ONE_NODE}4G --time=04:00:00 {ALSO}",
    "judge": f"{ONE_NODE}4G --time=04:00:00 {ALSO}",
    "pipeline": SUBMITTER,
    "relax": f"{TWO_NODES}4G --time=24:00:00 {ALSO}",
    "reproduce": f"{ONE_NODE}4G --array=1-4 --time=24:00:00 {ALSO}",
    "report": f"{ONE_NODE}2G --time=01:00:00 {ALSO}",
    "screen": f"{TWO_NODES}2G --time=04:00:00 {ALSO}",
    "statistics": f"--nodes=2 --ntasks-per-node=2 --cpus-per-task=1 --mem-per-cpu=2G --time=02:00:00 {ALSO}",
    "study": f"{ONE_NODE}4G --array=1-4 --time=12:00:00 {ALSO}",
    "train_cgcnn": f"{TWO_NODES}4G --time=12:00:00 {ALSO}",
    "train_fingerprint": f"{TWO_NODES}4G --time=12:00:00 {ALSO}",
    "train_r3dvs": f"{TWO_NODES}4G --time=12:00:00 {ALSO}",
    "train_unet": f"{TWO_NODES}4G --time=12:00:00 {ALSO}",
    "train_vae": f"{TWO_NODES}4G --time=12:00:00 {ALSO}",
}
HELPERS = ("lib", "environment", "submit", "pipeline_status")
ON_RAY = ["campaign", "database", "dft", "evaluate_fingerprint", "featurize", "relax", "screen"]
ON_NODE = ["evaluate", "generate", "hull", "judge", "report", "reproduce", "study"]
TRAININGS = ["train_cgcnn", "train_fingerprint", "train_r3dvs", "train_unet", "train_vae"]
CONFIGS = {"featurize": "featurize_density", "reproduce": "reproduce_kajita"}

GIVEN = ["epochs=2", "source=my crystals.csv", "model={down: [[8, 8]]}"]
"""Settings behind the script's name, among them such as a shell would take apart."""
SRUN = "srun --mpi=pmix --kill-on-bad-exit=0"
SRUN_GPUS = f"{SRUN} --ntasks=8 --ntasks-per-node=4 --cpus-per-task=8"
ONE_SOURCE = {"SLURM_CPUS_PER_TASK", "SRUN_CPUS_PER_TASK", "SLURM_TRES_PER_TASK"}
"""Of a task's CPUs: srun is told them on its command line, and a second source is an error since SLURM 24.05."""
MPIRUN = f"python {ROOT}/slurm/mpi_daemon.py mpirun --bind-to none --map-by node -n {{ranks}}"
MPIRUN_GPUS = (
    f"python {ROOT}/slurm/mpi_daemon.py mpirun --bind-to none --map-by ppr:4:node:OVERSUBSCRIBE -n 8"
)

STAND_IN = r"""#!/usr/bin/env bash
name=$(basename "$0")
case "$name $*" in
    *"show job"* | *"hpcvox check"*) exit ;;
    *"show hostnames"*) printf 'node1\nnode2\n'; exit ;;
    *"show node"*) echo "NodeName=node1 NodeAddr=one.cluster"; exit ;;
    *getent*) echo "10.0.0.1 STREAM one.cluster"; exit ;;
    *"ray_node.py port") echo 20001; exit ;;
    *"-c import secrets"*) printf token; exit ;;
    *"ray_node.py wait"*)   # for so many nodes
        until [ "$(find "$HPCVOX_CALLS" -name '*.call' | wc -l)" = "$4" ]; do sleep 0.02; done
        exit ;;
esac
call=$HPCVOX_CALLS/$(date +%s%N)-$$
{ printf '%s\0' "$name" "$@"; env | sed 's/^/env /' | tr '\n' '\0'; } > "$call"
mv "$call" "$call.call"
case "$name $*" in
    sbatch*) find "$HPCVOX_CALLS" -name '*.call' | wc -l ;;   # the job's number
    *"ray_node.py "*) echo $$ >> "$HPCVOX_CALLS/../steps"; exec sleep 60 ;;   # until it is ended
    scancel*) if [ -e "$HPCVOX_CALLS/../steps" ]; then kill $(cat "$HPCVOX_CALLS/../steps"); fi ;;
esac
"""


def directives(script: str) -> list[str]:
    """The #SBATCH options of a script."""
    lines = re.findall(r"^#SBATCH (.*)$", (ROOT / "slurm" / f"{script}.sh").read_text(), re.MULTILINE)
    return " ".join(lines).split()


Call = tuple[list[str], dict[str, str]]
"""Words of a program that was started, and its environment."""


class Site:
    """A folder where jobs run, and programs that write down how they were called."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.calls = folder, folder / "calls"
        self.bin = folder / "venv/bin"
        self.bin.mkdir(parents=True)
        for name in ("python", "srun", "mpirun", "horovodrun", "scontrol", "sbatch", "scancel"):
            (self.bin / name).write_text(STAND_IN)
            (self.bin / name).chmod(0o755)

    def run(
        self, script: str, *arguments: str, **environment: str
    ) -> tuple[subprocess.CompletedProcess[str], list[Call]]:
        """Run a script as in its job; what it started: for each its words and its environment."""
        asked = dict(word.partition("=")[::2] for word in directives(script))
        nodes, tasks = int(asked["--nodes"]), int(asked.get("--ntasks-per-node", 1))
        kept = {k: v for k, v in os.environ.items() if k in ("HOME", "LANG")}
        self.calls.mkdir()
        done = subprocess.run(
            ["bash", str(ROOT / "slurm" / f"{script}.sh"), *arguments],
            cwd=self.folder,
            env={
                **kept,
                "PATH": f"{self.bin}:{os.environ['PATH']}",
                "HPCVOX_CALLS": str(self.calls),
                "HPCVOX_HOME": str(ROOT),
                "HPCVOX_VENV": str(self.bin.parent),
                "SLURM_JOB_ID": "7",
                "SLURM_JOB_NODELIST": f"node[1-{nodes}]",
                "SLURM_NTASKS": str(nodes * tasks),
                "SLURM_CPUS_PER_TASK": asked["--cpus-per-task"],
                "SLURM_TRES_PER_TASK": f"cpu:{asked['--cpus-per-task']}",
                "SLURM_CPUS_ON_NODE": str(tasks * int(asked["--cpus-per-task"])),
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        calls = []
        for call in sorted(self.calls.iterdir()):
            words = call.read_text().split("\0")[:-1]
            first = next(i for i, word in enumerate(words) if word.startswith("env "))
            settings = dict(word[4:].partition("=")[::2] for word in words[first:])
            calls.append((words[:first], settings))
        return done, calls

    def programs(self, script: str, *arguments: str, **environment: str) -> list[Call]:
        """What a job that ends well started."""
        done, calls = self.run(script, *arguments, **environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return calls


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A folder where jobs run, with stand-ins for the programs."""
    return Site(tmp_path)


def job(script: str, config: str | None = None) -> list[str]:
    """The program of a job and its config, without settings."""
    return [
        "python",
        f"{ROOT}/jobs/{script}.py",
        config or f"{ROOT}/configs/{CONFIGS.get(script, script)}.yaml",
    ]


def test_every_script_is_known_here() -> None:
    assert sorted(SUBMITTED) == sorted(
        path.stem for path in (ROOT / "slurm").glob("*.sh") if path.stem not in HELPERS
    )
    assert sorted(
        [*ON_RAY, *ON_NODE, *TRAININGS, "dashboard", "statistics", "pipeline", "featurize_study"]
    ) == sorted(SUBMITTED)


@pytest.mark.parametrize("script", SUBMITTED)
def test_what_is_asked_of_slurm(script: str) -> None:
    assert directives(script) == [f"--job-name={script}", *SUBMITTED[script].split()]


@pytest.mark.parametrize("script", SUBMITTED)
def test_trainings_have_a_line_for_gpus_that_is_off(script: str) -> None:
    text = (ROOT / "slurm" / f"{script}.sh").read_text()
    off = re.findall(r"^##SBATCH .*$", text, re.MULTILINE)
    assert off == (["##SBATCH --gpus-per-node=4 --cpus-per-task=32"] if script in TRAININGS else [])


@pytest.mark.parametrize("script", ON_NODE)
def test_one_program_on_the_first_node(site: Site, script: str) -> None:
    ((words, environment),) = site.programs(script, *GIVEN)
    assert words == [*job(script), *GIVEN]
    assert environment["OMP_NUM_THREADS"] == "2"


def test_the_dashboard_on_the_first_node(site: Site) -> None:
    ((words, environment),) = site.programs("dashboard", "runs/my study", "port=8080")
    assert words == ["python", "-m", "hpcvox", "study", "dashboard", "runs/my study", "port=8080"]
    assert environment["OMP_NUM_THREADS"] == "1"


@pytest.mark.slow
@pytest.mark.parametrize("script", ON_RAY)
def test_one_program_beside_ray_on_all_nodes(site: Site, script: str) -> None:
    head, worker, (words, environment), (ending, _) = site.programs(script, *GIVEN)
    assert words == [*job(script), *GIVEN]
    assert environment["RAY_ADDRESS"] == "10.0.0.1:20001"
    assert environment["RAY_AUTH_MODE"] == "token"
    assert environment["OMP_NUM_THREADS"] == "1"
    step = (
        "srun --nodes=1 --ntasks=1 --cpus-per-task=2 --overlap --nodelist=node{} "
        "python {}/slurm/ray_node.py {} 10.0.0.1:20001 2"
    )
    assert sorted(shlex.join(words) for words, _ in (head, worker)) == [
        step.format(1, ROOT, "head"),
        step.format(2, ROOT, "worker"),
    ]
    assert shlex.join(ending) == "scancel --signal=TERM 7"
    assert not list(site.folder.glob(".hpcvox-*")), "its token and log are removed"
    assert not kill_marked(f"HPCVOX_CALLS={site.calls}"), "Ray's steps end with the job"


@pytest.mark.slow
def test_a_ray_that_does_not_come_up_is_tried_three_times_and_says_why(site: Site) -> None:
    fails = '*"ray_node.py head"*) echo "no room is left"; exit 7 ;;\n    '
    step = '*"ray_node.py "*) echo'
    (site.bin / "srun").write_text(STAND_IN.replace(step, fails + step))
    waits = '*"ray_node.py wait"*) exec sleep 60 ;;\n    '
    port = '*"ray_node.py port")'
    (site.bin / "python").write_text(STAND_IN.replace(port, waits + port))
    done, calls = site.run("featurize", *GIVEN)
    assert done.returncode == 2
    for number in (1, 2, 3):
        assert f"Ray did not come up, try {number} of 3: on node node1 it ended with status 7" in done.stderr
    assert done.stderr.count("no room is left") == 3
    assert "HPCVOX_RAY_TIMEOUT in configs/site.sh to more seconds than 300" in done.stderr
    assert [words for words, _ in calls if words[:2] == ["python", f"{ROOT}/jobs/featurize.py"]] == []
    assert not list(site.folder.glob(".hpcvox-*"))
    assert not kill_marked(f"HPCVOX_CALLS={site.calls}")


@pytest.mark.parametrize("script", [*TRAININGS, "statistics"])
@pytest.mark.parametrize(("launch", "launcher"), [("srun", SRUN), ("mpirun", MPIRUN)], ids=["srun", "mpirun"])
def test_a_rank_a_task(site: Site, script: str, launch: str, launcher: str) -> None:
    ((words, environment),) = site.programs(script, *GIVEN, HPCVOX_LAUNCH=launch)
    ranks, threads = (4, "1") if script == "statistics" else (2, "2")
    told = [f"--cpus-per-task={threads}"] if launch == "srun" else []
    assert words == [*launcher.format(ranks=ranks).split(), *told, *job(script), *GIVEN]
    assert environment["OMP_NUM_THREADS"] == threads
    # mpirun starts a daemon a node by an srun of its own
    own = {"SRUN_CPUS_PER_TASK": "2"} if launch == "mpirun" else {}
    assert {key: environment[key] for key in ONE_SOURCE & environment.keys()} == own
    if launch == "mpirun":
        assert environment["OMPI_MCA_orte_launch_agent"] == "hpcvox-daemon orted"
        assert environment["PRTE_MCA_prte_launch_agent"] == "hpcvox-daemon prted"
        assert environment["PATH"].startswith(f"{ROOT}/slurm/mpirun:")


@pytest.mark.slow
@pytest.mark.parametrize("script", TRAININGS)
@pytest.mark.parametrize(
    ("given", "ranks", "slots"),
    [({}, 2, 1), ({"SLURM_GPUS_ON_NODE": "4", "SLURM_CPUS_ON_NODE": "32"}, 8, 4)],
    ids=["cpus", "gpus"],
)
def test_ranks_that_come_and_go(
    site: Site, script: str, given: dict[str, str], ranks: int, slots: int
) -> None:
    arguments = {"HPCVOX_LAUNCH_ARGS": "--network-interfaces ib0", "HPCVOX_MIN_RANKS": "2", **given}
    ((words, environment),) = site.programs(script, *GIVEN, HPCVOX_LAUNCH="elastic", **arguments)
    launcher = (
        f"python {ROOT}/slurm/elastic/launch.py 10.0.0.1 --gloo -np 2 --blacklist-cooldown-range 5 30 "
        f"--host-discovery-script {ROOT}/slurm/elastic/nodes.sh "
        f"--min-np 2 --max-np {ranks} --network-interfaces ib0 {ROOT}/slurm/elastic/rank"
    )
    assert words == [*launcher.split(), *job(script), *(["device=cuda"] if given else []), *GIVEN]
    assert environment["HPCVOX_RANKS_PER_NODE"] == str(slots)
    assert environment["PATH"].startswith(f"{ROOT}/slurm/elastic:"), (
        "ranks are started by the ssh of that folder"
    )


def test_only_trainings_have_ranks_that_come_and_go(site: Site) -> None:
    done, calls = site.run("statistics", HPCVOX_LAUNCH="elastic")
    assert (done.returncode, calls) == (2, [])
    assert "HPCVOX_LAUNCH=elastic is for trainings: take srun or mpirun for this job" in done.stderr


def test_ranks_are_started_on_nodes_that_answer(site: Site) -> None:
    states = (
        "node1 mix\nnode2 mix*\nnode3 down*\nnode4 alloc\nnode4 alloc\nnode5 drng\nnode6 drain\nnode7 fail\n"
    )
    (site.bin / "sinfo").write_text(f"#!/bin/sh\nprintf '{states}'\n")
    (site.bin / "sinfo").chmod(0o755)
    environment = {"PATH": f"{site.bin}:{os.environ['PATH']}", "HPCVOX_RANKS_PER_NODE": "4"}
    done = subprocess.run(
        ["bash", f"{ROOT}/slurm/elastic/nodes.sh"],
        env={**environment, "SLURM_JOB_NODELIST": "node[1-7]"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["node1:4", "node4:4", "node5:4", "node6:4"]


def test_slurm_is_asked_for_nodes_now_and_then_and_less_often_where_it_does_not_answer(site: Site) -> None:
    (site.bin / "sinfo").write_text(
        f"#!/bin/sh\necho asked >> {site.folder}/asked\n[ ! -e {site.folder}/away ] && echo node1 idle\n"
    )
    (site.bin / "sinfo").chmod(0o755)
    kept = site.folder / "kept"
    kept.mkdir()

    def ask(every: str) -> str:
        given = {"HPCVOX_RANKS_PER_NODE": "2", "SLURM_JOB_NODELIST": "node1", "HPCVOX_ELASTIC": str(kept)}
        path = f"{site.bin}:{os.environ['PATH']}"
        return subprocess.run(
            ["bash", f"{ROOT}/slurm/elastic/nodes.sh"],
            env={**given, "PATH": path, "HPCVOX_ASK_SECONDS": every},
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def asked() -> int:
        return (site.folder / "asked").read_text().count("asked")

    assert [ask("30") for _ in range(3)] == ["node1:2\n"] * 3
    assert asked() == 1
    (site.folder / "away").touch()
    (kept / "next").write_text("0 30\n")  # half a minute later
    assert [ask("30") for _ in range(2)] == ["node1:2\n"] * 2, "the last answer holds"
    assert asked() == 2
    assert (kept / "next").read_text().split()[1] == "60"


@pytest.mark.parametrize("interrupted", [True, False])
def test_the_status_of_an_elastic_training_is_that_of_its_ranks(site: Site, interrupted: bool) -> None:
    launcher = 'case $1 in *launch.py) shift 14; exec "$@" ;; esac'
    (site.bin / "python").write_text(f"#!/bin/sh\n{launcher}\nexit {75 if interrupted else 3}\n")
    done, _ = site.run("train_unet", HPCVOX_LAUNCH="elastic", HPCVOX_IN_STEP="1", HPCVOX_MAX_RESTARTS="0")
    assert done.returncode == (75 if interrupted else 3), done.stdout + done.stderr
    assert ("submit again to carry on" in done.stdout) == interrupted
    assert not list(site.folder.glob(".hpcvox-*"))


@pytest.mark.slow
def test_a_launcher_without_ranks_is_ended(site: Site) -> None:
    for name, does in (("python", "exec sleep 600"), ("squeue", "echo 7.batch")):
        (site.bin / name).write_text(f"#!/bin/sh\n{does}\n")
        (site.bin / name).chmod(0o755)
    given = {"HPCVOX_NO_RANKS_TIMEOUT": "2", "HPCVOX_ASK_SECONDS": "1", "HPCVOX_MAX_RESTARTS": "0"}
    done, _ = site.run("train_unet", HPCVOX_LAUNCH="elastic", **given)
    assert done.returncode == 75, done.stdout + done.stderr
    assert "fewer ranks than HPCVOX_MIN_RANKS=1 are left" in done.stdout
    assert not list(site.folder.glob(".hpcvox-*"))


@pytest.mark.parametrize("script", TRAININGS)
@pytest.mark.parametrize(
    ("launch", "launcher"), [("srun", SRUN_GPUS), ("mpirun", MPIRUN_GPUS)], ids=["srun", "mpirun"]
)
def test_a_rank_a_gpu(site: Site, script: str, launch: str, launcher: str) -> None:
    given = {"SLURM_GPUS_ON_NODE": "4", "SLURM_CPUS_ON_NODE": "32", "HPCVOX_LAUNCH": launch}
    ((words, environment),) = site.programs(script, *GIVEN, **given)
    assert words == [*launcher.split(), *job(script), "device=cuda", *GIVEN]
    assert environment["OMP_NUM_THREADS"] == "8"


def test_gpus_leave_jobs_without_a_network_to_train_as_they_are(site: Site) -> None:
    ((words, _),) = site.programs("statistics", SLURM_GPUS_ON_NODE="4")
    assert words == [*SRUN.split(), "--cpus-per-task=1", *job("statistics")]


def test_gpus_without_a_cpu_each_are_refused(site: Site) -> None:
    done, calls = site.run("train_unet", SLURM_GPUS_ON_NODE="4")
    assert (done.returncode, calls) == (2, [])
    assert "4 ranks a node, one a GPU, and 2 CPUs" in done.stderr
    assert "--cpus-per-task=" in done.stderr


def test_a_config_and_the_site_s_arguments(site: Site) -> None:
    (site.folder / "mine.yaml").touch()
    ((words, _),) = site.programs("train_vae", "mine.yaml", "epochs=2", HPCVOX_LAUNCH_ARGS="--exclusive -l")
    assert words == [
        *SRUN.split(),
        "--cpus-per-task=2",
        "--exclusive",
        "-l",
        *job("train_vae", "mine.yaml"),
        "epochs=2",
    ]


def test_jobs_and_their_own_configs_are_not_those_of_the_folder_of_submission(site: Site) -> None:
    """Which may be one of other people's data."""
    for name in ("jobs/evaluate.py", "configs/evaluate.yaml"):
        (site.folder / name).parent.mkdir()
        (site.folder / name).touch()
    ((words, _),) = site.programs("evaluate", *GIVEN)
    assert words == [*job("evaluate"), *GIVEN]


AFTER = {
    "database": "",
    "featurize": "afterok:1",
    "featurize_graph": "afterok:1",
    "train_vae": "afterok:2",
    "train_cgcnn": "afterok:3",
    "evaluate": "afterok:2:4",
    "generate": "afterok:4",
    "judge": "afterok:7",
    "screen": "afterok:5:8",
    "relax": "afterok:1:9",
    "report": "afterok:1:2:4:6:7:8,afterany:9:10",
}
"""Every step of the pipeline with the jobs that it waits for, numbered in this order."""

PLANS = f"""
if [[ $* == *"hpcvox pipeline plan"* ]]; then exec {sys.executable} "$@"; fi
"""
"""The plan is made by the real Python."""


def pipeline(site: Site, *arguments: str) -> dict[str, list[str]]:
    """What the pipeline submitted: of each step the options of sbatch that are its own."""
    (site.bin / "python").write_text(STAND_IN.replace("call=$HPCVOX_CALLS", PLANS + "call=$HPCVOX_CALLS", 1))
    done, calls = site.run("pipeline", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    steps = {}
    for words, _ in calls:
        *options, script, config = words
        assert options[:2] == ["sbatch", "--parsable"]
        assert options[-1] == "--kill-on-invalid-dep=yes"
        named, *own = options[2:-1]
        step = named.removeprefix("--job-name=")
        name = {"featurize_graph": "featurize", "finetune_unet": "train_unet"}.get(step, step)
        assert script == f"{ROOT}/slurm/{name}.sh"
        assert config.endswith(f"/plan/{step}.yaml")
        assert (site.folder / config).is_file()
        steps[step] = own
    return steps


def test_every_step_of_the_pipeline_waits_for_what_it_takes(site: Site) -> None:
    steps = pipeline(site, "out=made", "database.energy=ewald", "relax.stages=[emt]")
    wanted = {step: [f"--dependency={after}"] if after else [] for step, after in AFTER.items()}
    assert list(steps.items()) == list(wanted.items())
    listed = (site.folder / "made/pipeline.jobs").read_text().splitlines()
    assert [line.split()[0] for line in listed] == list(AFTER)


def test_options_of_sbatch_are_for_one_step_or_for_a_kind(site: Site) -> None:
    write_table(site.folder / "mine.csv", 40)
    given = (
        "until=train_vae",
        "train_vae.condition=energy",
        "train_vae.--gpus-per-node=4",
        "featurize.--time=00:10:00",
    )
    steps = pipeline(site, "source=mine.csv", *given)
    assert steps == {
        "featurize": ["--time=00:10:00"],
        "train_vae": ["--dependency=afterok:1", "--gpus-per-node=4"],
    }


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--screen"], "--screen: not known; valid: --status, --help, a config, key=value, STEP.--OPTION"),
        (["train_unt.epochs=1"], "unknown key train_unt: did you mean train_unet?"),
        (["train_vae.--time=1", "until=featurize"], "no such step; valid: database featurize"),
        (["source=absent.csv"], "source=absent.csv: there is no such file or folder"),
        (["train_vae.epochs=abc", "featurize.voxels=0"], "featurize.voxels=0: "),
        (["until=finish"], "until=finish: until: valid: database, featurize"),
    ],
)
def test_a_pipeline_that_is_not_valid_submits_nothing(site: Site, given: list[str], said: str) -> None:
    (site.bin / "python").write_text(STAND_IN.replace("call=$HPCVOX_CALLS", PLANS + "call=$HPCVOX_CALLS", 1))
    done, calls = site.run("pipeline", *given)
    assert (done.returncode, calls) == (2, [])
    assert said in done.stderr


PREPARES = r"""
if [[ $* == *"study prepare"* ]]; then printf "$LACKING"; fi
"""


@pytest.mark.parametrize("lacking", [["out/featurize/01.yaml", "out/featurize/03.yaml"], []])
def test_a_study_and_the_shard_sets_that_it_lacks(site: Site, lacking: list[str]) -> None:
    (site.bin / "python").write_text(STAND_IN + PREPARES)
    given = ["settings.target=my energy", "out=out"]
    calls = site.programs(
        "featurize_study",
        *("--array=1-8", "configs/study_cgcnn.yaml", *given),
        LACKING="".join(f"{path}\n" for path in lacking),
    )
    config = f"{ROOT}/configs/study_cgcnn.yaml"
    prepared, *submitted = [words for words, _ in calls]
    assert prepared == ["python", "-m", "hpcvox", "study", "prepare", config, *given]
    jobs = [["sbatch", "--parsable", f"{ROOT}/slurm/featurize.sh", path] for path in lacking]
    after = ["--dependency=afterok:2:3"] if lacking else []
    options = ["--parsable", *after, "--kill-on-invalid-dep=yes", "--array=1-8"]
    assert submitted == [*jobs, ["sbatch", *options, f"{ROOT}/slurm/study.sh", config, *given]]


def test_a_study_that_cannot_be_is_not_submitted(site: Site) -> None:
    (site.bin / "python").write_text("#!/bin/sh\necho 'no such shard set' >&2; exit 2\n")
    done, calls = site.run("featurize_study", "verb=train-cgcnn")
    assert (done.returncode, done.stderr, calls) == (2, "no such shard set\n", [])


def test_what_a_user_has_set_for_slurm_s_commands_and_another_python_does_not_reach_a_job(site: Site) -> None:
    """Ray does not start with the last of these."""
    own = {"SQUEUE_PARTITION": "gpu", "SINFO_FORMAT": "%n", "SLURM_TIME_FORMAT": "relative"}
    own |= {"PYTHONOPTIMIZE": "2"}
    ((_, environment),) = site.programs(ON_NODE[0], *GIVEN, **own)
    assert environment["SLURM_TIME_FORMAT"] == "standard"
    assert not {"SQUEUE_PARTITION", "SINFO_FORMAT", "PYTHONOPTIMIZE"} & environment.keys()


@pytest.mark.parametrize("script", ["pipeline", "featurize_study", "train_vae"])
def test_the_checkout_is_found_where_cd_prints_where_it_goes(site: Site, script: str) -> None:
    done = subprocess.run(
        ["bash", f"slurm/{script}.sh", "--help"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "CDPATH": ".", "HPCVOX_VENV": str(site.bin.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert f"slurm/{script}.sh" in done.stdout
