"""What launchers of ranks are told, and what they are not."""

import re
import subprocess

import pytest

from hpcvox.errors import MissingDependencyError
from hpcvox.process.launcher import NEEDED, RANK, RANKS, require_joined, step_ranks, without_secrets
from tests.support.paths import ROOT

GIVEN = {
    "PATH": "/bin",
    "HOME": "/root",
    "LC_ALL": "C.UTF-8",
    "SLURMD_NODENAME": "node1",
    "HPCVOX_HOME": "/x",
    "MP_API_KEY": "s",
    "HPCVOX_TOKEN": "s",
    "SLURM_DB_PASSWORD": "s",
    "SLURM_JWT": "s",
    "MAIL": "s",
}
KEPT = {"PATH", "HOME", "LC_ALL", "SLURMD_NODENAME", "HPCVOX_HOME"}


def test_ranks_are_started_with_what_they_need_and_no_secret() -> None:
    assert set(without_secrets(GIVEN)) == KEPT


def test_jobs_have_the_same_list() -> None:
    script = (ROOT / "slurm/lib.sh").read_text()
    found = re.search(r"^NEEDED=\(([^)]*)\)", script, re.MULTILINE)
    function = re.search(r"^unset_secrets\(\) \{.*?^\}", script, re.MULTILINE | re.DOTALL)
    assert found is not None
    assert function is not None
    assert tuple(found[1].split()) == NEEDED
    told = f"{found[0]}\n{function[0]}\nunset_secrets\ncompgen -e"
    done = subprocess.run(["bash", "-c", told], env=GIVEN, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) - {"PWD", "SHLVL", "_", "OLDPWD"} == KEPT


@pytest.mark.parametrize(
    ("environment", "size", "refused"),
    [
        ({}, 1, False),
        ({"SLURM_STEP_NUM_TASKS": "2"}, 1, True),  # srun --mpi=none
        ({RANKS: "4"}, 2, True),  # an MPI that joins the ranks of each node alone
        ({RANKS: "2"}, 2, False),
        ({RANKS: "1", "SLURM_STEP_NUM_TASKS": "4"}, 1, False),  # a trial of one of four workers of a study
        ({"SLURM_STEP_NUM_TASKS": "1"}, 4, False),  # torchrun on a node
        ({RANKS: "2", "HOROVOD_ELASTIC": "1"}, 1, False),  # the others may come
    ],
)
def test_ranks_that_have_not_all_found_each_other_are_refused(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], size: int, refused: bool
) -> None:
    for name in (RANKS, "SLURM_STEP_NUM_TASKS", "HOROVOD_ELASTIC"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    if not refused:
        require_joined(size)
        return
    with pytest.raises(MissingDependencyError, match=f"and {size} of them found each other"):
        require_joined(size)


STEP = {"SLURM_STEP_NUM_TASKS": "2", "SLURM_PROCID": "0"}


@pytest.mark.parametrize(
    ("environment", "ranks"),
    [
        ({}, 1),
        (STEP, 2),  # srun --mpi=none
        ({**STEP, RANKS: "2"}, 2),
        ({**STEP, "PMIX_RANK": "0"}, 2),  # srun --mpi=pmix, whatever MPI there is
        ({**STEP, RANKS: "1"}, 1),  # a trial of one of two workers of a study
        ({**STEP, "OMPI_COMM_WORLD_SIZE": "2"}, 1),  # the tasks are mpirun's daemons
        ({**STEP, "PMI_SIZE": "8"}, 1),  # those of another mpirun
        ({**STEP, "TORCHELASTIC_RUN_ID": "x", "WORLD_SIZE": "2"}, 1),
        ({**STEP, RANK: "1", RANKS: "2"}, 1),  # of a training with ranks=2 that one task has started
        ({**STEP, "HOROVOD_ELASTIC": "1"}, 1),
        ({"SLURM_PROCID": "0"}, 1),  # the script of a job
    ],
)
def test_ranks_that_are_the_tasks_of_a_step(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], ranks: int
) -> None:
    known = (RANKS, *STEP, "PMIX_RANK", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMI_RANK", "HOROVOD_SIZE")
    for name in (*known, "TORCHELASTIC_RUN_ID", "HOROVOD_ELASTIC"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert step_ranks() == ranks
