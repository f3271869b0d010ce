"""Job script: the same as ``hpcvox database``, for ``ray job submit`` and ``sbatch``."""

import sys

from hpcvox.cli import main

sys.exit(main(["database", *sys.argv[1:]]))
