"""Builds a UNet from the card of a trained one."""

from hpcvox.networks.unet.card import UNetCard
from hpcvox.networks.unet.model import UNet


def build(card: UNetCard) -> UNet:
    """Build the network that a card describes; the caller loads its weights."""
    if misfit := card.model.misfit(card.voxels):
        raise ValueError(misfit)
    return UNet(card.model)
