"""The task of the network of diffraction fingerprints: classify crystals (Ziletti et al. 2018)."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from hpcvox.errors import ConfigError
from hpcvox.networks.fingerprint.card import FingerprintCard
from hpcvox.networks.fingerprint.model import ConvNet
from hpcvox.networks.fingerprint.samples import labels, refuse_empty, usable
from hpcvox.networks.fingerprint.settings import TrainFingerprintSettings
from hpcvox.networks.fingerprint.speckle import speckled
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.shards.selection import Samples
from hpcvox.training.data import DROPOUT, SPECKLE, Slice, generator
from hpcvox.training.folder.card import Run
from hpcvox.training.ranks.comm import Comm
from hpcvox.training.task import Losses, Ratio, Recipe


class FingerprintBatch(NamedTuple):
    """The fingerprints of one step on one rank."""

    indices: NDArray[np.int64]
    """(B,) int64: numbers of the samples in the shard set."""
    share: torch.Tensor
    """(B,) float32: weight of each sample in the rank's loss."""
    x: torch.Tensor
    """(B, 3, n, n) float32: fingerprints, values 0 to 1."""
    kept: torch.Tensor | None
    """(B, features) bool: the features that dropout keeps, drawn for (epoch, sample); None in an evaluation."""
    epoch: int


class FingerprintTask:
    """Learns classes by minimising the cross-entropy."""

    name = "fingerprint"

    def __init__(
        self, settings: TrainFingerprintSettings, shards: ShardSet, train: Samples, comm: Comm
    ) -> None:
        self.settings, self.shards = settings, shards
        self.labels = torch.from_numpy(labels(settings, shards))
        refuse_empty(settings, shards, self.labels.numpy()[train])
        self.pixels = shards.array_shape("fingerprint")[0]
        try:
            self.model = ConvNet(settings.model, self.pixels, len(settings.classes)).to(comm.device)
        except ValueError as error:
            raise ConfigError(f"model: {error}") from None

    def read(self, part: Slice, epoch: int) -> FingerprintBatch:
        images = self.shards.read_array("fingerprint", part.indices)
        if epoch >= 0 and self.settings.speckle:
            images = np.stack(
                [self._speckled(image, epoch, int(n)) for image, n in zip(images, part.indices, strict=True)]
            )
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

    def card(self, run: Run) -> FingerprintCard:
        return FingerprintCard(
            run=run,
            model=self.settings.model,
            pixels=self.pixels,
            classes=dict(self.settings.classes),
            descriptor=dict(self.shards.manifest.settings),
            target=self.settings.target,
        )

    def finish(self, out: Path, held_out: Samples) -> None:
        pass

    def _speckled(self, image: NDArray[np.float32], epoch: int, index: int) -> NDArray[np.float32]:
        return speckled(image, self.settings.speckle, generator(self.settings.seed, SPECKLE, epoch, index))

    def _kept(self, epoch: int, index: int) -> NDArray[np.bool_]:
        random = generator(self.settings.seed, DROPOUT, epoch, index).random(self.model.features)
        kept: NDArray[np.bool_] = random >= self.model.dropout
        return kept


def _least(figures: dict[str, float]) -> float:
    """The figure whose least value marks the best weights: the error rate, since the paper keeps the best accuracy.

    Of epochs that name equally many rightly the one with the least loss is best.
    """
    return -figures["accuracy"] + 1e-9 * min(figures["loss"], 1.0)


RECIPE = Recipe(FingerprintTask, usable, least=_least)
