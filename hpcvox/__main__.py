"""``python -m hpcvox``: the same as the ``hpcvox`` command."""

import sys

from hpcvox.cli import main

sys.exit(main())
