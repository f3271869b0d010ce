"""Builds the network of R3DVS from the card of a trained one."""

from hpcvox.networks.r3dvs.card import R3DVSCard
from hpcvox.networks.r3dvs.model import VoxelCNN


def build(card: R3DVSCard) -> VoxelCNN:
    """Build the network that a card describes; the caller loads its weights."""
    return VoxelCNN(card.model, card.channels, card.voxels, card.outputs, card.scale)
