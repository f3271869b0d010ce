"""Job script: the same as ``hpcvox train-vae``, for ``ray job submit`` and ``sbatch``."""

import sys

from hpcvox.cli import main

sys.exit(main(["train-vae", *sys.argv[1:]]))
