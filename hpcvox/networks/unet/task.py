"""The UNet's task: weighted cross-entropy of the elements plus cross-entropy of the mask (Court et al. 2020, eq. 6)."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from hpcvox.networks.maps import fitting
from hpcvox.networks.unet.card import UNetCard
from hpcvox.networks.unet.model import UNet
from hpcvox.networks.unet.samples import require_networks, usable
from hpcvox.networks.unet.settings import TrainUNetSettings
from hpcvox.networks.vae.at_work import Reconstruction
from hpcvox.networks.voxels import load
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.shards.selection import Samples
from hpcvox.shards.statistics.file import Split, Statistics, statistics_for
from hpcvox.training.data import VOXELS, Slice, generator
from hpcvox.training.folder import runs
from hpcvox.training.folder.card import Run
from hpcvox.training.ranks.comm import Comm
from hpcvox.training.task import Losses, Ratio, Recipe

CHUNK = 256
"""Samples that are read at a time when voxels are counted."""


class UNetBatch(NamedTuple):
    """The density voxels of one step on one rank, and the chosen voxels of the element loss."""

    indices: NDArray[np.int64]
    """(B,) int64: numbers of the samples in the shard set."""
    share: torch.Tensor
    """(B,) float32: weight of each sample in the rank's loss."""
    x: torch.Tensor
    """(B, 4, n, n, n) float32: density in e/Å³, then x, y, z in Å."""
    species: torch.Tensor
    """(B, n, n, n) uint8: atomic numbers, 0 = background."""
    row: torch.Tensor
    """(K,) int64: the sample of each chosen voxel, 0 to B - 1."""
    voxel: torch.Tensor
    """(K,) int64: place of each chosen voxel in the flattened map; all are occupied."""
    epoch: int


