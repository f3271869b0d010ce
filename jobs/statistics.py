"""Job script: the same as ``hpcvox statistics``, for ``mpirun`` and ``sbatch``."""

from hpcvox.cli import job
from hpcvox.process.ending import leave

leave(job("statistics"))
