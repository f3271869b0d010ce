"""What launchers of ranks (horovodrun, mpirun, srun, torchrun) say of themselves, and what they are told."""

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
"""What the names of the variables begin with that ranks need; ``slurm/lib.sh`` has the same list."""

_SECRET: Final = ("KEY", "TOKEN", "SECRET", "PASS", "CREDENTIAL", "JWT", "COOKIE")

RANKS: Final = "HPCVOX_RANKS"
"""Says how many ranks were started together; set by ``slurm/lib.sh`` and ``training/ranks/launch.py``."""

RANK: Final = "HPCVOX_RANK"
"""Says which of them a rank is that no other launcher tells so."""

MEETING: Final = "HPCVOX_MEETING"
"""Names where such ranks meet."""

_SIZES = ("HOROVOD_SIZE", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE")
"""Set by horovodrun, by Open MPI's mpirun, and by that of MPICH and its relatives."""


def launched_ranks() -> int:
    """Number of ranks that a launcher started, this process among them; 1 without one."""
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
    """Number of ranks that ``srun`` started as the tasks of a step, this process among them, whether or not a launcher
    has told them so in the words of an MPI; 1 where ranks are something else than these tasks.
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
    """See that the ``size`` ranks that have found each other are all that were started.

    Raises:
        MissingDependencyError: they are fewer: each of several groups would do all of the work, and nobody would
            notice.
    """
    started = os.environ.get(RANKS) or os.environ.get("SLURM_STEP_NUM_TASKS") or "1"
    if is_elastic() or not started.isdigit() or size >= int(started):
        return
    raise MissingDependencyError(
        f"{started} processes were started and {size} of them found each other, so that each would do all of the work "
        "alone: what starts them is not what their MPI was built for. `srun --mpi=list` names what SLURM offers "
        "(HPCVOX_SRUN_MPI in configs/site.sh: pmix, pmi2, cray_shasta; never none), or take HPCVOX_LAUNCH=mpirun; a "
        "training also takes backend=torch, which under srun needs no MPI"
    )


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """What ranks need of ``environment``: horovodrun writes all that it has on the command lines that start them,
    where every user of the node can read it.
    """
    return {
        name: value
        for name, value in environment.items()
        if name.startswith(NEEDED) and not any(word in name for word in _SECRET)
    }


def of_this_hpcvox(environment: Mapping[str, str]) -> dict[str, str]:
    """``environment`` for a Python that runs this very hpcvox, and none of the modules that lie in the current folder:
    that may be one of other people's data.
    """
    here = str(Path(hpcvox.__file__).parents[1])
    path = os.pathsep.join(filter(None, (here, environment.get("PYTHONPATH"))))
    return {**environment, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"}


def is_elastic() -> bool:
    """Whether ``horovodrun --min-np`` started this process, as one of ranks that come and go."""
    return os.environ.get("HOROVOD_ELASTIC") == "1"
