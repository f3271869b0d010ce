"""Uses a trained VAE: encodes crystals to latent points, decodes points, and reads the distribution of its points."""

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
    """A trained VAE, read from its run folder and run on ``device``.

    Raises:
        CheckpointError: the folder holds no VAE.
    """

    def __init__(self, folder: Path, device: torch.device = CPU) -> None:
        model, self.card = runs.load_model(folder, VAECard)
        assert isinstance(model, VAE)
        self.folder, self.device = folder, device
        self.model = model.requires_grad_(False).to(device)
        self.kind = MapKind.of_card(self.card)
        """The kind of maps that it takes and makes."""

    def check(self, shards: ShardSet, do: str) -> None:
        """Raise :class:`ConfigError` if ``shards`` has another kind of maps; ``do`` says at its end what to do."""
        if misfit := MapKind.of_shards(shards).misfit(self.kind, self.folder):
            raise ConfigError(f"{shards.folder} has {misfit}: {do}")

    def bins(self, shards: ShardSet) -> NDArray[np.int64]:
        """The bin of the VAE's condition for each sample, (N,) int64; meaningless for a sample without a value.

        Raises:
            ShardError: the set lacks the target that conditions the VAE.
        """
        return bin_of(condition_of(shards, self.card.condition), np.array(self.card.edges))

    @torch.no_grad()
    def encode(
        self, x_BCDHW: torch.Tensor, species_BDHW: torch.Tensor, bins: NDArray[np.int64]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Encode maps: the mean and the log-variance of their posteriors, each (B, L).

        Args:
            x_BCDHW: density in e/Å³, then x, y, z in Å, (B, 4, n, n, n) float32.
            species_BDHW: their atomic numbers, 0 where there is no ion.
            bins: the bin of the condition of each, (B,) int64.
        """
        return self.model.encode(x_BCDHW, species_BDHW, self._one_hot(bins))

    @torch.no_grad()
    def decode(self, z_BL: torch.Tensor, bins: NDArray[np.int64]) -> Decoded:
        """Decode latent points, (B, L), with the bin of the condition of each, (B,) int64."""
        return self.model.decode(z_BL, self._one_hot(bins))

    def prior(self) -> prior.Found | None:
        """Its fitted prior, or None; raises the errors of :func:`hpcvox.networks.vae.prior.read`."""
        return prior.read(self.folder, self.card)

    def flow(self) -> latent_flow.Found | None:
        """Its flow, or None; raises the errors of :func:`hpcvox.networks.vae.latent_flow.read`."""
        return latent_flow.read(self.folder, self.card)

    def _one_hot(self, bins: NDArray[np.int64]) -> torch.Tensor:
        """The conditions as one-hot rows, (B, K)."""
        rows = torch.nn.functional.one_hot(torch.from_numpy(bins), self.model.conditions)
        return rows.float().to(self.device)


class Reconstruction:
    """Reconstructs samples of a shard set with a trained VAE: encodes each and decodes the mean of its posterior.

    Raises:
        CheckpointError: the folder holds no VAE.
        ConfigError: the VAE was trained on another kind of maps than ``shards`` has.
        ShardError: the set lacks the target that conditions the VAE.
    """

    def __init__(self, folder: Path, shards: ShardSet, device: torch.device = CPU) -> None:
        self.vae = TrainedVAE(folder, device)
        self.vae.check(shards, "train both on one shard set")
        self._bins = self.vae.bins(shards)

    def __call__(
        self, x_BCDHW: torch.Tensor, species_BDHW: torch.Tensor, indices: NDArray[np.int64]
    ) -> torch.Tensor:
        """The reconstructed maps, (B, 4, n, n, n) float32: density in e/Å³, then x, y, z in Å.

        Args:
            x_BCDHW: the maps of the samples, of the same form.
            species_BDHW: their atomic numbers, 0 where there is no ion.
            indices: the numbers of the samples in the shard set, (B,).
        """
        bins = self._bins[indices]
        mean_BL, _ = self.vae.encode(x_BCDHW, species_BDHW, bins)
        return self.vae.decode(mean_BL, bins).maps.float()


def build(card: VAECard) -> VAE:
    """Build the network that a card describes; the caller loads its weights."""
    kind = MapKind.of_card(card)
    return VAE(card.model, card.conditions, kind.voxels, kind.box, kind.oblique)
