"""Job script: the same as ``hpcvox statistics``, for ``mpirun`` and ``sbatch``."""

import sys

from hpcvox.cli import job

sys.exit(job("statistics"))
