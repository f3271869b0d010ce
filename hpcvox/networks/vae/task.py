"""The task of the VAE: minimise MSE + α·DFC + β·KLD (Court et al. 2020, eqs. 4-5), conditioned on a binned target.

If the decoder names elements, two cross-entropies are added: that of the element of each occupied patch, and that of
the occupied voxels.  Neither MSE nor DFC alone makes the latent space keep the elements.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from hpcvox.networks.maps import fitting
from hpcvox.networks.vae import latent_flow, posterior, prior
from hpcvox.networks.vae.at_work import Reconstruction
from hpcvox.networks.vae.bins import bin_of, condition_of
from hpcvox.networks.vae.card import VAECard
from hpcvox.networks.vae.examples import Examples
from hpcvox.networks.vae.model import VAE, Names
from hpcvox.networks.vae.posterior import Posterior
from hpcvox.networks.vae.samples import conditioned, edges, require_networks
from hpcvox.networks.vae.settings import TrainVAESettings
from hpcvox.networks.voxels import VoxelBatch, load
from hpcvox.process.interrupt import StopRequest
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.shards.selection import Samples
from hpcvox.terminal import say
from hpcvox.training.data import NOISE, Slice, generator
from hpcvox.training.folder import runs
from hpcvox.training.folder.card import Run
from hpcvox.training.network import find
from hpcvox.training.ranks.comm import Comm
from hpcvox.training.task import Losses, Ratio, Recipe


class VAETask:
    """Learns to reconstruct density and coordinates through a normal latent space."""

    name = "vae"

    def __init__(self, settings: TrainVAESettings, shards: ShardSet, train: Samples, comm: Comm) -> None:
        self.kind = fitting(settings.model, shards)
        values = condition_of(shards, settings.condition)
        self.settings, self.shards = settings, shards
        self.edges = edges(settings, shards, train, warn=comm.rank == 0)
        self.conditions = len(self.edges) - 1
        require_networks(settings, self.kind, self.conditions)
        self.model = self._network().to(comm.device)
        if settings.initial is not None:
            self.model.load_state_dict(runs.load_model(settings.initial, VAECard)[0].state_dict())
        self.bins = torch.from_numpy(bin_of(values, self.edges))
        self.perceptual = None if settings.unet is None else self._features(settings.unet).to(comm.device)

    def read(self, part: Slice, epoch: int) -> VoxelBatch:
        turn = self.settings.augment and epoch >= 0
        return load(self.shards, part, epoch, self.settings.seed if turn else None)

    def losses(self, batch: VoxelBatch) -> Losses:
        model = self.model
        condition_BK = self._one_hot(batch.indices).to(batch.x.device)
        mean_BL, log_variance_BL = model.encode(batch.x, batch.species, condition_BK)
        z_BL = mean_BL
        if model.training:
            z_BL = mean_BL + self._noise(batch).to(batch.x.device) * torch.exp(0.5 * log_variance_BL)
        maps, names = model.decode(z_BL, condition_BK)
        squared = (maps - batch.x).square()
        mse = squared.mean((1, 2, 3, 4))
        kld = -0.5 * (1 + log_variance_BL - mean_BL.square() - log_variance_BL.exp()).sum(1)
        loss = mse + self.settings.beta * kld
        one = torch.ones(len(mse))
        with torch.no_grad():
            figures = {
                "mse": Ratio(mse, one),
                "kld": Ratio(kld, one),
                "density_mse": Ratio(squared[:, 0].mean((1, 2, 3)), one),
                "coordinate_mae": Ratio((maps[:, 1:] - batch.x[:, 1:]).abs().mean((1, 2, 3, 4)), one),
            }
        if self.perceptual is not None:
            dfc = _feature_loss(self.perceptual, maps, batch.x)
            loss = loss + self.settings.alpha * dfc
            figures["dfc"] = Ratio(dfc.detach(), one)
        if names is not None:
            naming, found = _naming_loss(model, names, batch.species)
            loss = loss + self.settings.naming_weight * naming
            figures |= found
        return Losses(loss, figures)

    def card(self, run: Run) -> VAECard:
        return VAECard(
            run=run,
            model=self.settings.model,
            **self.kind._asdict(),
            descriptor=dict(self.shards.manifest.settings),
            condition=self.settings.condition,
            edges=self.edges.tolist(),
            conditions=self.conditions,
            unet=None if self.settings.unet is None else str(self.settings.unet),
            initial=None if self.settings.initial is None else str(self.settings.initial),
        )

    def finish(self, out: Path, held_out: Samples) -> None:
        """Write held-out densities and their reconstructions by the exported model to examples.npz, for reports."""
        count = min(self.settings.examples, len(held_out))
        chosen = held_out[np.linspace(0, len(held_out) - 1, count).astype(int)]
        if not len(chosen):
            return
        batch = load(self.shards, Slice(chosen, np.ones(len(chosen), np.float32)), 0, None)
        decoded = Reconstruction(out, self.shards)(batch.x, batch.species, batch.indices)
        ids = [self.shards.ids[i] for i in chosen]
        Examples(batch.x[:, 0].numpy(), decoded[:, 0].numpy(), ids).save(out)

    def fit_prior(self, out: Path, train: Samples, comm: Comm) -> bool:
        """Fit the prior of the exported model, on all ranks; False if a signal stopped it."""
        # the exported model has the weights of the best epoch, the network in memory those of the last one
        vae = self._network().to(comm.device).eval()
        of = ""
        if comm.rank == 0:
            kept, card = runs.load_model(out, VAECard)
            vae.load_state_dict(kept.state_dict())
            of = card.checksum
        comm.broadcast(vae.state_dict().items())  # another node may still see the file of an earlier epoch

        def encode(batch: VoxelBatch) -> tuple[torch.Tensor, torch.Tensor]:
            condition_BK = self._one_hot(batch.indices).to(comm.device)
            return vae.encode(batch.x.to(comm.device), batch.species.to(comm.device), condition_BK)

        found = posterior.gather(partial(self.read, epoch=-1), encode, train, vae.settings.latent, comm)
        if found is None:
            return False
        bins = self.bins.numpy()[train]
        if comm.rank == 0:
            try:
                prior.write(out, prior.fit(*found, bins, self.conditions), of)
            except ValueError as error:
                prior.remove(out)
                say(f"warning: {out} has no prior, because none can be fitted: {error}", error=True)
                return self._agree(True, comm)
        return self._fit_flow(out, found, bins, of, comm)

    def _fit_flow(self, out: Path, found: Posterior, bins: NDArray[np.int64], of: str, comm: Comm) -> bool:
        """Let rank 0 learn the flow if there are enough crystals; False on every rank if a signal stopped it."""
        steps = self.settings.flow_steps if len(bins) >= latent_flow.FEWEST else 0
        done = True
        with StopRequest() as stop:
            if comm.rank == 0:
                latent_flow.remove(out)
                if steps:
                    flow = latent_flow.fit(found, bins, self.conditions, steps, self.settings.seed, stop)
                    done = flow is not None
                    if flow is not None:
                        latent_flow.write(out, flow, of)
            return self._agree(done, comm)

    def _agree(self, done: bool, comm: Comm) -> bool:
        """Whether rank 0 is done, on every rank."""
        return not comm.sum(torch.tensor([float(comm.rank == 0 and not done)]), "flow").any()

    def _network(self) -> VAE:
        return VAE(self.settings.model, self.conditions, self.kind.voxels, self.kind.box, self.kind.oblique)

    def _features(self, folder: Path) -> nn.Module:
        """The UNet of ``folder``, whose features are compared."""
        unet, _ = runs.load_model(folder, find("unet").load("card"))
        return unet.eval().requires_grad_(False)

    def _one_hot(self, indices: NDArray[np.int64]) -> torch.Tensor:
        return functional.one_hot(self.bins[torch.from_numpy(indices)], self.conditions).float()

    def _noise(self, batch: VoxelBatch) -> torch.Tensor:
        """Standard normal numbers, (B, L), which depend only on the seed and (epoch, sample)."""
        latent = self.settings.model.latent
        rows = [
            generator(self.settings.seed, NOISE, batch.epoch, int(index)).standard_normal(latent, np.float32)
            for index in batch.indices
        ]
        return torch.from_numpy(np.stack(rows))


def _feature_loss(unet: nn.Module, maps_BCDHW: torch.Tensor, true_BCDHW: torch.Tensor) -> torch.Tensor:
    """The mean squared error of the UNet's features at each resolution, summed over resolutions, (B,)."""
    features = cast(Callable[[torch.Tensor], Sequence[torch.Tensor]], unet.perceptual)
    with torch.no_grad():
        wanted = features(true_BCDHW)
    found = features(maps_BCDHW)
    errors = [(a - b).square().flatten(1).mean(1) for a, b in zip(found, wanted, strict=True)]
    return torch.stack(errors).sum(0)


