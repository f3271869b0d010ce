"""Job script: the same as ``hpcvox train-vae``, for ``ray job submit`` and ``sbatch``."""

from hpcvox.cli import job
from hpcvox.ending import leave

leave(job("train-vae"))
