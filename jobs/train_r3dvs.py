"""Job script: the same as ``hpcvox train-r3dvs``, for ``ray job submit`` and ``sbatch``."""

import sys

from hpcvox.cli import job

sys.exit(job("train-r3dvs"))
