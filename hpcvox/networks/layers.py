"""Building blocks of the voxel networks.

Tensor names end in their axes: B batch, C channels, D H W the voxel axes.
"""

from itertools import product
from typing import Final

import torch
from torch import nn

from hpcvox.networks.settings import Padding

INPUT_CHANNELS: Final = 4
"""Density in e/Å³, then the Cartesian x, y, z in Å."""


class SpaceToDepth(nn.Module):
    """Fold patches of ``p``³ voxels into channels: (B, C, D, H, W) → (B, C p³, D/p, H/p, W/p).

    The result has the channels innermost in memory (channels_last_3d), and the convolutions after it keep this layout,
    which is 1.1 to 1.4 times as fast on a CPU.  The weights keep their layout, because Horovod needs them contiguous.
    """

    def __init__(self, p: int) -> None:
        super().__init__()
        self.p = p

    def forward(self, x_BCDHW: torch.Tensor) -> torch.Tensor:
        p = self.p
        b, c, d, h, w = x_BCDHW.shape
        if p > 1:
            x = x_BCDHW.reshape(b, c, d // p, p, h // p, p, w // p, p)
            x_BCDHW = x.permute(0, 1, 3, 5, 7, 2, 4, 6).reshape(b, c * p**3, d // p, h // p, w // p)
        return x_BCDHW.contiguous(memory_format=torch.channels_last_3d)


class DepthToSpace(nn.Module):
    """The inverse of :class:`SpaceToDepth`."""

    def __init__(self, p: int) -> None:
        super().__init__()
        self.p = p

    def forward(self, x_BCDHW: torch.Tensor) -> torch.Tensor:
        if self.p == 1:
            return x_BCDHW
        p = self.p
        b, c, d, h, w = x_BCDHW.shape
        x = x_BCDHW.reshape(b, c // p**3, p, p, p, d, h, w)
        return x.permute(0, 1, 5, 2, 6, 3, 7, 4).reshape(b, c // p**3, d * p, h * p, w * p)


# Rounded means and standard deviations over the voxels of cubic crystals with cells of 2 to 9 Å.
DENSITY_CENTRE, DENSITY_SPAN = 2.0, 1.2
COORDINATE_CENTRE, COORDINATE_SPAN = 2.7, 1.8
VACUUM = 0.1
"""Density in e/Å³ below which its logarithm levels off."""
TYPICAL_STEP = 0.3
"""Typical change of the density's logarithm from one voxel to the next."""
LOG_SPACING_CENTRE = -2.0
"""Logarithm of a typical distance between voxels in Å."""


class Standardize(nn.Module):
    """Scales maps of density and coordinates, (B, 4, D, H, W), to about zero mean and unit variance, and back."""

    centre: torch.Tensor
    span: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        centre = torch.tensor([DENSITY_CENTRE, *3 * [COORDINATE_CENTRE]]).view(1, 4, 1, 1, 1)
        span = torch.tensor([DENSITY_SPAN, *3 * [COORDINATE_SPAN]]).view(1, 4, 1, 1, 1)
        self.register_buffer("centre", centre, persistent=False)
        self.register_buffer("span", span, persistent=False)

    def forward(self, x_BCDHW: torch.Tensor) -> torch.Tensor:
        return (x_BCDHW - self.centre) / self.span

    def inverse(self, x_BCDHW: torch.Tensor, channels: int = 4) -> torch.Tensor:
        """Scale the first ``channels`` channels back to e/Å³ and Å."""
        return x_BCDHW * self.span[:, :channels] + self.centre[:, :channels]


def log_density(density: torch.Tensor) -> torch.Tensor:
    """ln(ρ + VACUUM) of a density in e/Å³; negative values count as 0."""
    return torch.log(density.clamp_min(0) + VACUUM)


class LogDensity(Standardize):
    """:class:`Standardize` with the logarithm of the density.

    The logarithm of a Gaussian is a parabola: its curvature gives the ion's radius r, and its top gives Z/r³.  So a
    convolution can tell elements apart by differences of neighbouring voxels.
    """

    def forward(self, x_BCDHW: torch.Tensor) -> torch.Tensor:
        density = log_density(x_BCDHW[:, :1])
        coordinates = super().forward(x_BCDHW)[:, 1:]
        return torch.cat((density, coordinates), dim=1)


class PeriodicConv3d(nn.Conv3d):
    """A 3³ convolution with periodic boundaries: beyond a face it continues at the opposite face.

    ``padding_mode="circular"`` gives the same result but loses the memory format, and takes 1.3 times as long.
    """

    def forward(self, x_BCDHW: torch.Tensor) -> torch.Tensor:
        for axis in (2, 3, 4):
            first, last = x_BCDHW.narrow(axis, 0, 1), x_BCDHW.narrow(axis, x_BCDHW.shape[axis] - 1, 1)
            x_BCDHW = torch.cat((last, x_BCDHW, first), dim=axis)
        return super().forward(x_BCDHW)


def convolution(inputs: int, outputs: int, padding: Padding = "zeros") -> nn.Conv3d:
    """A 3³ convolution that keeps the size; beyond a face it sees zeros, or continues at the opposite face."""
    if padding == "periodic":
        return PeriodicConv3d(inputs, outputs, 3)
    return nn.Conv3d(inputs, outputs, 3, padding=1)


def embedding(count: int, width: int) -> nn.Embedding:
    """An embedding of ``count`` kinds in ``width`` learnt numbers, initialised from N(0, 1).

    It equals ``nn.Embedding(count, width)``.  That would load a compiler for 1 s on the meta device, on which the
    shapes of networks are compared with their cards.
    """
    weight = torch.empty(count, width)
    if not weight.is_meta:
        nn.init.normal_(weight)
    return nn.Embedding.from_pretrained(weight, freeze=False)  # type: ignore[no-untyped-call, no-any-return]


class Surroundings(nn.Module):
    """Features of chosen voxels: the logarithm of the density around them, and the distances between voxels.

    They hold a periodic stencil of 3³ voxels for each of ``dilations``.  Within an ion's Gaussian the second
    differences over the squared spacing are -1/r², and the value is log(Z/r³) minus a term that follows from the first
    differences.  Together these determine the element, except for the overlap with its neighbours.
    """

    offsets: torch.Tensor
    span: torch.Tensor

    def __init__(self, dilations: tuple[int, ...]) -> None:
        super().__init__()
        steps = [o for o in product((-1, 0, 1), repeat=3) if any(o)]
        offsets = torch.tensor([[s * dilation for s in o] for dilation in dilations for o in steps])
        span = torch.tensor([TYPICAL_STEP * dilation for dilation in dilations for _ in steps])
        self.register_buffer("offsets", offsets, persistent=False)
        self.register_buffer("span", span, persistent=False)
        self.channels = len(offsets) + 4

    def forward(self, x_BCDHW: torch.Tensor, sample_K: torch.Tensor, voxel_K: torch.Tensor) -> torch.Tensor:
        """The features, (K, channels), of K voxels of raw maps.

        Args:
            x_BCDHW: density in e/Å³, then x, y, z in Å.
            sample_K: the sample of each voxel, 0 to B - 1.
            voxel_K: its place in the flattened map.
        """
        n = x_BCDHW.shape[2:]
        density = log_density(x_BCDHW[:, 0])
        # torch.unravel_index would load SymPy, which takes 0.6 s
        places = (voxel_K // (n[1] * n[2]), voxel_K // n[2] % n[1], voxel_K % n[2])
        here = density[sample_K, *places][:, None]
        beyond = [(place[:, None] + self.offsets[:, axis]) % n[axis] for axis, place in enumerate(places)]
        around = (density[sample_K[:, None], *beyond] - here) / self.span
        steps = [
            (x_BCDHW[:, 1:].select(axis, -1) - x_BCDHW[:, 1:].select(axis, 0)).mean((2, 3)).norm(dim=1)
            / (x_BCDHW.shape[axis] - 1)
            for axis in (2, 3, 4)
        ]
        spacing = torch.log(torch.stack(steps, dim=1).clamp_min(1e-3)) - LOG_SPACING_CENTRE
        return torch.cat((around, here, spacing[sample_K]), dim=1)
