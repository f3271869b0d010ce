"""The conditional variational autoencoder of density voxels (Court et al. 2020, Cond-DFC-VAE).

Unlike in the paper, the encoder may also see the element of each ion, and the decoder may name elements, predict which
voxels are occupied, and give the cell as a lattice.  A latent space keeps only what the loss asks for.

Tensor names end in their axes: B batch, C channels, D H W the voxel axes.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from hpcvox.networks.layers import (
    INPUT_CHANNELS,
    DepthToSpace,
    SpaceToDepth,
    Standardize,
    convolution,
    embedding,
)
from hpcvox.networks.vae.settings import SEED_SIZE, VAESettings

PAPER = VAESettings(
    patch=1,
    inputs="raw",
    padding="zeros",
    encoder=(16, 32, 64, 128),
    bottleneck=4,
    seed_channels=4,
    decoder=(128, 64, 32, 16),
    elements=0,
    naming=0,
    cell="maps",
)
"""Settings of the paper's network."""

TYPICAL_LENGTH = 5.0
"""Edge in Å of the cell that an untrained network decodes."""


class Names(NamedTuple):
    """What a decoder predicts of elements."""

    features: torch.Tensor
    """(B, F, m, m, m): features of every patch, for :meth:`VAE.element_logits`."""
    mask_logits: torch.Tensor
    """(B, n, n, n): logit that each voxel is occupied."""


class Decoded(NamedTuple):
    """What the decoder makes of B latent points."""

    maps: torch.Tensor
    """(B, 4, n, n, n): density in e/Å³ and the coordinates x, y, z in Å."""
    names: Names | None
    """None if the decoder names no elements."""


