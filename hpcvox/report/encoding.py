"""Runs a trained VAE for the report: encodes crystals of its shard set to latent points, and decodes points."""

from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from hpcvox.errors import ShardError
from hpcvox.networks.vae.at_work import TrainedVAE
from hpcvox.networks.vae.bins import condition_of
from hpcvox.networks.voxels import load
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.training.data import plan

BATCH: Final = 16


class Encoded(NamedTuple):
    """Posteriors of B crystals."""

    mean: NDArray[np.float32]
    """(B, L)"""
    deviation: NDArray[np.float32]
    """(B, L): standard deviations."""


class Encoder:
    """The VAE in ``run``, and the samples of ``shards`` that have a value of its condition.

    Raises:
        CheckpointError: there is no trained VAE in ``run``.
        ShardError, ConfigError: ``shards`` is no shard set, or not of the kind that the VAE was trained on.
    """

    def __init__(self, run: Path, shards: Path) -> None:
        # one thread, so that sums, and with them the map of the points, are the same on all machines of a kind
        torch.set_num_threads(1)
        self._vae, self.shards = TrainedVAE(run), ShardSet.open(shards)
        self._vae.check(self.shards, f"name its own set, {self._vae.card.run.shards}, as shards")
        self.condition = self._vae.card.condition or "no condition"
        self.values = condition_of(self.shards, self._vae.card.condition)
        self.deciles = self._vae.bins(self.shards)
        self.held_out = self._vae.card.run.held_out(self.shards.formulas)
        self.samples = np.flatnonzero(np.isfinite(self.values))
        if not len(self.samples):
            raise ShardError(f"{shards} has no crystal with a {self.condition}")

    @torch.inference_mode()
    def encode(self, samples: NDArray[np.int64]) -> Encoded:
        """The posterior of each of ``samples`` given its own condition."""
        means, deviations = [], []
        for part in plan(samples, BATCH, 0, 1, None):
            batch = load(self.shards, part, 0, None)
            mean, log_variance = self._vae.encode(batch.x, batch.species, self.deciles[part.indices])
            means.append(mean.numpy())
            deviations.append(torch.exp(0.5 * log_variance).numpy())
        return Encoded(np.concatenate(means), np.concatenate(deviations))

    @torch.inference_mode()
    def line(self, ends: NDArray[np.float32], decile: int, steps: int) -> NDArray[np.float32]:
        """Densities in e/Å³, (steps, n, n, n), at equal steps between two latent points (2, L), including both ends."""
        way = np.linspace(0, 1, steps, dtype=np.float32)[:, None]
        points = torch.from_numpy((1 - way) * ends[0] + way * ends[1])
        maps = self._vae.decode(points, np.full(steps, decile)).maps
        density: NDArray[np.float32] = maps[:, 0].numpy()
        return density
