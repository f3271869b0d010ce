"""Job script: the same as ``hpcvox judge``, for ``ray job submit`` and ``sbatch``."""

from hpcvox.cli import job
from hpcvox.ending import leave

leave(job("judge"))
