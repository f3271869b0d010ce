"""Job script: the same as ``hpcvox train-r3dvs``, for ``ray job submit`` and ``sbatch``."""

from hpcvox.cli import job
from hpcvox.process.ending import leave

leave(job("train-r3dvs"))