def _naming_loss(
    model: VAE, names: Names, species_BDHW: torch.Tensor
) -> tuple[torch.Tensor, dict[str, Ratio]]:
    """The sum of two cross-entropies, (B,), and figures to report.

    The cross-entropies are those of the elements of occupied patches and of the occupied voxels.
    """
    occupied_BDHW = species_BDHW > 0
    mask_loss = functional.binary_cross_entropy_with_logits(
        names.mask_logits, occupied_BDHW.to(names.mask_logits.dtype), reduction="none"
    ).mean((1, 2, 3))
    labels_BM = model.patches(species_BDHW).flatten(1)
    logits_BMZ = model.element_logits(names)
    entropy_BM = functional.cross_entropy(
        logits_BMZ.transpose(1, 2), labels_BM, ignore_index=0, reduction="none"
    )
    count = (labels_BM > 0).sum(1).to(entropy_BM.dtype)
    element_loss = entropy_BM.sum(1) / count
    with torch.no_grad():
        named = (logits_BMZ[..., 1:].argmax(2) + 1 == labels_BM) & (labels_BM > 0)
        right = named.sum(1).to(entropy_BM.dtype)
        found = names.mask_logits > 0
        both = (found & occupied_BDHW).sum((1, 2, 3)).float()
        either = (found.sum((1, 2, 3)) + occupied_BDHW.sum((1, 2, 3))).float()
        one = torch.ones(len(count))
        figures = {
            "element_loss": Ratio(element_loss, one),
            "mask_loss": Ratio(mask_loss, one),
            "elements": Ratio(right, count),
            "mask_f1": Ratio(2 * both, either),
        }
    return element_loss + mask_loss, figures


RECIPE = Recipe(VAETask, conditioned, together=VAETask.fit_prior)
