"""Job script: the same as ``hpcvox elements``, for ``ray job submit`` and ``sbatch``."""

from hpcvox.cli import job
from hpcvox.process.ending import leave

leave(job("elements"))