class VAE(nn.Module):
    """Encodes maps of 4 channels (density, x, y, z) to a normal latent and decodes them, given a condition.

    The condition (the one-hot decile of a property, (B, K)) enters the encoder as constant channels, and the decoder
    together with z.

    Args:
        settings: the shape of the network.
        conditions: K, number of conditions.
        voxels: n, number of voxels along each edge of the maps.
        box: start and length of the maps along each axis, in units of the cell; used by a decoded lattice.
        oblique: whether the decoded lattice may have angles other than 90°.
    """

    def __init__(
        self,
        settings: VAESettings,
        conditions: int,
        voxels: int,
        box: tuple[float, float] = (0.0, 1.0),
        oblique: bool = False,
    ) -> None:
        super().__init__()
        if misfit := settings.misfit(voxels):
            raise ValueError(misfit)
        size = voxels // settings.patch
        self.settings, self.conditions, self.voxels = settings, conditions, voxels
        self.scale = Standardize() if settings.inputs == "scaled" else None
        self.fold = SpaceToDepth(settings.patch)
        self.embedding = embedding(settings.classes, settings.elements) if settings.elements else None
        layers: list[nn.Module] = []
        width = INPUT_CHANNELS * settings.patch**3 + conditions + settings.elements
        for filters in settings.encoder:
            layers += [
                convolution(width, filters, settings.padding),
                nn.BatchNorm3d(filters),
                nn.LeakyReLU(0.3),
                nn.MaxPool3d(2),
            ]
            width = filters
            size //= 2
        layers += [convolution(width, settings.bottleneck, settings.padding), nn.Flatten()]
        self.encoder = nn.Sequential(*layers)
        self.encoder_dense = nn.Sequential(
            nn.Linear(settings.bottleneck * size**3, settings.hidden), nn.LeakyReLU(0.3)
        )
        self.mean = nn.Linear(settings.hidden, settings.latent)
        self.log_variance = nn.Linear(settings.hidden, settings.latent)

        self.decoder_dense = nn.Sequential(
            nn.Linear(settings.latent + conditions, settings.seed_channels * SEED_SIZE**3), nn.LeakyReLU(0.3)
        )
        layers = []
        width = settings.seed_channels
        for level, filters in enumerate(settings.decoder):
            if level:
                layers.append(nn.Upsample(scale_factor=2.0, mode="nearest"))
            layers += [
                convolution(width, filters, settings.padding),
                nn.BatchNorm3d(filters),
                nn.LeakyReLU(0.3),
            ]
            width = filters
        maps = 1 if settings.cell == "lattice" else INPUT_CHANNELS
        layers += [
            convolution(width, maps * settings.patch**3, settings.padding),
            DepthToSpace(settings.patch),
        ]
        self.decoder = nn.Sequential(*layers)
        self.naming = _Naming(width, settings) if settings.naming else None
        self.lattice = _Lattice(settings, conditions, voxels, box, oblique) if maps == 1 else None

    def encode(
        self, x_BCDHW: torch.Tensor, species_BDHW: torch.Tensor, condition_BK: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The mean and the log-variance of the latent points, each (B, L).

        Args:
            x_BCDHW: density in e/Å³, then x, y, z in Å, (B, 4, n, n, n).
            species_BDHW: atomic numbers, 0 where there is no ion, (B, n, n, n); used only with ``elements`` above 0.
            condition_BK: one-hot conditions, (B, K).
        """
        x = self.fold(x_BCDHW if self.scale is None else self.scale(x_BCDHW))
        parts = [x, condition_BK[:, :, None, None, None].expand(-1, -1, *x.shape[2:])]
        if self.embedding is not None:
            patches = self.patches(species_BDHW)
            parts.append(self.embedding(patches).permute(0, 4, 1, 2, 3) * (patches > 0)[:, None])
        hidden = self.encoder_dense(self.encoder(torch.cat(parts, dim=1)))
        return self.mean(hidden), self.log_variance(hidden)

    def decode(self, z_BL: torch.Tensor, condition_BK: torch.Tensor) -> Decoded:
        """Decode latent points, (B, L), with one-hot conditions, (B, K)."""
        given = torch.cat((z_BL, condition_BK), dim=1)
        seed = self.decoder_dense(given)
        features = self.decoder[:-2](seed.view(len(z_BL), -1, SEED_SIZE, SEED_SIZE, SEED_SIZE))
        maps: torch.Tensor = self.decoder[-2:](features)
        if self.lattice is not None:
            density = maps if self.scale is None else self.scale.inverse(maps, channels=1)
            maps = torch.cat((density, self.lattice(given)), dim=1)
        elif self.scale is not None:
            maps = self.scale.inverse(maps)
        return Decoded(maps, None if self.naming is None else self.naming(features))

    def element_logits(self, names: Names) -> torch.Tensor:
        """The logits of the atomic numbers of every patch, (B, m³, classes)."""
        assert self.naming is not None
        logits: torch.Tensor = self.naming.element(names.features.flatten(2).transpose(1, 2))
        return logits

    def patches(self, species_BDHW: torch.Tensor) -> torch.Tensor:
        """The heaviest element in each patch, (B, m, m, m) int64; 0 if there is none."""
        pooled = nn.functional.max_pool3d(species_BDHW[:, None].float(), self.settings.patch)
        return pooled[:, 0].long()


class _Naming(nn.Module):
    """The part of the decoder that predicts the element of each patch, and which voxels are occupied."""

    def __init__(self, width: int, settings: VAESettings) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv3d(width, settings.naming, 1), nn.LeakyReLU(0.3))
        self.element = nn.Linear(settings.naming, settings.classes)
        self.occupied = nn.Sequential(
            nn.Conv3d(settings.naming, settings.patch**3, 1), DepthToSpace(settings.patch)
        )

    def forward(self, features_BFDHW: torch.Tensor) -> Names:
        features = self.features(features_BFDHW)
        return Names(features, self.occupied(features)[:, 0])


class _Lattice(nn.Module):
    """The part of the decoder that predicts a cell, and computes the coordinates of its voxels from it.

    The rows a, b, c form a lower triangular matrix (a along x, b in the xy plane) with a positive diagonal.  Every such
    matrix is a right-handed cell.
    """

    centres: torch.Tensor

    def __init__(
        self,
        settings: VAESettings,
        conditions: int,
        voxels: int,
        box: tuple[float, float],
        oblique: bool,
    ) -> None:
        super().__init__()
        self.oblique = oblique
        self.dense = nn.Sequential(
            nn.Linear(settings.latent + conditions, settings.hidden),
            nn.LeakyReLU(0.3),
            nn.Linear(settings.hidden, 6 if oblique else 3),
        )
        origin, extent = box
        # NumPy: on the meta device, where shapes are compared with cards, a product would load a compiler for 1 s
        centres = origin + (np.arange(voxels) + 0.5) / voxels * extent
        self.register_buffer("centres", torch.from_numpy(centres.astype(np.float32)), persistent=False)

    def forward(self, given_BL: torch.Tensor) -> torch.Tensor:
        """The coordinates x, y, z of the voxels in Å, (B, 3, n, n, n)."""
        numbers = self.dense(given_BL)
        lengths_B3 = torch.exp(numbers[:, :3] + math.log(TYPICAL_LENGTH))
        axis = self.centres
        n = len(axis)
        along = [lengths_B3[:, i, None] * axis for i in range(3)]
        x, y, z = along[0][:, :, None, None], along[1][:, None, :, None], along[2][:, None, None, :]
        if self.oblique:
            b_x, c_x, c_y = (TYPICAL_LENGTH * numbers[:, 3:, None] * axis).unbind(1)
            x = x + b_x[:, None, :, None] + c_x[:, None, None, :]
            y = y + c_y[:, None, None, :]
        return torch.stack([one.expand(-1, n, n, n) for one in (x, y, z)], dim=1)