class UNetTask:
    """Learns which voxels are occupied, and the elements of these.

    Background voxels have weight 0 in the element loss, as in the paper, so this loss is computed only on occupied
    voxels.  In training it uses ``species_voxels`` of each sample, drawn with replacement, which has the same
    expectation at a fraction of the cost.

    With ``vae`` each sample is learnt twice: as it is, and as that VAE decodes it.  In generation the network sees only
    decoded maps.  Their small errors would hide the element from a network that has never seen such maps.
    """

    name = "unet"

    def __init__(self, settings: TrainUNetSettings, shards: ShardSet, train: Samples, comm: Comm) -> None:
        self.kind = fitting(settings.model, shards)
        self.settings, self.shards = settings, shards
        require_networks(settings, self.kind)
        self.model = UNet(settings.model).to(comm.device)
        if settings.initial is not None:
            self.model.load_state_dict(runs.load_model(settings.initial, UNetCard)[0].state_dict())
        self.decoded = None if settings.vae is None else Reconstruction(settings.vae, shards, comm.device)
        split = Split(settings.seed, settings.held_out_fraction)
        known = statistics_for(shards.folder, split) if comm.rank == 0 else None
        self.weights = class_weights(shards, train, settings.model.classes, comm, known)
        if not settings.class_weights:
            self.weights = (self.weights > 0).float()
        self.weights = self.weights.to(comm.device)

    def read(self, part: Slice, epoch: int) -> UNetBatch:
        turn = self.settings.augment and epoch >= 0
        indices, share, x, species, _ = load(self.shards, part, epoch, self.settings.seed if turn else None)
        row, voxel = self._chosen(species.numpy(), indices, epoch)
        return UNetBatch(indices, share, x, species, torch.from_numpy(row), torch.from_numpy(voxel), epoch)

    def losses(self, batch: UNetBatch) -> Losses:
        ways = {"": batch.x}
        if self.decoded is not None:
            ways["decoded_"] = self.decoded(batch.x, batch.species, batch.indices)
        size = len(batch.species)
        x_BCDHW = torch.cat(list(ways.values()))  # B: the samples one way, then the other
        features_BFDHW, mask_logits_BDHW = self.model(x_BCDHW)
        occupied = batch.species > 0
        wanted_BDHW = occupied.repeat(len(ways), 1, 1, 1)
        mask_loss = functional.binary_cross_entropy_with_logits(
            mask_logits_BDHW, wanted_BDHW.to(mask_logits_BDHW.dtype), reduction="none"
        ).mean((1, 2, 3))
        labels = batch.species.flatten(1)[batch.row, batch.voxel].long().repeat(len(ways))
        row = torch.cat([batch.row + way * size for way in range(len(ways))])
        logits = self.model.species_logits(x_BCDHW, features_BFDHW, row, batch.voxel.repeat(len(ways)))
        entropy = functional.cross_entropy(logits, labels, reduction="none") * self.weights[labels]
        none = entropy.new_zeros(len(x_BCDHW))
        count = none.index_add(0, row, torch.ones_like(entropy))
        species_loss = none.index_add(0, row, entropy) / count
        with torch.no_grad():
            right = none.index_add(0, row, (logits[:, 1:].argmax(1) + 1 == labels).float())
            found = mask_logits_BDHW > 0
            both = (found & wanted_BDHW).sum((1, 2, 3)).float()
            either = (found.sum((1, 2, 3)) + wanted_BDHW.sum((1, 2, 3))).float()
            figures: dict[str, Ratio] = {}
            for number, way in enumerate(ways):
                rows = slice(number * size, (number + 1) * size)
                figures |= {
                    f"{way}species_loss": Ratio(species_loss[rows].detach(), torch.ones(size)),
                    f"{way}mask_loss": Ratio(mask_loss[rows].detach(), torch.ones(size)),
                    f"{way}recall": Ratio(right[rows], count[rows]),
                    f"{way}mask_f1": Ratio(2 * both[rows], either[rows]),
                }
        loss = self.settings.species_weight * species_loss + mask_loss
        return Losses(loss.view(len(ways), size).mean(0), figures)

    def card(self, run: Run) -> UNetCard:
        return UNetCard(
            run=run,
            model=self.settings.model,
            **self.kind._asdict(),
            classes=self.settings.model.classes,
            elements=torch.nonzero(self.weights).flatten().tolist(),
            initial=None if self.settings.initial is None else str(self.settings.initial),
            vae=None if self.settings.vae is None else str(self.settings.vae),
        )

    def finish(self, out: Path, held_out: Samples) -> None:
        pass

    def _chosen(
        self, species: NDArray[np.uint8], indices: NDArray[np.int64], epoch: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Sample and place, each (K,), of the occupied voxels that the element loss uses."""
        flat = species.reshape(len(species), -1)
        draws = self.settings.species_voxels
        if epoch < 0 or not draws:
            row, voxel = np.nonzero(flat)
            return row, voxel
        chosen = []
        for values, index in zip(flat, indices, strict=True):
            there = np.flatnonzero(values)
            random = generator(self.settings.seed, VOXELS, epoch, int(index))
            chosen.append(there[random.integers(len(there), size=draws)])
        return np.repeat(np.arange(len(flat)), draws), np.concatenate(chosen)


def class_weights(
    shards: ShardSet, train: Samples, classes: int, comm: Comm, known: Statistics | None = None
) -> torch.Tensor:
    """The weight of each atomic number, (classes,) float32: the inverse of its number of training voxels; background 0.

    The mean weight of an occupied voxel is 1.  Rank 0 takes the numbers of voxels from the statistics of the shard set;
    if there are none, each rank counts its part.
    """
    voxels = torch.zeros(256, dtype=torch.int64)
    for number, count in (known.species or {} if known is not None else {}).items():
        voxels[number] = count
    comm.broadcast([("voxels", voxels)])  # rank 0 decides for all; otherwise ranks could wait for each other
    if not voxels.any():
        voxels = comm.sum(torch.from_numpy(_counted(shards, train, comm)), "class_weights")
    voxels = voxels.double()[:classes]
    voxels[0] = 0
    weights = torch.where(voxels > 0, voxels.sum() / (voxels * (voxels > 0).sum()), 0.0)
    return weights.float()


def _counted(shards: ShardSet, train: Samples, comm: Comm) -> NDArray[np.int64]:
    """Number of voxels of each atomic number, (256,), in this rank's part of the training samples."""
    counts = np.zeros(256, np.int64)
    first, end = (len(train) * rank // comm.size for rank in (comm.rank, comm.rank + 1))
    for start in range(first, end, CHUNK):
        species = shards.read_array("species", np.sort(train[start : min(start + CHUNK, end)]))
        counts += np.bincount(species.ravel(), minlength=256)
    return counts


RECIPE = Recipe(UNetTask, usable)
