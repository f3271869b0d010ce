"""Job script: the same as ``hpcvox fetch``, for ``ray job submit`` and ``sbatch``."""

import sys

from hpcvox.cli import job

sys.exit(job("fetch"))
