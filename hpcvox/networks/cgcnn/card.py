"""The card of the CGCNN."""

from typing import Annotated, Any, Literal

from annotated_types import Ge, Len
from pydantic import Field

from hpcvox.networks.cgcnn.settings import CGCNNSettings
from hpcvox.training.folder.card import Card, Element, Positive

HELD_OUT = "held_out.csv"
"""Table in the run folder with the network's predictions for held-out crystals."""


class CGCNNCard(Card):
    """The fields of a CGCNN's card."""

    task: Literal["cgcnn"] = "cgcnn"
    model: CGCNNSettings
    target: str
    log: bool
    """Whether the network predicts the logarithm (base 10) of the target."""
    mean: float
    """Mean of the target in the training set, in its unit; with ``log`` the mean of its logarithm."""
    std: Annotated[float, Ge(0)]
    """Standard deviation of the target (with ``log`` of its logarithm) in the training set."""
    neighbours: Positive
    """Edges of every site in the graphs."""
    descriptor: dict[str, Any] = Field(default_factory=dict)
    """Settings of the shard set; empty in cards of older versions, which did not keep them."""
    elements: Annotated[list[Element], Len(1)]
    """Atomic numbers that occur in the training set."""
    initial: str | None = None
    """Run folder of the network whose weights the training started from."""
