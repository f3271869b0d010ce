"""``python -m hpcvox``: the same as the ``hpcvox`` command."""

from hpcvox.cli import console

console()
