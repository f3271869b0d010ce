"""Samples as a trained VAE gives them back: encoded to the mean of their posterior, and decoded."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hpcvox import config
from hpcvox.errors import ConfigError
from hpcvox.networks.maps import MapKind
from hpcvox.networks.vae.bins import bin_of, condition_of
from hpcvox.networks.vae.model import VAE
from hpcvox.networks.vae.settings import VAESettings
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.training.folder import runs

CPU = torch.device("cpu")


class Reconstruction:
    """What the VAE of a run folder makes of a batch, computed on ``device``.

    Raises:
        CheckpointError: the folder holds no VAE.
        ConfigError: it was trained on other maps than ``shards`` has.
        ShardError: the set lacks the target that conditions it.
    """

    def __init__(self, folder: Path, shards: ShardSet, device: torch.device = CPU) -> None:
        vae, card = runs.load_model(folder, "vae")
        assert isinstance(vae, VAE)
        if misfit := MapKind.of_shards(shards).misfit(MapKind.of_card(card), folder):
            raise ConfigError(f"{shards.folder} has {misfit}: train both on one shard set")
        self.vae = vae.requires_grad_(False).to(device)
        values = condition_of(shards, card["condition"])
        self.bins = torch.from_numpy(bin_of(values, np.array(card["edges"])))

    def __call__(
        self, x_BCDHW: torch.Tensor, species_BDHW: torch.Tensor, indices: NDArray[np.int64]
    ) -> torch.Tensor:
        """Maps like ``x_BCDHW``, (B, 4, n, n, n) float32: density in e/Å³, then x, y, z in Å.

        Args:
            species_BDHW: their atomic numbers.
            indices: (B,) samples of the shard set that they are of.
        """
        bins = self.bins[torch.from_numpy(indices)].to(x_BCDHW.device)
        condition_BK = torch.nn.functional.one_hot(bins, self.vae.conditions).float()
        with torch.no_grad():
            mean_BL, _ = self.vae.encode(x_BCDHW, species_BDHW, condition_BK)
            return self.vae.decode(mean_BL, condition_BK).maps.float()


def build(card: dict[str, Any], origin: str) -> VAE:
    """The network that a card describes, of no particular weights; ``origin`` names the card's file."""
    # cards of before these were settings do not have them
    settings = config.validate(
        VAESettings, {"elements": 0, "naming": 0, "cell": "maps"} | card["model"], origin
    )
    kind = MapKind.of_card(card)
    return VAE(settings, card["conditions"], kind.voxels, kind.box, kind.oblique)
