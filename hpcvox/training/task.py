"""What the loop asks of a task: a model, and per-sample losses with the figures to report."""

from typing import Any, NamedTuple, Protocol

import torch
from torch import nn

from hpcvox.training.data import Batch


class Ratio(NamedTuple):
    """A figure that is a quotient of sums over samples (a mean, a recall)."""

    numerator: torch.Tensor
    """(B,) or scalar, no gradient."""
    denominator: torch.Tensor


class Losses(NamedTuple):
    """Result of a task on a batch."""

    per_sample: torch.Tensor
    """(B,), with gradient."""
    figures: dict[str, Ratio]


class Task(Protocol):
    """A model with its loss and metrics."""

    name: str

    @property
    def model(self) -> nn.Module:
        """The network that is trained."""

    def losses(self, batch: Batch) -> Losses:
        """Losses of ``batch``; whether for training or evaluation is ``model.training``."""

    def card(self) -> dict[str, Any]:
        """What a user of the model must know beside its shape (JSON)."""
