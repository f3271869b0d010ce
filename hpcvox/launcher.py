"""What a launcher of ranks (horovodrun, mpirun, srun, torchrun) says of itself in the environment."""

import os

_SIZES = ("HOROVOD_SIZE", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE")
"""Set by horovodrun, by Open MPI's mpirun, and by that of MPICH and its relatives."""


def launched_ranks() -> int:
    """Number of ranks that a launcher started, this process among them; 1 without one."""
    for size in _SIZES:
        if size in os.environ:
            return int(os.environ[size])
    if "TORCHELASTIC_RUN_ID" in os.environ:
        return int(os.environ["WORLD_SIZE"])
    if "PMIX_RANK" in os.environ or "PMI_RANK" in os.environ:
        return int(os.environ.get("SLURM_STEP_NUM_TASKS", "1"))
    return 1


def is_elastic() -> bool:
    """Whether ``horovodrun --min-np`` started this process, as one of ranks that come and go."""
    return os.environ.get("HOROVOD_ELASTIC") == "1"
