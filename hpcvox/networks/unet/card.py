"""The card of the UNet."""

from typing import Literal

from pydantic import Field

from hpcvox.networks.maps import MapsCard
from hpcvox.networks.unet.settings import UNetSettings
from hpcvox.training.folder.card import Element, Positive


class UNetCard(MapsCard):
    """The fields of a UNet's card."""

    task: Literal["unet"] = "unet"
    model: UNetSettings
    classes: Positive = 2
    elements: list[Element] = Field(default_factory=list)
    """Atomic numbers that occur in the training set."""
    initial: str | None = None
    """Run folder of the network whose weights the training started from."""
    vae: str | None = None
    """Run folder of the VAE whose decoded maps were also trained on."""
