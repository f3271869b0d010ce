"""The interface of a task, which the training loop uses: a model, its batches, losses of samples, figures to report."""

from collections.abc import Callable
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.shards.selection import Samples
from hpcvox.training.data import Batch, Slice
from hpcvox.training.folder.card import Card, Run
from hpcvox.training.ranks.comm import Comm
from hpcvox.training.samples import by_material


class Ratio(NamedTuple):
    """A figure that is a quotient of two sums over samples (a mean, a recall)."""

    numerator: torch.Tensor
    """(B,) or scalar; its gradient is not used."""
    denominator: torch.Tensor


class Losses(NamedTuple):
    """The losses and figures of a batch."""

    per_sample: torch.Tensor
    """(B,): the loss of each sample, with gradient."""
    figures: dict[str, Ratio]


class Task(Protocol):
    """A model with its batches, loss and metrics."""

    name: str

    @property
    def model(self) -> nn.Module:
        """The network to train."""

    def read(self, part: Slice, epoch: int) -> Batch:
        """Read the samples of ``part``; called in another thread than the other methods.

        Args:
            part: the samples, and their weights.
            epoch: decides the random augmentation; -1 in an evaluation, which has none.
        """

    def losses(self, batch: Any) -> Losses:
        """Compute the losses of a batch from ``read``; ``model.training`` tells training from evaluation."""

    def card(self, run: Run) -> Card:
        """The card of the model: ``run``, and everything that is needed to build the model again and to use it."""

    def finish(self, out: Path, held_out: Samples) -> None:
        """Called on rank 0 after the training, when the best model is in ``out``."""


def _nothing(task: Any, out: Path, train: Samples, comm: Comm) -> bool:
    return True


class Recipe(NamedTuple):
    """The functions by which a training of a network makes its task and chooses its samples."""

    make: Callable[[Any, ShardSet, Samples, Comm], Task]
    """Makes the task; takes settings, shard set, numbers of the training samples, and the communicator."""
    usable: Callable[[Any, ShardSet], NDArray[np.bool_]]
    """Returns which samples have everything that the task needs, (N,) bool."""
    split: Callable[[Any, ShardSet, NDArray[np.bool_]], tuple[Samples, Samples]] = by_material
    """Returns the numbers of the training and the held-out samples, for the task's ``read``; takes settings, shard set
    and the result of ``usable``."""
    least: Callable[[dict[str, float]], float] = itemgetter("loss")
    """Computes from the held-out figures of an epoch the value that is least in the best epoch."""
    together: Callable[[Any, Path, Samples, Comm], bool] = _nothing
    """Called on all ranks after the training, before ``finish``, with task, run folder, training samples, communicator.

    Returns False on every rank if a signal stopped it; it starts again when the training is run again."""
