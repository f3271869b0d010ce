"""Settings of the UNet."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from hpcvox.config import Settings
from hpcvox.networks.settings import Classes, Padding, Pair, Patch, VoxelSettings
from hpcvox.terminal import counted
from hpcvox.training.folder.shipped import trained_by
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
        ((16, 16), (32, 64)), description="filters of the two convolutions of each level on the way down"
    )
    bottom: Pair = Field((128, 128), description="filters of the two lowest convolutions")
    up: tuple[Pair, ...] = Field(((32, 32), (16, 16)), description="filters of each level on the way up")
    features: int = Field(16, ge=1, description="channels of each voxel before the two heads, if patch > 1")
    stencils: tuple[int, ...] = Field(
        (1, 3), description="the element head also sees the density in 3³ stencils of these dilations"
    )
    head: tuple[int, ...] = Field((128, 128), description="widths of the element head's hidden layers")
    classes: Classes = 95

    def misfit(self, voxels: int, prefix: str = "") -> str:
        """Why the network cannot take maps of ``voxels``³, and what to set instead; empty if it can.

        Args:
            prefix: stands before the keys of the settings.
        """
        levels = len(self.down)
        if levels != len(self.up):
            return f"{prefix}up: it has {counted(len(self.up), 'level')}, and {prefix}down {levels}: give as many"
        step = self.patch * 2**levels
        beyond = voxels % step
        if not beyond:
            return ""
        made = " or ".join(f"voxels={size}" for size in (voxels - beyond, voxels - beyond + step) if size)
        size, left = divmod(voxels, self.patch)
        most = 0 if left else (size & -size).bit_length() - 1
        fewer = f", or give {prefix}down and {prefix}up {counted(most, 'level')} at most" if most else ""
        return (
            f"{prefix}down: {counted(levels, 'level')} and patches of {self.patch}³ take a multiple of {step} voxels "
            f"along each edge, but the maps have {voxels}³: featurize with {made}{fewer}"
        )


class TrainUNetSettings(VoxelSettings):
    """hpcvox train-unet: train a network that names the element of every voxel (Court et al. 2020).

    The default network is small (1.2 M weights); configs/train_unet_paper.yaml is the paper's (31 M).

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
        True, description="weight each element by the inverse of its number of voxels in the training set"
    )
    species_weight: float = Field(
        0.3, gt=0, description="weight of the element loss relative to the mask's (in the paper: 1)"
    )
    species_voxels: int = Field(
        1024, ge=0, description="occupied voxels of each sample drawn for the element loss in a step; 0: all"
    )
    initial: Annotated[Path | None, trained_by("train-unet", comes=False)] = Field(
        None,
        description="run folder of a UNet of this shape; start from its weights; null: from random weights",
    )
    vae: Path | None = Field(
        None,
        description="run folder of a VAE: learn each sample twice, as it is and as the VAE decodes it; null: only as "
        "it is",
    )
