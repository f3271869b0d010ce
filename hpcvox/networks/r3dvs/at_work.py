"""A trained network of R3DVS, made again from its card."""

from hpcvox.networks.r3dvs.card import R3DVSCard
from hpcvox.networks.r3dvs.model import VoxelCNN


def build(card: R3DVSCard) -> VoxelCNN:
    """The network that a card describes, of no particular weights."""
    return VoxelCNN(card.model, card.channels, card.voxels, card.outputs, card.scale)
