"""Environment variables of the launchers of ranks (horovodrun, mpirun, srun, torchrun): read and passed on."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import hpcvox
from hpcvox.errors import MissingDependencyError

NEEDED: Final = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "PYTHON"),
    *(
        "VIRTUAL_ENV",
        "OMP_",
        "MKL_",
        "KMP_",
        "OPENBLAS_",
        "NUMBA_",
        "NCCL_",
        "GLOO_",
        "CUDA_",
        "NVIDIA_",
        "ROCR_",
    ),
    *("HIP_", "UCX_", "FI_", "OMPI_", "PMI", "SLURM", "SRUN_", "HOROVOD_", "HPCVOX_", "TORCH_"),
)
"""Beginnings of the names of the variables that ranks need; ``slurm/lib.sh`` has the same list."""

_SECRET: Final = ("KEY", "TOKEN", "SECRET", "PASS", "CREDENTIAL", "JWT", "COOKIE")

RANKS: Final = "HPCVOX_RANKS"
"""Variable with the number of ranks started together; ``slurm/lib.sh`` and ``training/ranks/launch.py`` set it."""

RANK: Final = "HPCVOX_RANK"
"""Variable with the number of a rank that hpcvox started without another launcher."""

MEETING: Final = "HPCVOX_MEETING"
"""Variable with the place at which such ranks find each other."""

_SIZES = ("HOROVOD_SIZE", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE")
"""Variables with the number of ranks, of horovodrun, Open MPI's mpirun, and the mpirun of MPICH and its relatives."""


def launched_ranks() -> int:
    """Number of ranks that a launcher started, including this process; 1 without a launcher."""
    if RANK in os.environ:
        return int(os.environ[RANKS])
    for size in _SIZES:
        if size in os.environ:
            return int(os.environ[size])
    if "TORCHELASTIC_RUN_ID" in os.environ:
        return int(os.environ["WORLD_SIZE"])
    if "PMIX_RANK" in os.environ or "PMI_RANK" in os.environ:
        return int(os.environ.get("SLURM_STEP_NUM_TASKS", "1"))
    return 1


def step_ranks() -> int:
    """Number of ranks that ``srun`` started as the tasks of a step, including this process; 1 if it started none.

    It does not matter whether the ranks have variables of an MPI.  If another launcher started the ranks, the tasks of
    the step are not ranks, and the result is 1.
    """
    tasks = os.environ.get("SLURM_STEP_NUM_TASKS", "1")
    others = "OMPI_COMM_WORLD_SIZE" in os.environ or "HOROVOD_SIZE" in os.environ or is_elastic()
    others |= RANK in os.environ or "TORCHELASTIC_RUN_ID" in os.environ
    if others or "SLURM_PROCID" not in os.environ:
        return 1
    if (
        not tasks.isdigit()
        or os.environ.get(RANKS, tasks) != tasks
        or launched_ranks() not in (1, int(tasks))
    ):
        return 1
    return int(tasks)


def require_joined(size: int) -> None:
    """Check that all ranks that were started have found each other; ``size`` is how many have.

    Raises:
        MissingDependencyError: fewer have.  Otherwise each of several groups would do all of the work, and nobody
            would notice.
    """
    started = os.environ.get(RANKS) or os.environ.get("SLURM_STEP_NUM_TASKS") or "1"
    if is_elastic() or not started.isdigit() or size >= int(started):
        return
    raise MissingDependencyError(
        f"{started} processes were started and {size} of them found each other, so that each would do all of the work "
        "alone: the launcher does not fit the MPI library of these processes. `srun --mpi=list` names what SLURM "
        "offers; set HPCVOX_SRUN_MPI in configs/site.sh to one of these (pmix, pmi2, cray_shasta; never none), or set "
        "HPCVOX_LAUNCH=mpirun; a training can also use backend=torch, which needs no MPI under srun"
    )


def no_mpi(error: Exception) -> str:
    """Why ``mpi4py``, which is to join the ranks of a launcher, could not be imported, and what to do."""
    if isinstance(error, ModuleNotFoundError):
        return "mpi4py, which is to join them, is not installed: pip install 'hpcvox[mpi]'"
    return (
        f"mpi4py finds no MPI to join them ({str(error).splitlines()[0]}): install the MPI whose launcher this was "
        "(Debian: openmpi-bin; a cluster: module load openmpi)"
    )


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables of ``environment`` that ranks need, without secrets.

    horovodrun writes its whole environment on the command lines that start the ranks, where every user of the node can
    read it.
    """
    return {
        name: value
        for name, value in environment.items()
        if name.startswith(NEEDED) and not any(word in name for word in _SECRET)
    }


def of_this_hpcvox(environment: Mapping[str, str]) -> dict[str, str]:
    """``environment`` for a Python process that imports this hpcvox, and no module from the current folder.

    The current folder may hold other people's data.
    """
    here = str(Path(hpcvox.__file__).parents[1])
    path = os.pathsep.join(filter(None, (here, environment.get("PYTHONPATH"))))
    return {**environment, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"}


def is_elastic() -> bool:
    """Whether ``horovodrun --min-np`` started this process, so that ranks may come and go."""
    return os.environ.get("HOROVOD_ELASTIC") == "1"
