"""The card of the CGCNN."""

from typing import Annotated

from annotated_types import Ge, Len

from hpcvox.training.folder.card import Card, Element, Positive

HELD_OUT = "held_out.csv"
"""What it says of held-out crystals."""


class CGCNNCard(Card):
    """What it says of itself beside its weights."""

    target: str
    log: bool
    mean: float
    std: Annotated[float, Ge(0)]
    neighbours: Positive
    elements: Annotated[list[Element], Len(1)]
