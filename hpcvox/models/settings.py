"""Shapes of the networks."""

from typing import Annotated, Literal

from annotated_types import Len
from pydantic import Field

from hpcvox.config import Settings

Pair = Annotated[tuple[int, ...], Len(2, 2)]
Padding = Literal["zeros", "periodic"]


class UNetSettings(Settings):
    """The shape of the UNet.  The paper's: patch 1, (32,64) (64,128) (128,256) | 512,512 | (512,256) ..."""

    patch: Literal[1, 2, 4] = Field(2, description="voxels a side that are folded into channels first")
    inputs: Literal["raw", "scaled"] = Field(
        "scaled", description="e/Å³ and Å as they are, or the density's logarithm and centred coordinates"
    )
    padding: Padding = Field(
        "periodic", description="what convolutions see beyond a face: zeros, or the opposite face"
    )
    down: tuple[Pair, ...] = Field(
        ((16, 16), (32, 64)), description="filters of the two convolutions a level"
    )
    bottom: Pair = Field((128, 128), description="filters of the two lowest convolutions")
    up: tuple[Pair, ...] = Field(((32, 32), (16, 16)), description="filters a level on the way up")
    features: int = Field(16, ge=1, description="channels a voxel before the two heads, where patch > 1")
    stencils: tuple[int, ...] = Field(
        (1, 3), description="the element head also sees the density in 3³ stencils of these dilations"
    )
    head: tuple[int, ...] = Field((128, 128), description="widths of the element head's hidden layers")
    classes: int = Field(95, ge=2, description="atomic numbers that can be told apart, 0 = background")


class VAESettings(Settings):
    """The shape of the VAE.  The paper's: patch 1, encoder 16 32 64 128, bottleneck 4, seed 4, no elements, no naming,
    cell from maps."""

    patch: Literal[1, 2, 4] = Field(2, description="voxels a side that are folded into channels first")
    inputs: Literal["raw", "scaled"] = Field(
        "scaled", description="e/Å³ and Å as they are, or standardised on the way in and back on the way out"
    )
    padding: Padding = Field(
        "periodic", description="what convolutions see beyond a face: zeros, or the opposite face"
    )
    encoder: tuple[int, ...] = Field((32, 64, 128), description="filters; each level halves the grid")
    bottleneck: int = Field(32, ge=1, description="filters of the encoder's last convolution")
    hidden: int = Field(256, ge=1, description="width of the dense layers beside the latent")
    latent: int = Field(256, ge=1, description="dimensions of the latent space")
    seed_channels: int = Field(16, ge=1, description="channels of the decoder's first 4³ grid")
    decoder: tuple[int, ...] = Field(
        (128, 64, 32), description="filters; the grid doubles after each but the last"
    )
    elements: int = Field(
        16, ge=0, description="learnt numbers by which the encoder sees each ion's element; 0: density alone"
    )
    naming: int = Field(
        96,
        ge=0,
        description="features of a patch by which the decoder names elements; 0: the UNet names them",
    )
    classes: int = Field(99, ge=2, description="atomic numbers that can be told apart, 0 = background")
    cell: Literal["maps", "lattice"] = Field(
        "lattice",
        description="what the coordinates come from: maps that are decoded as the density is, or a decoded lattice, "
        "whose lengths are always positive",
    )


class CGCNNSettings(Settings):
    """The shape of the network; as it is, the paper's."""

    atom_features: int = Field(64, ge=1, description="features of a site, A")
    convolutions: int = Field(
        1, ge=0, le=100, description="graph convolutions; each looks one neighbour farther"
    )
    hidden: int = Field(128, ge=1, description="width of the dense layer after the pooling")
    radius: float = Field(
        8.0, gt=0, le=100, description="Å; a distance is seen by Gaussians centred from 0 to this"
    )
    step: float = Field(0.2, ge=0.001, description="Å from one Gaussian's centre to the next")
    width: float = Field(0.2, gt=0, description="Å; a Gaussian is exp(-(d - centre)²/width²)")


class VoxelCNNSettings(Settings):
    """The shape of the network.  The paper's widths are not known; these are of a public re-implementation."""

    inputs: Literal["raw", "scaled"] = Field(
        "scaled",
        description="amplitudes as they are, or the logarithm of what they are above their typical size",
    )
    padding: Literal["zeros", "none"] = Field(
        "zeros", description="beyond a face convolutions see zeros; none: each takes a voxel from every face"
    )
    filters: tuple[int, ...] = Field(
        (16, 16, 16), min_length=1, description="of the convolutions; each level halves the grid"
    )
    dense: tuple[int, ...] = Field(
        (32, 8), description="widths of the fully connected layers before the outputs"
    )


class ConvNetSettings(Settings):
    """The shape of the network; the defaults are the paper's."""

    filters: tuple[Pair, ...] = Field(
        ((32, 32), (16, 16), (8, 8)),
        min_length=1,
        description="of the two convolutions a level; the image is halved between levels",
    )
    kernel: int = Field(7, ge=1, description="pixels along an edge of a convolution's kernel, odd")
    dropout: float = Field(0.25, ge=0, lt=1, description="share of the features left out in training")
    dense: int = Field(128, ge=1, description="width of the fully connected layer")
