"""Job script: the same as ``hpcvox reproduce``, for ``ray job submit`` and ``sbatch``."""

from hpcvox.cli import job
from hpcvox.process.ending import leave

leave(job("reproduce"))
