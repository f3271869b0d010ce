"""Job script: the same as ``hpcvox generate``, for ``ray job submit`` and ``sbatch``."""

import sys

from hpcvox.cli import main

sys.exit(main(["generate", *sys.argv[1:]]))
