"""The card of the network of diffraction fingerprints."""

from typing import Annotated, Any, Literal

from annotated_types import Ge, Le, Len
from pydantic import Field

from hpcvox.networks.fingerprint.settings import ConvNetSettings
from hpcvox.training.folder.card import Card


class FingerprintCard(Card):
    """The fields of the card."""

    task: Literal["fingerprint"] = "fingerprint"
    model: ConvNetSettings
    pixels: Annotated[int, Ge(1), Le(10_000)]
    """Pixels along each edge of a fingerprint."""
    classes: Annotated[dict[str, list[int]], Len(1)]
    """Names of the classes, each with the values of the target that belong to it."""
    descriptor: dict[str, Any] = Field(default_factory=dict)
    """Settings of the shard set; empty in cards of older versions, which did not keep them."""
    target: str
