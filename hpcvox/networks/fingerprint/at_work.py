"""A trained network of diffraction fingerprints, made again from its card."""

from typing import Any

from hpcvox import config
from hpcvox.networks.fingerprint.model import ConvNet
from hpcvox.networks.fingerprint.settings import ConvNetSettings


def build(card: dict[str, Any], origin: str) -> ConvNet:
    """The network that a card describes, of no particular weights; ``origin`` names the card's file."""
    settings = config.validate(ConvNetSettings, card["model"], origin)
    return ConvNet(settings, card["pixels"], len(card["classes"]))
