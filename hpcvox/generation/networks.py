"""One interface to the trained networks of generation, which takes and returns NumPy arrays.

Tensor names end in their axes: B batch, C channels, F features, D H W the voxel axes.
"""

import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from hpcvox.descriptors.radii import widths
from hpcvox.errors import CheckpointError, ConfigError
from hpcvox.generation.settings import NetworkSettings
from hpcvox.networks.maps import MapKind
from hpcvox.networks.unet.card import UNetCard
from hpcvox.networks.unet.model import UNet
from hpcvox.networks.vae.at_work import TrainedVAE
from hpcvox.networks.vae.flow import Flow
from hpcvox.networks.vae.model import Names
from hpcvox.training.folder.runs import load_model

BATCH = 16
"""Samples in every batch; a smaller last batch is filled up.  Libraries choose kernels by the shape of a batch, and
different kernels round differently.  With one shape, a sample gives the same bits whatever else is in the batch."""


class Decoded(NamedTuple):
    """What the decoder makes of a batch of latent points."""

    maps: NDArray[np.float32]  # (B, 4, n, n, n) | density in e/Å³ and x, y, z in Å
    names: Names | None  # output for a whole batch of a decoder that names elements; None of other decoders


class Segmented(NamedTuple):
    """Which voxels of a batch of maps are occupied, and by which element."""

    species: NDArray[np.uint8]  # (B, n, n, n) | most probable atomic number of the requested voxels; else 0
    mask: NDArray[np.float32]  # (B, n, n, n) | probability that a voxel is occupied


class Networks:
    """A VAE, with a UNet if the VAE's own decoder does not name elements.

    ``kind`` describes the maps that the VAE makes.

    Raises:
        CheckpointError: a run folder holds no such model, the two do not fit together, or neither names elements.
    """

    def __init__(self, settings: NetworkSettings) -> None:
        torch.set_num_threads(settings.threads or len(os.sched_getaffinity(0)))
        self.device = _device(settings.device)
        self.vae = TrainedVAE(settings.vae, self.device)
        self.card, self.kind = self.vae.card, self.vae.kind
        if settings.unet is None and self.vae.model.naming is None:
            raise CheckpointError(
                f"{settings.vae} names no elements: give unet=FOLDER of a UNet that does (hpcvox train-unet), or "
                "train a VAE with model.naming above 0"
            )
        self.widths = widths(self.kind.sigma)
        self.unet, self.unet_card = None, None
        if settings.unet is not None:
            self.unet, self.unet_card = self._naming_network(settings.unet, settings.vae)
        self.conditions = self.card.conditions
        self.latent = self.card.model.latent

    @torch.inference_mode()
    def decode(self, z: NDArray[np.float32], deciles: NDArray[np.int64]) -> Decoded:
        """Decode at most ``BATCH`` latent points, (B, L), each with the decile that conditions it, (B,)."""
        maps_BCDHW, names = self.vae.decode(self._filled(z), _whole(deciles))
        return Decoded(maps_BCDHW[: len(z)].cpu().numpy(), names)

    @torch.inference_mode()
    def transported(
        self, flow: Flow, noise: NDArray[np.float32], deciles: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """The latent points, (B, L), to which a flow maps at most ``BATCH`` rows of noise, (B, L)."""
        points_BL = flow.transport(torch.from_numpy(_whole(noise)), torch.from_numpy(_whole(deciles)))
        out: NDArray[np.float32] = points_BL[: len(noise)].numpy()
        return out

    @torch.inference_mode()
    def encode(
        self, maps: NDArray[np.float32], species: NDArray[np.uint8], deciles: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """The posterior means, (B, L), of at most ``BATCH`` crystals.

        Args:
            maps: density in e/Å³, then x, y, z in Å, (B, 4, n, n, n).
            species: atomic numbers, 0 where there is no ion, (B, n, n, n).
            deciles: the condition of each, (B,).
        """
        mean_BL, _ = self.vae.encode(self._filled(maps), self._filled(species), _whole(deciles))
        out: NDArray[np.float32] = mean_BL[: len(maps)].cpu().numpy()
        return out

    @torch.inference_mode()
    def segment(self, decoded: Decoded, threshold: float, also: NDArray[np.bool_] | None = None) -> Segmented:
        """The probability that each voxel is occupied, and the element of those with at least ``threshold``.

        The UNet predicts both if there is one; else the decoder does.

        Args:
            decoded: at most ``BATCH`` maps.
            threshold: probability from which on a voxel counts as occupied.
            also: further voxels whose element is wanted, (B, n, n, n).
        """
        count = len(decoded.maps)
        x_BCDHW = features_BFDHW = torch.empty(0)
        names = decoded.names
        if self.unet is not None:
            x_BCDHW = self._filled(decoded.maps)
            features_BFDHW, logits_BDHW = self.unet(x_BCDHW)
        elif names is not None:
            logits_BDHW = names.mask_logits
        else:
            raise ValueError("maps that nobody names")
        mask_BDHW = torch.sigmoid(logits_BDHW[:count])
        wanted = mask_BDHW >= threshold
        if also is not None:
            wanted |= torch.from_numpy(also).to(self.device)
        species = torch.zeros(mask_BDHW.shape, dtype=torch.uint8, device=self.device)
        # one sample at a time, so that its bits do not depend on the other samples
        for row in range(count):
            one = slice(row, row + 1)
            if self.unet is not None:
                (voxel_K,) = wanted[row].flatten().nonzero(as_tuple=True)
                logits_KZ = self.unet.species_logits(
                    x_BCDHW[one], features_BFDHW[one], torch.zeros_like(voxel_K), voxel_K
                )
                species[row].view(-1)[voxel_K] = _elements(logits_KZ)
            else:
                assert names is not None
                its = Names(names.features[one], names.mask_logits[one])
                m = its.features.shape[-1]
                elements = _elements(self.vae.model.element_logits(its)[0]).view(m, m, m)
                for axis in range(3):
                    elements = elements.repeat_interleave(self.card.model.patch, dim=axis)
                species[row] = elements * wanted[row]
        return Segmented(species.cpu().numpy(), mask_BDHW.cpu().numpy())

    def _naming_network(self, folder: Path, vae: Path) -> tuple[UNet, UNetCard]:
        unet, card = load_model(folder, UNetCard)
        assert isinstance(unet, UNet)
        if misfit := self.kind.misfit(MapKind.of_card(card), folder):
            raise CheckpointError(f"{vae} makes {misfit}: train both on one shard set")
        return unet.to(self.device), card

    def _filled(self, rows: NDArray[Any]) -> torch.Tensor:
        """Move ``rows`` to the device, with zeros added to fill the batch."""
        return torch.from_numpy(_whole(rows)).to(self.device)


def _whole(rows: NDArray[Any]) -> NDArray[Any]:
    """``rows`` with zeros added to fill the batch."""
    if len(rows) > BATCH:
        raise ValueError(f"{len(rows)} samples at once; at most {BATCH}")
    return np.concatenate([rows, np.zeros((BATCH - len(rows), *rows.shape[1:]), rows.dtype)])


def _elements(logits_KZ: torch.Tensor) -> torch.Tensor:
    """The most probable atomic numbers, (K,) uint8; class 0 (background) is left out, since the mask decides that."""
    return (logits_KZ[:, 1:].argmax(dim=1) + 1).to(torch.uint8)


def _device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise ConfigError(f"device={name}: torch finds no GPU here; use cpu or auto")
    return torch.device(name)
