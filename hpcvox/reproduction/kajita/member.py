"""The trainings of the experiments: R3DVS on chosen crystals, for one or several targets; none sees a test crystal.

It is the network ``r3dvs`` with its loop, turns and maps.  What differs: a table names the crystals to train on and the
values to learn, and after each epoch the network is judged by turns that it is trained on.  So nothing of a test
crystal decides which weights are kept.
"""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from hpcvox.files import durable
from hpcvox.networks.r3dvs.card import R3DVSCard
from hpcvox.networks.r3dvs.settings import TrainR3DVSSettings
from hpcvox.networks.r3dvs.task import R3DVSTask, ReplicaBatch
from hpcvox.reproduction.kajita.sets import numbers
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.shards.selection import Samples
from hpcvox.training.folder.card import Run
from hpcvox.training.network import Network
from hpcvox.training.samples import all_samples
from hpcvox.training.task import Losses, Ratio, Recipe

ID: Final = "id"

JUDGED: Final = 64
"""Most crystals by whose first turn an epoch is judged."""


class MemberSettings(TrainR3DVSSettings):
    """A training of an experiment: R3DVS on the crystals of a table."""

    network = "hpcvox.reproduction.kajita.member:NETWORK"

    labels: Path = Field(
        description="table with the ids of the training crystals, and a column of each target"
    )
    digest: str = Field(description="hash of that table: with other contents it is another training")
    shown: int = Field(
        description="turns of each crystal that an epoch shows; with fewer replicas than that, the same ones again"
    )


class MemberTask(R3DVSTask):
    """Learns the standardised targets of a table, or to recognise its crystals."""

    settings: MemberSettings

    def prepare(self, originals: NDArray[np.int64]) -> int:
        """See :class:`hpcvox.networks.r3dvs.task.R3DVSTask`."""
        if self.settings.task == "rotation":
            return super().prepare(originals)
        ids, values = read(self.settings.labels)
        self.centres, self.spans = standards(values)
        self.standardised = torch.full((self.shards.n_samples, values.shape[1]), torch.nan)
        self.standardised[numbers(self.shards, ids)] = torch.from_numpy(
            (values - self.centres) / self.spans
        ).float()
        return int(values.shape[1])

    def losses(self, batch: ReplicaBatch) -> Losses:
        """See :class:`hpcvox.training.task.Task`."""
        if self.settings.task == "rotation":
            return super().losses(batch)
        outputs = self.model(batch.x)
        difference = outputs - self.standardised[torch.from_numpy(batch.indices)].to(outputs.device)
        mae = Ratio(difference.detach().abs().mean(1), torch.ones(len(difference)))
        return Losses(difference.square().mean(1), {"mae": mae})

    def card(self, run: Run) -> R3DVSCard:
        """See :class:`hpcvox.training.task.Task`."""
        if self.settings.task == "regression":  # the numbers that one target has
            self.centre, self.span = float(self.centres[0]), float(self.spans[0])
        return super().card(run)


def _split(settings: MemberSettings, shards: ShardSet, usable: NDArray[np.bool_]) -> tuple[Samples, Samples]:
    """The turns of the table's crystals, and the first turn of some, by which an epoch is judged."""
    crystals = np.sort(numbers(shards, read(settings.labels)[0]))
    turns = np.arange(1, settings.replicas + 1) * shards.n_samples
    shown = np.resize(turns, settings.shown)
    return (shown[:, None] + crystals).ravel(), turns[0] + crystals[:JUDGED]


def write(path: Path, ids: Sequence[str], values: NDArray[np.float64]) -> None:
    """Write the table of a training: ids, and their values (N, T)."""
    columns = [ID, *(f"target_{number}" for number in range(values.shape[1]))]
    rows = [
        dict(zip(columns, [name, *map(repr, row)], strict=True))
        for name, row in zip(ids, values.tolist(), strict=True)
    ]
    durable.write_csv(path, columns, rows)


def read(path: Path) -> tuple[list[str], NDArray[np.float64]]:
    """The ids of a table and their values, (N, T)."""
    with path.open(encoding="utf-8", newline="") as file:
        _, *rows = csv.reader(file)
    return [row[0] for row in rows], np.array([row[1:] for row in rows], np.float64)


def standards(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The mean and the standard deviation of each target over the training crystals, (T,) each."""
    spans = values.std(0)
    return values.mean(0), np.where(spans > 0, spans, 1.0)


RECIPE: Final = Recipe(MemberTask, all_samples, _split)

NETWORK: Final = Network(
    name="r3dvs-member",
    help="R3DVS on the crystals of a table",
    settings="hpcvox.reproduction.kajita.member:MemberSettings",
    recipe="hpcvox.reproduction.kajita.member:RECIPE",
    build="hpcvox.networks.r3dvs.at_work:build",
    card="hpcvox.networks.r3dvs.card:R3DVSCard",
    descriptor="r3dvs",
)
