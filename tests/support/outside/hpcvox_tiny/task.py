"""Its model and its task."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from hpcvox.shards.reading.densities import read_densities
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.shards.selection import Samples
from hpcvox.training.data import Slice
from hpcvox.training.folder.card import Run
from hpcvox.training.ranks.comm import Comm
from hpcvox.training.task import Losses, Ratio, Recipe
from hpcvox_tiny.card import TinyCard
from hpcvox_tiny.settings import TrainTinySettings


class TinyBatch(NamedTuple):
    """Mean densities of one step on one rank."""

    indices: NDArray[np.int64]
    share: torch.Tensor
    x: torch.Tensor
    epoch: int


class TinyTask:
    """A target by its squared error."""

    name = "tiny"

    def __init__(self, settings: TrainTinySettings, shards: ShardSet, train: Samples, comm: Comm) -> None:
        self.shards, self.target = shards, settings.target
        self.wanted = torch.from_numpy(shards.target(settings.target)).float()
        self.model: nn.Module = nn.Linear(1, 1).to(comm.device)

    def read(self, part: Slice, epoch: int) -> TinyBatch:
        """Mean densities of a part of the samples."""
        density, _ = read_densities(self.shards, part.indices)
        x = torch.from_numpy(density.astype(np.float32).mean((1, 2, 3))[:, None])
        return TinyBatch(part.indices, torch.from_numpy(part.share), x, epoch)

    def losses(self, batch: TinyBatch) -> Losses:
        """Squared errors, and the mean absolute one to look at."""
        error = self.model(batch.x)[:, 0] - self.wanted[torch.from_numpy(batch.indices)].to(batch.x.device)
        return Losses(error.square(), {"mae": Ratio(error.detach().abs(), torch.ones(len(error)))})

    def card(self, run: Run) -> TinyCard:
        """What it takes to make the model again."""
        return TinyCard(run=run, target=self.target)

    def finish(self, out: Path, held_out: Samples) -> None:
        """Leave a word."""
        (out / "said.txt").write_text(f"{len(held_out)} held out\n", "utf-8")


def build(card: TinyCard) -> nn.Module:
    """The model, of no particular weights."""
    return nn.Linear(1, 1)


def _usable(settings: TrainTinySettings, shards: ShardSet) -> NDArray[np.bool_]:
    return np.isfinite(shards.target(settings.target))


RECIPE = Recipe(TinyTask, _usable)
