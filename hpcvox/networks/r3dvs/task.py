"""The task of R3DVS (Kajita et al. 2017): predict a property of a field, or recognise its crystal, in any rotation.

The samples of the training loop are replicas.  With N samples in the shard set, replica number r·N + i is sample i
after the r-th of its random rotations.  r = 0 are the unrotated originals.  The network is tested on these, unless
``judged: turned`` asks for one more rotation.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from hpcvox.descriptors.r3dvs import Spots, stored, voxels
from hpcvox.errors import ConfigError
from hpcvox.networks.r3dvs.card import R3DVSCard
from hpcvox.networks.r3dvs.model import VoxelCNN
from hpcvox.networks.r3dvs.samples import refuse_few, usable
from hpcvox.networks.r3dvs.settings import TrainR3DVSSettings
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.shards.selection import Samples
from hpcvox.training.data import CRYSTALS, REPLICA, Slice, generator
from hpcvox.training.folder.card import Run
from hpcvox.training.ranks.comm import Comm
from hpcvox.training.samples import by_material
from hpcvox.training.task import Losses, Ratio, Recipe

TYPICAL = 256
"""Most crystals, spread evenly over the training set, from which the typical size of amplitudes is computed."""


class ReplicaBatch(NamedTuple):
    """The voxels of one step on one rank."""

    indices: NDArray[np.int64]
    """(B,) int64: numbers of the samples in the shard set."""
    share: torch.Tensor
    """(B,) float32: weight of each sample in the rank's loss."""
    x: torch.Tensor
    """(B, C, n, n, n) float32: amplitudes in the field's unit, along x, y, z of the rotated crystal."""
    epoch: int


class R3DVSTask:
    """Learns a standardised target, or to recognise crystals."""

    name = "r3dvs"

    def __init__(self, settings: TrainR3DVSSettings, shards: ShardSet, train: Samples, comm: Comm) -> None:
        self.settings, self.shards = settings, shards
        self.resolution = float(shards.manifest.settings["resolution"])
        originals = np.unique(np.asarray(train) % shards.n_samples)
        outputs = self.prepare(originals)
        some = originals[:: -(-len(originals) // TYPICAL)]
        try:
            typical = [self.map(int(sample), 0).astype(np.float64) for sample in some]
            # a channel without any amplitude has the scale 1
            self.scale = [float(s) or 1.0 for s in np.stack(typical).std((0, 2, 3, 4))]
            self.voxels = typical[0].shape[-1]
            model = VoxelCNN(settings.model, len(self.scale), self.voxels, outputs, self.scale)
        except ValueError as error:
            raise ConfigError(f"{error} (length, and the resolution of {settings.shards})") from None
        self.model = model.to(comm.device)

    def prepare(self, originals: NDArray[np.int64]) -> int:
        """Prepare what the network is to say of the training crystals ``originals``; return the number of outputs."""
        settings, shards = self.settings, self.shards
        if settings.task == "rotation":
            self.crystals, outputs = originals, len(originals)
            self.labels = torch.zeros(shards.n_samples, dtype=torch.long)
            self.labels[originals] = torch.arange(outputs)
            return outputs
        values = shards.target(settings.target)
        self.centre, self.span = float(values[originals].mean()), float(values[originals].std()) or 1.0
        self.wanted = torch.from_numpy((values - self.centre) / self.span).float()
        return 1

    def map(self, sample: int, replica: int) -> NDArray[np.float32]:
        """The voxels, (C, n, n, n) float32, of ``sample`` after its ``replica``-th rotation; 0: not rotated."""
        spots = turned_spots(self.shards, sample, self.settings.seed, replica)
        return voxels(spots, self.resolution, self.settings.length, self.settings.mean)

    def read(self, part: Slice, epoch: int) -> ReplicaBatch:
        replicas, samples = np.divmod(part.indices, self.shards.n_samples)
        maps = [self.map(int(s), int(r)) for s, r in zip(samples, replicas, strict=True)]
        return ReplicaBatch(samples, torch.from_numpy(part.share), torch.from_numpy(np.stack(maps)), epoch)

    def losses(self, batch: ReplicaBatch) -> Losses:
        outputs = self.model(batch.x)
        indices = torch.from_numpy(batch.indices)
        one = torch.ones(len(indices))
        if self.settings.task == "rotation":
            labels = self.labels[indices].to(outputs.device)
            right = (outputs.argmax(1) == labels).float()
            entropy = functional.cross_entropy(outputs, labels, reduction="none")
            return Losses(entropy, {"accuracy": Ratio(right, one)})
        difference = outputs.squeeze(1) - self.wanted[indices].to(outputs.device)
        # in the target's unit
        return Losses(difference.square(), {"mae": Ratio(difference.detach().abs() * self.span, one)})

    def card(self, run: Run) -> R3DVSCard:
        settings, of_target = self.settings, self.settings.task == "regression"
        return R3DVSCard(
            run=run,
            model=settings.model,
            channels=len(self.scale),
            voxels=self.voxels,
            outputs=self.model.head.out_features,
            scale=self.scale,
            resolution=self.resolution,
            length=settings.length,
            mean=settings.mean,
            replicas=settings.replicas,
            judged=settings.judged,
            of=settings.task,
            classes=None if of_target else [self.shards.ids[index] for index in self.crystals],
            target=settings.target if of_target else None,
            target_mean=self.centre if of_target else None,
            target_std=self.span if of_target else None,
        )

    def finish(self, out: Path, held_out: Samples) -> None:
        pass


def spots_of(shards: ShardSet, sample: int) -> Spots:
    """The spots of ``sample``, not rotated."""
    (g,), (amplitude,) = (shards.read_ragged(name, [sample]) for name in ("g", "amplitude"))
    (mean,) = shards.read_array("mean", [sample])
    return stored(g, amplitude, mean)


def turned_spots(shards: ShardSet, sample: int, seed: int, replica: int) -> Spots:
    """The spots of ``sample`` after its ``replica``-th rotation; 0: not rotated."""
    spots = spots_of(shards, sample)
    return spots.rotated(rotation(seed, sample, replica)) if replica else spots


def rotation(seed: int, sample: int, replica: int) -> NDArray[np.float64]:
    """A random rotation, (3, 3), uniform on SO(3); it depends only on (seed, sample, replica)."""
    quaternion = generator(seed, REPLICA, sample, replica).standard_normal(4)
    w, x, y, z = quaternion / np.linalg.norm(quaternion)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def _split(
    settings: TrainR3DVSSettings, shards: ShardSet, usable: NDArray[np.bool_]
) -> tuple[Samples, Samples]:
    """The replicas to train on and those to test on: of other crystals, with task=rotation of the same crystals."""
    if settings.task == "rotation":
        refuse_few(settings, shards)
        draw = generator(settings.seed, CRYSTALS).permutation(shards.n_samples)
        train = held_out = np.sort(draw[: settings.crystals])
    else:
        train, held_out = map(np.asarray, by_material(settings, shards, usable))
    turns = np.arange(settings.replicas + 2) * shards.n_samples
    judged = turns[-1] if settings.judged == "turned" else turns[0]
    return (turns[1:-1, None] + train).ravel(), judged + held_out


RECIPE = Recipe(R3DVSTask, usable, _split)
