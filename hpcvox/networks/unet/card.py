"""The card of the UNet."""

from typing import Literal

from pydantic import Field

from hpcvox.networks.maps import MapsCard
from hpcvox.networks.unet.settings import UNetSettings
from hpcvox.training.folder.card import Element, Positive


class UNetCard(MapsCard):
    """What it says of itself."""

    task: Literal["unet"] = "unet"
    model: UNetSettings
    classes: Positive = 2
    elements: list[Element] = Field(default_factory=list)
    """Atomic numbers in its training set."""
    initial: str | None = None
    """Run folder of the network that it started from."""
    vae: str | None = None
    """Run folder of the VAE whose decoded maps it learnt, too."""
