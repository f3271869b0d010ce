"""Job script: the same as ``hpcvox pipeline``, for ``ray job submit`` and ``sbatch``."""

import sys

from hpcvox.cli import main

sys.exit(main(["pipeline", *sys.argv[1:]]))
