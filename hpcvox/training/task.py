"""What the loop asks of a task: a model, its batches, and per-sample losses with the figures to report."""

from collections.abc import Callable
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.training.data import Batch, Slice
from hpcvox.training.folder.card import Card, Run
from hpcvox.training.ranks.comm import Comm
from hpcvox.training.samples import Samples, by_material


class Ratio(NamedTuple):
    """A figure that is a quotient of sums over samples (a mean, a recall)."""

    numerator: torch.Tensor
    """(B,) or scalar; a gradient is not looked at."""
    denominator: torch.Tensor


class Losses(NamedTuple):
    """Result of a task on a batch."""

    per_sample: torch.Tensor
    """(B,), with gradient."""
    figures: dict[str, Ratio]


class Task(Protocol):
    """A model with its batches, loss and metrics."""

    name: str

    @property
    def model(self) -> nn.Module:
        """The network that is trained."""

    def read(self, part: Slice, epoch: int) -> Batch:
        """The samples of ``part``; called in another thread than the rest.

        Args:
            epoch: decides what augmentation draws; -1 for an evaluation, which has none.
        """

    def losses(self, batch: Any) -> Losses:
        """Losses of a batch that ``read`` made; whether for training or evaluation is ``model.training``."""

    def card(self, run: Run) -> Card:
        """What is needed to make the model again and to use it; ``run`` goes into it."""

    def finish(self, out: Path, held_out: NDArray[np.int64]) -> None:
        """Called on rank 0 once the training is complete and the model is in ``out``."""


def _nothing(task: Any, out: Path, train: Samples, comm: Comm) -> bool:
    return True


class Recipe(NamedTuple):
    """How a verb makes its task."""

    make: Callable[[Any, ShardSet, Samples, Comm], Task]
    """Settings, shards, training samples, ranks."""
    usable: Callable[[Any, ShardSet], NDArray[np.bool_]]
    """Which samples, (N,), have what the task needs of them."""
    split: Callable[[Any, ShardSet, NDArray[np.bool_]], tuple[Samples, Samples]] = by_material
    """Numbers, known to the task's ``read``, of what is trained on and what is held out: settings, shards, usable."""
    least: Callable[[dict[str, float]], float] = itemgetter("loss")
    """Of the held-out figures, what the exported weights have the least of."""
    together: Callable[[Any, Path, Samples, Comm], bool] = _nothing
    """What all ranks do once the training is complete, before ``finish``: task, run folder, training samples, ranks.

    False, on every rank, where a signal stopped it: it is begun anew when the training is run again."""
