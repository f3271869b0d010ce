"""The convolutional network on R3DVS voxels (Kajita et al. 2017): classes, or numbers."""

from collections.abc import Sequence

import torch
from torch import nn

from hpcvox.networks.r3dvs.settings import VoxelCNNSettings

SLOPE = 0.3
"""Of LeakyReLU below zero."""


class VoxelCNN(nn.Module):
    """Convolution 3³ → LeakyReLU → maximum of 2³, repeated; then fully connected layers with LeakyReLU between.

    Args:
        channels: of the field.
        voxels: along an edge of the cube.
        outputs: classes (logits), or numbers.
        scale: of each channel, the typical size of its amplitudes: what ``inputs: scaled`` divides by.

    Raises:
        ValueError: the cube is too small for so many levels.
    """

    def __init__(
        self, settings: VoxelCNNSettings, channels: int, voxels: int, outputs: int, scale: Sequence[float]
    ) -> None:
        super().__init__()
        self.settings, self.scale = settings, tuple(scale)
        padding = 1 if settings.padding == "zeros" else 0
        levels: list[nn.Module] = []
        size, width = voxels, channels
        for filters in settings.filters:
            # The maximum first: LeakyReLU keeps the order, so the result is the same at an eighth of its cost.
            levels += [nn.Conv3d(width, filters, 3, padding=padding), nn.MaxPool3d(2), nn.LeakyReLU(SLOPE)]
            width, size = filters, (size - 2 + 2 * padding) // 2
        if size < 1:
            raise ValueError(
                f"{len(settings.filters)} levels of filters with padding {settings.padding} leave nothing of "
                f"{voxels}³ voxels: give fewer"
            )
        features = width * size**3
        layers: list[nn.Module] = []
        for hidden in settings.dense:
            layers += [nn.Linear(features, hidden), nn.LeakyReLU(SLOPE)]
            features = hidden
        self.body = nn.Sequential(*levels, nn.Flatten(), *layers)
        self.head = nn.Linear(features, outputs)

    def forward(self, x_BCDHW: torch.Tensor) -> torch.Tensor:
        """Outputs (B, outputs) of amplitudes in the field's unit."""
        outputs: torch.Tensor = self.head(self.features(x_BCDHW))
        return outputs

    def features(self, x_BCDHW: torch.Tensor) -> torch.Tensor:
        """What the last LeakyReLU gives, (B, features): where alike crystals lie near each other."""
        if self.settings.inputs == "scaled":
            # most voxels hold nothing or little, a few a hundred times as much
            x_BCDHW = torch.log1p(x_BCDHW / x_BCDHW.new_tensor(self.scale)[:, None, None, None])
        features: torch.Tensor = self.body(x_BCDHW)
        return features
