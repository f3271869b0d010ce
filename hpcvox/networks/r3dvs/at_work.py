"""A trained network of R3DVS, made again from its card."""

from typing import Any

from hpcvox import config
from hpcvox.networks.r3dvs.model import VoxelCNN
from hpcvox.networks.r3dvs.settings import VoxelCNNSettings


def build(card: dict[str, Any], origin: str) -> VoxelCNN:
    """The network that a card describes, of no particular weights; ``origin`` names the card's file."""
    settings = config.validate(VoxelCNNSettings, card["model"], origin)
    return VoxelCNN(settings, card["channels"], card["voxels"], card["outputs"], card["scale"])
