"""The voxel network of R3DVS: it predicts a property, or recognises a crystal (Kajita et al. 2017)."""

from typing import Final

from hpcvox.training.network import Network

NETWORK: Final = Network(
    name="r3dvs",
    help="R3DVS → a property, or which crystal",
    settings="hpcvox.networks.r3dvs.settings:TrainR3DVSSettings",
    recipe="hpcvox.networks.r3dvs.task:RECIPE",
    build="hpcvox.networks.r3dvs.at_work:build",
    card="hpcvox.networks.r3dvs.card:R3DVSCard",
    check="hpcvox.networks.r3dvs.samples:check",
    descriptor="r3dvs",
)
