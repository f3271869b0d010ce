"""Job script: the same as ``hpcvox dft``, for ``ray job submit`` and ``sbatch``."""

import sys

from hpcvox.cli import job

sys.exit(job("dft"))
