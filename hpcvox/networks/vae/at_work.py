"""A trained VAE: crystals to points of its latent space and back, and what points are drawn from."""

from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from hpcvox.errors import ConfigError
from hpcvox.networks.maps import MapKind
from hpcvox.networks.vae import latent_flow, prior
from hpcvox.networks.vae.bins import bin_of, condition_of
from hpcvox.networks.vae.card import VAECard
from hpcvox.networks.vae.model import VAE, Decoded
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.training.folder import runs

CPU: Final = torch.device("cpu")


class TrainedVAE:
    """The VAE of a run folder, computed on ``device``.

    Raises:
        CheckpointError: the folder holds no VAE.
    """

    def __init__(self, folder: Path, device: torch.device = CPU) -> None:
        model, self.card = runs.load_model(folder, VAECard)
        assert isinstance(model, VAE)
        self.folder, self.device = folder, device
        self.model = model.requires_grad_(False).to(device)
        self.kind = MapKind.of_card(self.card)
        """Maps that it takes and makes."""

    def check(self, shards: ShardSet, do: str) -> None:
        """Raise :class:`ConfigError` where ``shards`` has other maps than it was trained on; ``do`` says what helps."""
        if misfit := MapKind.of_shards(shards).misfit(self.kind, self.folder):
            raise ConfigError(f"{shards.folder} has {misfit}: {do}")

    def bins(self, shards: ShardSet) -> NDArray[np.int64]:
        """Number of the bin of its condition that each sample is in, (N,); of one without a value, any.

        Raises:
            ShardError: the set lacks the target that conditions it.
        """
        return bin_of(condition_of(shards, self.card.condition), np.array(self.card.edges))

    @torch.no_grad()
    def encode(
        self, x_BCDHW: torch.Tensor, species_BDHW: torch.Tensor, bins: NDArray[np.int64]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and log-variance, each (B, L), of the posteriors of maps.

        Args:
            x_BCDHW: density in e/Å³, then x, y, z in Å, (B, 4, n, n, n) float32.
            species_BDHW: their atomic numbers, 0 where there is no ion.
            bins: (B,) of the condition.
        """
        return self.model.encode(x_BCDHW, species_BDHW, self._one_hot(bins))

    @torch.no_grad()
    def decode(self, z_BL: torch.Tensor, bins: NDArray[np.int64]) -> Decoded:
        """What points of the latent space (B, L) are of, given the bin of each."""
        return self.model.decode(z_BL, self._one_hot(bins))

    def prior(self) -> prior.Found | None:
        """Its Gaussians, if it has any; errors are those of :func:`hpcvox.networks.vae.prior.read`."""
        return prior.read(self.folder, self.card)

    def flow(self) -> latent_flow.Found | None:
        """Its flow, if it has one; errors are those of :func:`hpcvox.networks.vae.latent_flow.read`."""
        return latent_flow.read(self.folder, self.card)

    def _one_hot(self, bins: NDArray[np.int64]) -> torch.Tensor:
        """Conditions, (B, K)."""
        rows = torch.nn.functional.one_hot(torch.from_numpy(bins), self.model.conditions)
        return rows.float().to(self.device)


class Reconstruction:
    """What the VAE of a run folder makes of the samples of a shard set: the mean of their posterior, decoded.

    Raises:
        CheckpointError: the folder holds no VAE.
        ConfigError: it was trained on other maps than ``shards`` has.
        ShardError: the set lacks the target that conditions it.
    """

    def __init__(self, folder: Path, shards: ShardSet, device: torch.device = CPU) -> None:
        self.vae = TrainedVAE(folder, device)
        self.vae.check(shards, "train both on one shard set")
        self._bins = self.vae.bins(shards)

    def __call__(
        self, x_BCDHW: torch.Tensor, species_BDHW: torch.Tensor, indices: NDArray[np.int64]
    ) -> torch.Tensor:
        """Maps like ``x_BCDHW``, (B, 4, n, n, n) float32: density in e/Å³, then x, y, z in Å.

        Args:
            species_BDHW: their atomic numbers.
            indices: (B,) samples of the shard set that they are of.
        """
        bins = self._bins[indices]
        mean_BL, _ = self.vae.encode(x_BCDHW, species_BDHW, bins)
        return self.vae.decode(mean_BL, bins).maps.float()


def build(card: VAECard) -> VAE:
    """The network that a card describes, of no particular weights."""
    kind = MapKind.of_card(card)
    return VAE(card.model, card.conditions, kind.voxels, kind.box, kind.oblique)
