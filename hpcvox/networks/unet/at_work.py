"""A trained UNet, made again from its card."""

from typing import Any

from hpcvox import config
from hpcvox.networks.unet.model import UNet
from hpcvox.networks.unet.settings import UNetSettings


def build(card: dict[str, Any], origin: str) -> UNet:
    """The network that a card describes, of no particular weights; ``origin`` names the card's file."""
    settings = config.validate(UNetSettings, card["model"], origin)
    smallest = settings.patch * 2 ** len(settings.down)
    if card["voxels"] % smallest:
        raise ValueError(f"{card['voxels']} voxels are no multiple of the {smallest} of its levels")
    return UNet(settings)
