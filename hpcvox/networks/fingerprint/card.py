"""The card of the network of diffraction fingerprints."""

from typing import Annotated

from annotated_types import Ge, Le, Len

from hpcvox.training.folder.card import Card


class FingerprintCard(Card):
    """What it says of itself beside its weights."""

    pixels: Annotated[int, Ge(1), Le(10_000)]
    classes: Annotated[dict[str, list[float]], Len(1)]
    target: str
