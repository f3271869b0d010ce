"""A package of someone else's: a network of one layer, which tells the energy from the mean density, and more."""

from typing import Final

from hpcvox.crystals.sources.source import Kind
from hpcvox.featurize.descriptor import Descriptor
from hpcvox.training.network import Network
from hpcvox_tiny.lines import LineSource

NETWORK: Final = Network(
    name="tiny",
    help="mean density → a target",
    settings="hpcvox_tiny.settings:TrainTinySettings",
    recipe="hpcvox_tiny.task:RECIPE",
    build="hpcvox_tiny.task:build",
    card="hpcvox_tiny.card:TinyCard",
    descriptor="density",
    leaves=("said.txt",),
)

FRACTIONS: Final = Descriptor(
    "fractions", "hpcvox_tiny.fractions:FractionsSettings", "hpcvox_tiny.fractions:FractionsSampler"
)

LINES: Final = Kind((".tiny",), LineSource, "lines of rocksalt crystals")
