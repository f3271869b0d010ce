"""Builds a UNet from the card of a trained one."""

from hpcvox.networks.unet.card import UNetCard
from hpcvox.networks.unet.model import UNet


def build(card: UNetCard) -> UNet:
    """Build the network that a card describes; the caller loads its weights."""
    smallest = card.model.patch * 2 ** len(card.model.down)
    if card.voxels % smallest:
        raise ValueError(f"{card.voxels} voxels are no multiple of the {smallest} of its levels")
    return UNet(card.model)
