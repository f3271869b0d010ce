"""Settings of the UNet."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from hpcvox.config import Settings
from hpcvox.networks.settings import Classes, Padding, Pair, Patch, VoxelSettings
from hpcvox.training.settings import RunFolder


class UNetSettings(Settings):
    """The shape of the UNet.  The paper's: patch 1, (32,64) (64,128) (128,256) | 512,512 | (512,256) ..."""

    patch: Patch = 2
    inputs: Literal["raw", "scaled"] = Field(
        "scaled",
        description="raw: e/Å³ and Å as they are; scaled: the density's logarithm and centred coordinates",
    )
    padding: Padding = "periodic"
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
    classes: Classes = 95


class TrainUNetSettings(VoxelSettings):
    """hpcvox train-unet: the network that names the element of every voxel (Court et al. 2020).

    The network here is lean (1.2 M weights); the one of the paper (31 M) is configs/train_unet_paper.yaml.

    Examples:
      hpcvox train-unet configs/train_unet.yaml ranks=2 epochs=40
      hpcvox train-unet initial=runs/unet vae=runs/vae out=runs/finetuned_unet epochs=5
      sbatch slurm/train_unet.sh epochs=40
    """

    network = "unet"
    takes = ("initial", "vae")

    out: RunFolder = Path("runs/unet")
    model: UNetSettings = Field(UNetSettings(), description="shape of the network")
    class_weights: bool = Field(
        True, description="weigh elements inversely to their voxels in the training set"
    )
    species_weight: float = Field(
        0.3, gt=0, description="weight of the element loss beside the mask's (the paper's: 1)"
    )
    species_voxels: int = Field(
        1024, ge=0, description="occupied voxels a sample drawn for the element loss each step; 0: all"
    )
    initial: Path | None = Field(
        None, description="run folder of a UNet of this shape, whose weights this one starts from; null: none"
    )
    vae: Path | None = Field(
        None,
        description="run folder of a VAE: each sample is learnt as it is and as this one decodes it; null: as it "
        "is",
    )
