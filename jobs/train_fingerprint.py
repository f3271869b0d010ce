"""Job script: the same as ``hpcvox train-fingerprint``, for ``ray job submit`` and ``sbatch``."""

import sys

from hpcvox.cli import job

sys.exit(job("train-fingerprint"))
