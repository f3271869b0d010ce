"""The task of the diffraction fingerprint (Ziletti et al. 2018): which class a crystal is of."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from hpcvox.errors import ConfigError, ShardError
from hpcvox.networks.fingerprint.model import ConvNet
from hpcvox.networks.fingerprint.settings import TrainFingerprintSettings
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.training.data import DROPOUT, Slice, generator
from hpcvox.training.ranks.comm import Comm
from hpcvox.training.task import Losses, Ratio, Recipe, Samples


class FingerprintBatch(NamedTuple):
    """Fingerprints of one step on one rank."""

    indices: NDArray[np.int64]
    """(B,) samples of the shard set."""
    share: torch.Tensor
    """(B,) float32: weight of each sample in the rank's loss."""
    x: torch.Tensor
    """(B, 3, n, n) float32: fingerprints, 0 to 1."""
    kept: torch.Tensor | None
    """(B, features) bool: what dropout keeps, drawn for (epoch, sample); None in an evaluation."""
    epoch: int


class FingerprintTask:
    """Classes by cross-entropy."""

    name = "fingerprint"

    def __init__(
        self, settings: TrainFingerprintSettings, shards: ShardSet, train: Samples, comm: Comm
    ) -> None:
        self.settings, self.shards = settings, shards
        self.labels = torch.from_numpy(labels(settings, shards))
        empty = set(range(len(settings.classes))) - set(self.labels[train].tolist())
        if empty:
            names = list(settings.classes)
            raise ShardError(
                f"{settings.shards} has no sample to train on of {', '.join(names[i] for i in sorted(empty))}: "
                f"its values of {settings.target} are {_values(settings, shards)}; set classes to what there is"
            )
        self.pixels = shards.array_shape("fingerprint")[0]
        try:
            self.model = ConvNet(settings.model, self.pixels, len(settings.classes)).to(comm.device)
        except ValueError as error:
            raise ConfigError(f"model: {error}") from None

    def read(self, part: Slice, epoch: int) -> FingerprintBatch:
        images = self.shards.read_array("fingerprint", part.indices)
        x = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
        kept = None
        if epoch >= 0 and self.model.dropout:
            kept = torch.from_numpy(np.stack([self._kept(epoch, int(index)) for index in part.indices]))
        return FingerprintBatch(part.indices, torch.from_numpy(part.share), x, kept, epoch)

    def losses(self, batch: FingerprintBatch) -> Losses:
        logits = self.model(batch.x, batch.kept)
        labels = self.labels[torch.from_numpy(batch.indices)].to(logits.device)
        right = (logits.argmax(1) == labels).float()
        entropy = functional.cross_entropy(logits, labels, reduction="none")
        return Losses(entropy, {"accuracy": Ratio(right, torch.ones(len(right)))})

    def card(self) -> dict[str, Any]:
        return {
            "model": self.settings.model.model_dump(mode="json"),
            "pixels": self.pixels,
            "classes": dict(self.settings.classes),
            "descriptor": dict(self.shards.manifest.settings),
            "target": self.settings.target,
        }

    def finish(self, out: Path, held_out: NDArray[np.int64]) -> None:
        pass

    def _kept(self, epoch: int, index: int) -> NDArray[np.bool_]:
        random = generator(self.settings.seed, DROPOUT, epoch, index).random(self.model.features)
        kept: NDArray[np.bool_] = random >= self.model.dropout
        return kept


def labels(settings: TrainFingerprintSettings, shards: ShardSet) -> NDArray[np.int64]:
    """Class of each sample by its value of the target, (N,); -1: of none."""
    values = shards.target(settings.target)
    out = np.full(len(values), -1)
    for number, members in enumerate(settings.classes.values()):
        out[np.isin(values, members)] = number
    return out


def _usable(settings: TrainFingerprintSettings, shards: ShardSet) -> NDArray[np.bool_]:
    usable = labels(settings, shards) >= 0
    if not usable.any():
        raise ShardError(
            f"{settings.shards} has no sample of a class: its values of {settings.target} are "
            f"{_values(settings, shards)}; set classes to what there is"
        )
    return usable


def _values(settings: TrainFingerprintSettings, shards: ShardSet) -> str:
    values = shards.target(settings.target)
    found = np.unique(values[np.isfinite(values)])
    return ", ".join(f"{value:g}" for value in found[:10]) + (" …" if len(found) > 10 else "")


def _least(figures: dict[str, float]) -> float:
    """As in the paper, the weights with the best accuracy are kept."""
    return -figures["accuracy"]


RECIPE = Recipe(FingerprintTask, _usable, least=_least)
