"""Job script: the same as ``hpcvox featurize``, for ``ray job submit`` and ``sbatch``."""

import sys

from hpcvox.cli import main

sys.exit(main(["featurize", *sys.argv[1:]]))
