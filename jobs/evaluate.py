"""Job script: the same as ``hpcvox evaluate``, for ``ray job submit`` and ``sbatch``."""

import sys

from hpcvox.cli import main

sys.exit(main(["evaluate", *sys.argv[1:]]))
