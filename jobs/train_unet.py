"""Job script: the same as ``hpcvox train-unet``, for ``ray job submit`` and ``sbatch``."""

from hpcvox.cli import job
from hpcvox.process.ending import leave

leave(job("train-unet"))
