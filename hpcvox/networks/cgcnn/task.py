"""The task of the CGCNN: minimise the error of a standardised property.

The error is squared, as in Court et al. 2020 (Table 1), or absolute.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hpcvox.errors import ShardError
from hpcvox.files import durable
from hpcvox.networks.cgcnn.at_work import TASK, Property
from hpcvox.networks.cgcnn.card import HELD_OUT, CGCNNCard
from hpcvox.networks.cgcnn.graphs import GraphBatch, load
from hpcvox.networks.cgcnn.held_out import Column
from hpcvox.networks.cgcnn.model import CGCNN
from hpcvox.networks.cgcnn.samples import known, neighbours, spread, start_of, targets
from hpcvox.networks.cgcnn.settings import TrainCGCNNSettings
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.shards.selection import Samples
from hpcvox.training.data import Slice, plan
from hpcvox.training.folder import runs
from hpcvox.training.folder.card import Run
from hpcvox.training.ranks.comm import Comm
from hpcvox.training.task import Losses, Ratio, Recipe

AT_A_TIME = 256
"""Crystals in a batch of predictions."""


class CGCNNTask:
    """Learns to predict a property of a crystal from its graph."""

    name = TASK

    def __init__(self, settings: TrainCGCNNSettings, shards: ShardSet, train: Samples, comm: Comm) -> None:
        self.settings, self.shards = settings, shards
        self.neighbours = neighbours(shards)
        values = targets(settings, shards)
        self.mean, self.std = spread(settings, shards, values[train])
        self.standardised = torch.from_numpy((values - self.mean) / self.std).float()
        self.elements = np.unique(np.concatenate([shards.sites(int(i))[0] for i in train])).tolist()
        self.model = CGCNN(settings.model).to(comm.device)
        if settings.initial is not None:
            self._start_from(settings.initial)

    def read(self, part: Slice, epoch: int) -> GraphBatch:
        return load(self.shards, part, epoch)

    def losses(self, batch: GraphBatch) -> Losses:
        value = self.model(*batch.graph)
        wanted = self.standardised[torch.from_numpy(batch.indices)].to(value.device)
        error, squared = (value - wanted).abs(), (value - wanted).square()
        with torch.no_grad():
            one = torch.ones(len(value))
            figures = {
                "mae": Ratio(error * self.std, one),
                "mse": Ratio(squared * self.std**2, one),
                # 1: no better than predicting the mean of the training set for every crystal
                "relative_mae": Ratio(error, wanted.abs()),
            }
        return Losses(squared if self.settings.loss == "squared" else error, figures)

    def card(self, run: Run) -> CGCNNCard:
        initial = self.settings.initial
        return CGCNNCard(
            run=run,
            model=self.settings.model,
            target=self.settings.target,
            log=self.settings.log,
            mean=self.mean,
            std=self.std,
            neighbours=self.neighbours,
            descriptor=dict(self.shards.manifest.settings),
            elements=self.elements,
            initial=None if initial is None else str(initial),
        )

    def finish(self, out: Path, held_out: Samples) -> None:
        """Write :data:`HELD_OUT`: target and prediction of the held-out crystals, in the unit of the target.

        The prediction is empty for a crystal with an element that no crystal of the training had.
        """
        known, said = self.shards.target(self.settings.target), _predict(Property(out), self.shards, held_out)
        rows: list[dict[str, Any]] = [
            {
                Column.ID: self.shards.ids[i],
                Column.FORMULA: self.shards.formulas[i],
                Column.TRUE: repr(float(known[i])),
                Column.PREDICTED: "" if np.isnan(value) else repr(float(value)),
            }
            for i, value in zip(held_out.tolist(), said, strict=True)
        ]
        durable.write_csv(out / HELD_OUT, tuple(Column), rows)

    def _start_from(self, folder: Path) -> None:
        """Copy the weights (without the head's) of the network in ``folder``; raise an error if they do not fit."""
        card = start_of(folder, self.settings, self.neighbours)
        model, _ = runs.load_model(folder, CGCNNCard)
        assert isinstance(model, CGCNN)
        self.model.load_state_dict(model.features(), strict=False)
        self.elements = sorted({*self.elements, *card.elements})


def predict(folder: Path | str, shards: ShardSet) -> NDArray[np.float64]:
    """Predict the property of every sample with the CGCNN in the run folder ``folder``.

    Returns:
        (N,) float64 in the unit of the target; NaN for a crystal with an element that no training crystal had.

    Raises:
        CheckpointError: there is no trained CGCNN in ``folder``.
        ShardError: ``shards`` holds no graphs, or graphs with another number of neighbours.
    """
    network = Property(Path(folder))
    if (found := neighbours(shards)) != network.neighbours:
        raise ShardError(
            f"{shards.folder} has {found} neighbours per site, but {folder} was trained on {network.neighbours}: "
            f"featurize with neighbours={network.neighbours}"
        )
    return _predict(network, shards, np.arange(len(shards)))


def _predict(network: Property, shards: ShardSet, samples: Samples) -> NDArray[np.float64]:
    """Predict the property of ``samples``, in their order."""
    parts = plan(samples, AT_A_TIME, 0, 1, None)
    return np.concatenate([np.zeros(0), *(network(load(shards, part, -1).graph) for part in parts)])


RECIPE = Recipe(CGCNNTask, known)
