"""The card of the network of diffraction fingerprints."""

from typing import Annotated, Any, Literal

from annotated_types import Ge, Le, Len
from pydantic import Field

from hpcvox.networks.fingerprint.settings import ConvNetSettings
from hpcvox.training.folder.card import Card


class FingerprintCard(Card):
    """What it says of itself."""

    task: Literal["fingerprint"] = "fingerprint"
    model: ConvNetSettings
    pixels: Annotated[int, Ge(1), Le(10_000)]
    """Along an edge of a fingerprint."""
    classes: Annotated[dict[str, list[int]], Len(1)]
    """Names of the classes, each with the values of the target that are of it."""
    descriptor: dict[str, Any] = Field(default_factory=dict)
    """Settings of the shard set; nothing in cards of before they were kept."""
    target: str
