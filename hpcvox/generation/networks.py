"""The trained networks behind one small face: NumPy arrays in and out.

Tensor names end in their axes: B batch, C channels, F features, D H W the voxel axes.
"""

import os
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from hpcvox.descriptors.radii import widths
from hpcvox.errors import CheckpointError, ConfigError
from hpcvox.generation.settings import NetworkSettings
from hpcvox.models.unet import UNet
from hpcvox.models.vae import VAE
from hpcvox.training.maps import MapKind
from hpcvox.training.runs import load_model

BATCH = 16
"""Samples the networks take at a time, always: a last batch is filled up.  Libraries choose their
kernels by the shape of a batch, and other kernels round otherwise; with one shape a sample comes out
the same bit for bit, whatever samples are with it."""


class Segmented(NamedTuple):
    """What the UNet says of a batch of maps."""

    species: NDArray[np.uint8]  # (B, n, n, n) | most probable element, where asked for; else 0
    mask: NDArray[np.float32]  # (B, n, n, n) | probability that a voxel is occupied


class Networks:
    """A VAE and the UNet that names the elements of what it decodes.

    ``kind`` says what maps the VAE makes.

    Raises:
        CheckpointError: a run folder holds no such model, or the two do not fit together.
    """

    def __init__(self, settings: NetworkSettings) -> None:
        torch.set_num_threads(settings.threads or len(os.sched_getaffinity(0)))
        vae, self.card = load_model(settings.vae, "vae")
        unet, self.unet_card = load_model(settings.unet, "unet")
        assert isinstance(vae, VAE)
        assert isinstance(unet, UNet)
        self.kind = MapKind.of_card(self.card)
        trained = MapKind.of_card(self.unet_card)
        if misfit := self.kind.misfit(trained, settings.unet):
            raise CheckpointError(f"{settings.vae} makes {misfit}: train both on one shard set")
        self.widths = widths(self.kind.sigma)
        self.device = _device(settings.device)
        self.vae, self.unet = vae.to(self.device), unet.to(self.device)
        self.conditions = int(self.card["conditions"])
        self.latent = vae.settings.latent

    @torch.inference_mode()
    def decode(self, z: NDArray[np.float32], deciles: NDArray[np.int64]) -> NDArray[np.float32]:
        """Maps (B, 4, n, n, n): density in e/Å³ and x, y, z in Å, of at most ``BATCH`` latent points (B, L)."""
        maps_BCDHW = self.vae.decode(self._filled(z), self._one_hot(deciles))[: len(z)]
        maps: NDArray[np.float32] = maps_BCDHW.cpu().numpy()
        return maps

    @torch.inference_mode()
    def encode(self, maps: NDArray[np.float32], deciles: NDArray[np.int64]) -> NDArray[np.float32]:
        """Means of the posterior, (B, L), of at most ``BATCH`` maps (B, 4, n, n, n)."""
        mean_BL, _ = self.vae.encode(self._filled(maps), self._one_hot(deciles))
        out: NDArray[np.float32] = mean_BL[: len(maps)].cpu().numpy()
        return out

    @torch.inference_mode()
    def segment(
        self, maps: NDArray[np.float32], threshold: float, also: NDArray[np.bool_] | None = None
    ) -> Segmented:
        """Occupation of every voxel, and the element of those occupied with at least ``threshold``.

        Args:
            maps: (B, 4, n, n, n), at most ``BATCH``.
            also: further voxels whose element is wanted, (B, n, n, n).
        """
        x_BCDHW = self._filled(maps)
        features_BFDHW, logits_BDHW = self.unet(x_BCDHW)
        mask_BDHW = torch.sigmoid(logits_BDHW[: len(maps)])
        wanted = mask_BDHW >= threshold
        if also is not None:
            wanted |= torch.from_numpy(also).to(self.device)
        species = torch.zeros(mask_BDHW.shape, dtype=torch.uint8, device=self.device)
        # one sample at a time: what it holds then depends on no other, bit for bit
        for row in range(len(maps)):
            (voxel_K,) = wanted[row].flatten().nonzero(as_tuple=True)
            one = slice(row, row + 1)
            logits_KZ = self.unet.species_logits(
                x_BCDHW[one], features_BFDHW[one], torch.zeros_like(voxel_K), voxel_K
            )
            # class 0 is the background, which the mask speaks for
            species[row].view(-1)[voxel_K] = (logits_KZ[:, 1:].argmax(dim=1) + 1).to(torch.uint8)
        return Segmented(species.cpu().numpy(), mask_BDHW.cpu().numpy())

    def _filled(self, rows: NDArray[np.float32]) -> torch.Tensor:
        """``rows`` on the device, zeros added to make a whole batch."""
        if len(rows) > BATCH:
            raise ValueError(f"{len(rows)} samples at once; at most {BATCH}")
        missing = np.zeros((BATCH - len(rows), *rows.shape[1:]), np.float32)
        return torch.from_numpy(np.concatenate([rows, missing])).to(self.device)

    def _one_hot(self, deciles: NDArray[np.int64]) -> torch.Tensor:
        """Conditions of a whole batch, (BATCH, K)."""
        rows = np.zeros((len(deciles), self.conditions), np.float32)
        rows[np.arange(len(deciles)), deciles] = 1.0
        return self._filled(rows)


def _device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise ConfigError(f"device: {name} is asked for, and torch finds no GPU here; use cpu or auto")
    return torch.device(name)
