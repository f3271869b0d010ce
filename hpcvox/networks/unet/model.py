"""The 3D UNet that names the element of every voxel (Court et al. 2020, "3-D Multiclass Atom Segmentation")."""

import torch
from torch import nn

from hpcvox.networks.layers import (
    INPUT_CHANNELS,
    DepthToSpace,
    LogDensity,
    SpaceToDepth,
    Surroundings,
    convolution,
)
from hpcvox.networks.settings import Padding
from hpcvox.networks.unet.settings import UNetSettings

PAPER = UNetSettings(
    patch=1,
    inputs="raw",
    padding="zeros",
    down=((32, 64), (64, 128), (128, 256)),
    bottom=(512, 512),
    up=((512, 256), (256, 128), (128, 128)),
    stencils=(),
    head=(),
)
"""Settings of the paper's network, which has 31.2 M weights."""


class _Block(nn.Module):
    """Twice: convolution 3³ → ReLU → BatchNorm."""

    def __init__(self, inputs: int, filters: tuple[int, ...], padding: Padding) -> None:
        super().__init__()
        first, second = filters
        self.first = nn.Sequential(convolution(inputs, first, padding), nn.ReLU(), nn.BatchNorm3d(first))
        self.convolution = convolution(first, second, padding)
        self.norm = nn.BatchNorm3d(second)

    def forward(self, x_BCDHW: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The output of the block, and the output of its last ReLU before normalisation."""
        activated = torch.relu(self.convolution(self.first(x_BCDHW)))
        return self.norm(activated), activated


class UNet(nn.Module):
    """Computes features of every voxel; one head predicts whether it is occupied, another one its element.

    The element head runs only on chosen voxels: 95 classes on all 32³ voxels would cost more memory traffic than the
    network, and background voxels have no weight in the loss.  It takes the features and, with ``stencils``, the
    density around the voxel, because pooling loses the small differences between elements.
    """

    def __init__(self, settings: UNetSettings) -> None:
        super().__init__()
        if len(settings.down) != len(settings.up):
            raise ValueError(
                f"a UNet has as many levels down ({len(settings.down)}) as up ({len(settings.up)})"
            )
        self.settings = settings
        scale = LogDensity() if settings.inputs == "scaled" else nn.Identity()
        self.fold = nn.Sequential(scale, SpaceToDepth(settings.patch))
        width = INPUT_CHANNELS * settings.patch**3
        self.down = nn.ModuleList()
        skips = []
        for filters in settings.down:
            self.down.append(_Block(width, filters, settings.padding))
            width = filters[-1]
            skips.append(width)
        self.bottom = _Block(width, settings.bottom, settings.padding)
        width = settings.bottom[-1]
        self.up = nn.ModuleList()
        for filters, skip in zip(settings.up, reversed(skips), strict=True):
            self.up.append(_Block(width + skip, filters, settings.padding))
            width = filters[-1]
        if settings.patch > 1:
            self.unfold: nn.Module = nn.Sequential(
                nn.Conv3d(width, settings.features * settings.patch**3, 1),
                nn.ReLU(),
                DepthToSpace(settings.patch),
            )
            width = settings.features
        else:
            self.unfold = nn.Identity()
        self.mask_head = nn.Conv3d(width, 1, 1)
        self.surroundings = Surroundings(settings.stencils) if settings.stencils else None
        if self.surroundings is not None:
            width += self.surroundings.channels
        layers: list[nn.Module] = []
        for hidden in settings.head:
            layers += [nn.Linear(width, hidden), nn.ReLU()]
            width = hidden
        self.species_head = nn.Sequential(*layers, nn.Linear(width, settings.classes))

    def forward(self, x_BCDHW: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Features (B, F, n, n, n) and the logits of the occupation mask (B, n, n, n)."""
        x = self.fold(x_BCDHW)
        skips = []
        for block in self.down:
            x, _ = block(x)
            skips.append(x)
            x = nn.functional.max_pool3d(x, 2)
        x, _ = self.bottom(x)
        for block, skip in zip(self.up, reversed(skips), strict=True):
            x = nn.functional.interpolate(x, scale_factor=2.0, mode="nearest")
            x, _ = block(torch.cat((x, skip), dim=1))
        x = self.unfold(x)
        return x, self.mask_head(x).squeeze(1)

    def species_logits(
        self,
        x_BCDHW: torch.Tensor,
        features_BFDHW: torch.Tensor,
        sample_K: torch.Tensor,
        voxel_K: torch.Tensor,
    ) -> torch.Tensor:
        """The logits of the atomic numbers, (K, classes), of K voxels.

        Args:
            x_BCDHW: the maps that ``forward`` took.
            features_BFDHW: the features that ``forward`` returned.
            sample_K: the sample of each voxel, 0 to B - 1.
            voxel_K: its place in the sample's flattened map.
        """
        inputs_KF = features_BFDHW.flatten(2).transpose(1, 2)[sample_K, voxel_K]
        if self.surroundings is not None:
            inputs_KF = torch.cat((inputs_KF, self.surroundings(x_BCDHW, sample_K, voxel_K)), dim=1)
        logits: torch.Tensor = self.species_head(inputs_KF)
        return logits

    def perceptual(self, x_BCDHW: torch.Tensor) -> list[torch.Tensor]:
        """The ReLU outputs at each resolution on the way down, which the DFC loss compares.

        With ``inputs: scaled`` each resolution is divided by its standard deviation in training.  A UNet's activations
        may have any size, and the weight of this loss relative to the error of the maps must not depend on it.
        """
        x = self.fold(x_BCDHW)
        outputs = []
        for block in self.down:
            assert isinstance(block, _Block)
            x, activated = block(x)
            outputs.append(self._in_units(activated, block.norm))
            x = nn.functional.max_pool3d(x, 2)
        _, activated = self.bottom(x)
        outputs.append(self._in_units(activated, self.bottom.norm))
        return outputs

    def _in_units(self, activated_BCDHW: torch.Tensor, norm: nn.BatchNorm3d) -> torch.Tensor:
        if self.settings.inputs == "raw":
            return activated_BCDHW
        assert norm.running_var is not None
        return activated_BCDHW / torch.sqrt(norm.running_var.mean() + norm.eps)
