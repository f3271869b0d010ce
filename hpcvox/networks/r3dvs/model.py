"""The convolutional network on R3DVS voxels (Kajita et al. 2017), for classes or numbers."""

from collections.abc import Sequence

import torch
from torch import nn

from hpcvox.networks.r3dvs.settings import VoxelCNNSettings

SLOPE = 0.3
"""Slope of LeakyReLU below zero."""


class VoxelCNN(nn.Module):
    """The network: levels of convolution 3³ → LeakyReLU → max-pooling over 2³, then dense layers with LeakyReLU.

    Args:
        settings: the shape of the network.
        channels: number of channels of the field.
        voxels: number of voxels along each edge of the cube.
        outputs: number of classes (for logits), or of numbers to predict.
        scale: typical size of the amplitudes of each channel, by which ``inputs: scaled`` divides.

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
            # pooling first: LeakyReLU is monotonic, so the result is the same and costs an eighth
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
        """The outputs, (B, outputs), for amplitudes in the field's unit."""
        outputs: torch.Tensor = self.head(self.features(x_BCDHW))
        return outputs

    def features(self, x_BCDHW: torch.Tensor) -> torch.Tensor:
        """The output of the last LeakyReLU, (B, features), in which similar crystals lie near each other."""
        if self.settings.inputs == "scaled":
            # most voxels hold nothing or little, a few a hundred times as much
            x_BCDHW = torch.log1p(x_BCDHW / x_BCDHW.new_tensor(self.scale)[:, None, None, None])
        features: torch.Tensor = self.body(x_BCDHW)
        return features
