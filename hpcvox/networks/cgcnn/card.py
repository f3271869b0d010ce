"""The card of the CGCNN."""

from typing import Annotated, Any, Literal

from annotated_types import Ge, Len
from pydantic import Field

from hpcvox.networks.cgcnn.settings import CGCNNSettings
from hpcvox.training.folder.card import Card, Element, Positive

HELD_OUT = "held_out.csv"
"""What it says of held-out crystals."""


class CGCNNCard(Card):
    """What it says of itself."""

    task: Literal["cgcnn"] = "cgcnn"
    model: CGCNNSettings
    target: str
    log: bool
    """Whether it says the target's decadic logarithm."""
    mean: float
    """Of the target (of its logarithm, with ``log``) in the training set, in the target's unit."""
    std: Annotated[float, Ge(0)]
    """Its standard deviation there."""
    neighbours: Positive
    """Edges a site of the graphs."""
    descriptor: dict[str, Any] = Field(default_factory=dict)
    """Settings of the shard set; nothing in cards of before they were kept."""
    elements: Annotated[list[Element], Len(1)]
    """Atomic numbers in its training set."""
    initial: str | None = None
    """Run folder of the network that it started from."""
