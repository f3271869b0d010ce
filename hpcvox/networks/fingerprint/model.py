"""The convolutional network on diffraction fingerprints (Ziletti et al. 2018): 365,719 parameters for seven classes."""

import torch
from torch import nn

from hpcvox.networks.fingerprint.settings import ConvNetSettings

CHANNELS = 3
POOL = 2
"""Pixels along an edge of which pooling keeps the largest."""

EPSILON = 1e-3
"""Momentum and epsilon of BatchNorm, as in Keras."""


class _Norm(nn.BatchNorm1d):
    """BatchNorm; a batch of one sample has no variance and is normalised by the running statistics."""

    def forward(self, x_BF: torch.Tensor) -> torch.Tensor:
        if len(x_BF) > 1:
            return super().forward(x_BF)
        return nn.functional.batch_norm(
            x_BF, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
        )


class ConvNet(nn.Module):
    """The network: levels of two convolutions, then a dense layer and one logit for each class.

    Each level is twice convolution → ReLU; max-pooling over 2² pixels lies between levels.  Then follow dropout,
    dense layer → ReLU → BatchNorm, and the logits.  Convolutions keep the size.  Weights start orthogonal, biases at 0.

    Args:
        settings: the shape of the network.
        pixels: number of pixels along each edge of the image.
        classes: number of classes.

    Raises:
        ValueError: the image is too small for so many levels, or the kernel is even.
    """

    def __init__(self, settings: ConvNetSettings, pixels: int, classes: int) -> None:
        super().__init__()
        if settings.kernel % 2 == 0:
            raise ValueError(
                f"kernel: {settings.kernel} is even, but a kernel needs a centre: give an odd number"
            )
        levels: list[nn.Module] = []
        width, size = CHANNELS, pixels
        for level, filters in enumerate(settings.filters):
            if level:
                levels.append(nn.MaxPool2d(POOL))
                size //= POOL
            for outputs in filters:
                levels += [
                    nn.Conv2d(width, outputs, settings.kernel, padding=settings.kernel // 2),
                    nn.ReLU(),
                ]
                width = outputs
        if size < 1:
            raise ValueError(
                f"{len(settings.filters)} levels of filters leave nothing of {pixels}² pixels: give fewer"
            )
        self.dropout, self.features = settings.dropout, width * size**2
        self.body = nn.Sequential(*levels, nn.Flatten())
        self.dense = nn.Linear(self.features, settings.dense)
        self.norm = _Norm(settings.dense, eps=EPSILON)
        self.head = nn.Linear(settings.dense, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.orthogonal_(module.weight)
                assert module.bias is not None
                nn.init.zeros_(module.bias)

    def forward(self, x_BCHW: torch.Tensor, kept_BF: torch.Tensor | None = None) -> torch.Tensor:
        """The logits, (B, classes), of fingerprints.

        Args:
            x_BCHW: fingerprints, channels first, values 0 to 1.
            kept_BF: which of the ``features`` dropout keeps; None: all of them, as outside of training.
        """
        return self.classified(self.body(x_BCHW), kept_BF)

    def classified(self, features_BF: torch.Tensor, kept_BF: torch.Tensor | None = None) -> torch.Tensor:
        """The logits, (B, classes), of what the convolutions have made of fingerprints; ``kept_BF`` as above."""
        if kept_BF is not None:
            features_BF = features_BF * kept_BF / (1 - self.dropout)
        logits: torch.Tensor = self.head(self.norm(torch.relu(self.dense(features_BF))))
        return logits
