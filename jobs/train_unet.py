"""Job script: the same as ``hpcvox train-unet``, for ``ray job submit`` and ``sbatch``."""

import sys

from hpcvox.cli import main

sys.exit(main(["train-unet", *sys.argv[1:]]))
