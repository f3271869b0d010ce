"""The card of the UNet."""

from pydantic import Field

from hpcvox.networks.maps import MapsCard
from hpcvox.training.folder.card import Element, Positive


class UNetCard(MapsCard):
    """What it says of itself beside its weights."""

    classes: Positive = 2
    elements: list[Element] = Field(default_factory=list)
