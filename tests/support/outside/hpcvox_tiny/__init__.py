"""A package of someone else's: a network of one layer, which tells the energy from the mean density."""

from typing import Final

from hpcvox.training.network import Network

NETWORK: Final = Network(
    name="tiny",
    help="mean density → a target",
    settings="hpcvox_tiny.settings:TrainTinySettings",
    recipe="hpcvox_tiny.task:RECIPE",
    build="hpcvox_tiny.task:build",
    card="hpcvox.training.folder.card:Card",
    descriptor="density",
    leaves=("said.txt",),
)
