"""The VAE's task: MSE + α·DFC + β·KLD (Court et al. 2020, eqs. 4-5), conditioned on a binned target."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hpcvox.errors import ConfigError
from hpcvox.models.unet import UNet
from hpcvox.models.vae import VAE
from hpcvox.shards.reader import ShardSet
from hpcvox.training.data import NOISE, Batch, generator
from hpcvox.training.settings import TrainVAESettings
from hpcvox.training.task import Losses, Ratio


class VAETask:
    """Reconstruction of density and coordinates through a normal latent."""

    name = "vae"

    def __init__(
        self, settings: TrainVAESettings, shards: ShardSet, values: NDArray[np.float64], edges: NDArray[np.float64],
        perceptual: UNet,
    ) -> None:  # fmt: skip
        self.settings = settings
        self.model = VAE(settings.model, settings.bins, shards.voxels)
        self.edges = edges
        self.bins = torch.from_numpy(bin_of(values, edges))
        self.perceptual = perceptual.eval().requires_grad_(False)

    def losses(self, batch: Batch) -> Losses:
        model = self.model
        condition_BK = torch.nn.functional.one_hot(
            self.bins[torch.from_numpy(batch.indices)], self.settings.bins
        ).float()
        mean_BL, log_variance_BL = model.encode(batch.x, condition_BK)
        z_BL = mean_BL
        if model.training:
            z_BL = mean_BL + self._noise(batch) * torch.exp(0.5 * log_variance_BL)
        decoded = model.decode(z_BL, condition_BK)
        squared = (decoded - batch.x).square()
        mse = squared.mean((1, 2, 3, 4))
        kld = -0.5 * (1 + log_variance_BL - mean_BL.square() - log_variance_BL.exp()).sum(1)
        with torch.no_grad():
            wanted = self.perceptual.perceptual(batch.x)
        dfc = torch.stack(
            [
                (a - b).square().flatten(1).mean(1)
                for a, b in zip(self.perceptual.perceptual(decoded), wanted, strict=True)
            ]
        ).sum(0)
        one = torch.ones(len(mse))
        with torch.no_grad():
            figures = {
                "mse": Ratio(mse, one),
                "dfc": Ratio(dfc, one),
                "kld": Ratio(kld, one),
                "density_mse": Ratio(squared[:, 0].mean((1, 2, 3)), one),
                "coordinate_mae": Ratio((decoded[:, 1:] - batch.x[:, 1:]).abs().mean((1, 2, 3, 4)), one),
            }
        return Losses(mse + self.settings.alpha * dfc + self.settings.beta * kld, figures)

    def card(self) -> dict[str, Any]:
        return {
            "condition": self.settings.condition,
            "edges": self.edges.tolist(),
            "conditions": self.settings.bins,
            "unet": str(self.settings.unet),
        }

    def _noise(self, batch: Batch) -> torch.Tensor:
        """Standard normal numbers, (B, L), drawn for (epoch, sample)."""
        latent = self.settings.model.latent
        rows = [
            generator(self.settings.seed, NOISE, batch.epoch, int(index)).standard_normal(latent, np.float32)
            for index in batch.indices
        ]
        return torch.from_numpy(np.stack(rows))


def quantile_edges(values: NDArray[np.float64], bins: int) -> NDArray[np.float64]:
    """Edges of ``bins`` bins with equally many of ``values``, (bins + 1,).

    Raises:
        ConfigError: there are fewer different values than bins.
    """
    edges = np.quantile(values, np.linspace(0, 1, bins + 1))
    if len(np.unique(edges)) <= bins:
        raise ConfigError(
            f"bins: {bins} quantile bins need more different values of the condition than the "
            f"{len(np.unique(values))} there are in the training set: choose fewer bins"
        )
    return edges


def bin_of(values: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """Bin of each value, (N,), 0 to bins - 1; values beyond the outer edges are in the outer bins."""
    return np.searchsorted(edges[1:-1], values, side="right").astype(np.int64)
