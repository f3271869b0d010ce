"""The conditional variational autoencoder of density voxels (Court et al. 2020, Cond-DFC-VAE)."""

import torch
from torch import nn

from hpcvox.models.layers import DepthToSpace, SpaceToDepth, Standardize, convolution
from hpcvox.models.settings import VAESettings
from hpcvox.models.unet import INPUT_CHANNELS

PAPER = VAESettings(
    patch=1,
    inputs="raw",
    padding="zeros",
    encoder=(16, 32, 64, 128),
    bottleneck=4,
    seed_channels=4,
    decoder=(128, 64, 32, 16),
)
"""The network of the paper."""

SEED_SIZE = 4


class VAE(nn.Module):
    """Maps of 4 channels (density, x, y, z) to a normal latent and back, given a condition.

    The condition (one-hot decile of a property, (B, K)) enters the encoder as constant channels and
    joins z at the decoder's input.
    """

    def __init__(self, settings: VAESettings, conditions: int, voxels: int) -> None:
        super().__init__()
        size = voxels // settings.patch
        if SEED_SIZE * 2 ** (len(settings.decoder) - 1) != size:
            raise ValueError(
                f"a decoder of {len(settings.decoder)} levels makes {SEED_SIZE * 2 ** (len(settings.decoder) - 1)}³, "
                f"and {voxels}³ voxels in patches of {settings.patch} are {size}³"
            )
        self.settings, self.conditions, self.voxels = settings, conditions, voxels
        folded = INPUT_CHANNELS * settings.patch**3
        self.scale = Standardize() if settings.inputs == "scaled" else None
        self.fold = SpaceToDepth(settings.patch)
        layers: list[nn.Module] = []
        width = folded + conditions
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
        layers += [convolution(width, folded, settings.padding), DepthToSpace(settings.patch)]
        self.decoder = nn.Sequential(*layers)

    def encode(self, x_BCDHW: torch.Tensor, condition_BK: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and log-variance of the latent, each (B, L)."""
        x = self.fold(x_BCDHW if self.scale is None else self.scale(x_BCDHW))
        constant = condition_BK[:, :, None, None, None].expand(-1, -1, *x.shape[2:])
        hidden = self.encoder_dense(self.encoder(torch.cat((x, constant), dim=1)))
        return self.mean(hidden), self.log_variance(hidden)

    def decode(self, z_BL: torch.Tensor, condition_BK: torch.Tensor) -> torch.Tensor:
        """Maps (B, 4, n, n, n): density in e/Å³ and the coordinates x, y, z in Å."""
        seed = self.decoder_dense(torch.cat((z_BL, condition_BK), dim=1))
        maps: torch.Tensor = self.decoder(seed.view(len(z_BL), -1, SEED_SIZE, SEED_SIZE, SEED_SIZE))
        return maps if self.scale is None else self.scale.inverse(maps)
