"""The VAE's task: MSE + α·DFC + β·KLD (Court et al. 2020, eqs. 4-5), conditioned on a binned target."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hpcvox import durable
from hpcvox.errors import ConfigError
from hpcvox.models.unet import UNet
from hpcvox.models.vae import VAE
from hpcvox.shards.reader import ShardSet
from hpcvox.shards.statistics_file import Split, statistics_for
from hpcvox.terminal import say
from hpcvox.training import posterior, prior, runs
from hpcvox.training.bins import bin_of, class_edges, quantile_edges
from hpcvox.training.card import EXAMPLES
from hpcvox.training.comm import Comm
from hpcvox.training.data import NOISE, Slice, generator
from hpcvox.training.maps import MapKind
from hpcvox.training.reconstruction import Reconstruction
from hpcvox.training.settings import TrainVAESettings
from hpcvox.training.task import Losses, Ratio, Recipe
from hpcvox.training.voxels import VoxelBatch, load


class VAETask:
    """Reconstruction of density and coordinates through a normal latent."""

    name = "vae"

    def __init__(
        self, settings: TrainVAESettings, shards: ShardSet, train: NDArray[np.int64], comm: Comm
    ) -> None:
        unet, card = runs.load_model(settings.unet, "unet")
        assert isinstance(unet, UNet)
        self.kind = MapKind.of_shards(shards)
        if misfit := self.kind.misfit(MapKind.of_card(card), settings.unet):
            raise ConfigError(f"{settings.shards} has {misfit}: train both on one shard set")
        values = shards.target(settings.condition)
        self.settings, self.shards = settings, shards
        split = Split(settings.seed, settings.held_out_fraction)
        known = statistics_for(shards.folder, split, warn=comm.rank == 0)
        spread = known.targets.get(settings.condition) if known is not None else None
        deciles = spread.deciles if spread is not None else ()
        self.edges = (
            quantile_edges(values[train], settings.bins, deciles)
            if settings.bins
            else class_edges(values[train])
        )
        self.conditions = len(self.edges) - 1
        self.model = VAE(settings.model, self.conditions, shards.voxels).to(comm.device)
        self.bins = torch.from_numpy(bin_of(values, self.edges))
        self.perceptual = unet.eval().requires_grad_(False).to(comm.device)

    def read(self, part: Slice, epoch: int) -> VoxelBatch:
        turn = self.settings.augment and epoch >= 0
        return load(self.shards, part, epoch, self.settings.seed if turn else None)

    def losses(self, batch: VoxelBatch) -> Losses:
        model = self.model
        condition_BK = self._one_hot(batch.indices).to(batch.x.device)
        mean_BL, log_variance_BL = model.encode(batch.x, condition_BK)
        z_BL = mean_BL
        if model.training:
            z_BL = mean_BL + self._noise(batch).to(batch.x.device) * torch.exp(0.5 * log_variance_BL)
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
            "model": self.settings.model.model_dump(mode="json"),
            **self.kind._asdict(),
            "condition": self.settings.condition,
            "edges": self.edges.tolist(),
            "conditions": self.conditions,
            "unet": str(self.settings.unet),
        }

    def finish(self, out: Path, held_out: NDArray[np.int64]) -> None:
        """Write densities of held-out crystals before and after the exported model to examples.npz, for reports."""
        count = min(self.settings.examples, len(held_out))
        chosen = held_out[np.linspace(0, len(held_out) - 1, count).astype(int)]
        if not len(chosen):
            return
        batch = load(self.shards, Slice(chosen, np.ones(len(chosen), np.float32)), 0, None)
        decoded = Reconstruction(out, self.shards)(batch.x, batch.indices)
        with durable.written_aside(out / EXAMPLES) as part, part.open("wb") as handle:
            np.savez_compressed(
                handle,
                density_true=batch.x[:, 0].numpy().astype(np.float16),
                density_reconstructed=decoded[:, 0].numpy().astype(np.float16),
                ids=np.array([self.shards.ids[i].encode() for i in chosen]),
            )

    def fit_prior(self, out: Path, train: NDArray[np.int64], comm: Comm) -> bool:
        """Fit the prior of the exported model, on all ranks; False where a signal stopped it."""
        # not the network that was trained: the weights of the best epoch may be others
        vae = VAE(self.settings.model, self.conditions, self.shards.voxels).to(comm.device).eval()
        if comm.rank == 0:
            vae.load_state_dict(runs.load_model(out, self.name)[0].state_dict())
        comm.broadcast(vae.state_dict().items())  # another node may still see the file of an earlier epoch

        def encode(batch: VoxelBatch) -> tuple[torch.Tensor, torch.Tensor]:
            return vae.encode(batch.x.to(comm.device), self._one_hot(batch.indices).to(comm.device))

        found = posterior.gather(partial(self.read, epoch=-1), encode, train, vae.settings.latent, comm)
        if found is None:
            return False
        if comm.rank == 0:
            try:
                prior.write(out, prior.fit(*found, self.bins.numpy()[train], self.conditions))
            except ValueError as error:
                prior.remove(out)
                say(f"warning: {out} has no prior, for none can be fitted: {error}", error=True)
        return True

    def _one_hot(self, indices: NDArray[np.int64]) -> torch.Tensor:
        return torch.nn.functional.one_hot(self.bins[torch.from_numpy(indices)], self.conditions).float()

    def _noise(self, batch: VoxelBatch) -> torch.Tensor:
        """Standard normal numbers, (B, L), drawn for (epoch, sample)."""
        latent = self.settings.model.latent
        rows = [
            generator(self.settings.seed, NOISE, batch.epoch, int(index)).standard_normal(latent, np.float32)
            for index in batch.indices
        ]
        return torch.from_numpy(np.stack(rows))


def _conditioned(settings: TrainVAESettings, shards: ShardSet) -> NDArray[np.bool_]:
    return np.isfinite(shards.target(settings.condition))


RECIPE = Recipe(VAETask, _conditioned, together=VAETask.fit_prior)
