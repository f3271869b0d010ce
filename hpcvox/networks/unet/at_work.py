"""A trained UNet, made again from its card."""

from hpcvox.networks.unet.card import UNetCard
from hpcvox.networks.unet.model import UNet


def build(card: UNetCard) -> UNet:
    """The network that a card describes, of no particular weights."""
    smallest = card.model.patch * 2 ** len(card.model.down)
    if card.voxels % smallest:
        raise ValueError(f"{card.voxels} voxels are no multiple of the {smallest} of its levels")
    return UNet(card.model)
