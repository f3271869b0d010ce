"""Settings of the VAE."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from hpcvox.config import Settings
from hpcvox.networks.settings import Classes, Padding, Patch, VoxelSettings
from hpcvox.training.settings import RunFolder


class VAESettings(Settings):
    """The shape of the VAE.  The paper's: patch 1, encoder 16 32 64 128, bottleneck 4, seed 4, no elements, no naming,
    cell from maps."""

    patch: Patch = 2
    inputs: Literal["raw", "scaled"] = Field(
        "scaled",
        description="raw: e/Å³ and Å as they are; scaled: standardised on the way in and back on the way out",
    )
    padding: Padding = "periodic"
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
        description="features of a patch by which the decoder names elements; 0: a UNet has to name them",
    )
    classes: Classes = 99
    cell: Literal["maps", "lattice"] = Field(
        "lattice",
        description="what the coordinates come from: maps that are decoded as the density is, or a decoded lattice, "
        "whose lengths are always positive",
    )


class TrainVAESettings(VoxelSettings):
    """hpcvox train-vae: densities to a normal latent and back, given the decile of a property (Court et al. 2020).

    The network here is lean; the one of the paper is configs/train_vae_paper.yaml.

    Examples:
      hpcvox train-vae configs/train_vae.yaml condition=formation_energy_per_atom_eV
      sbatch slurm/train_vae.sh epochs=40
    """

    network = "vae"
    takes = ("unet", "initial")

    out: RunFolder = Path("runs/vae")
    unet: Path | None = Field(
        None, description="run folder of a UNet whose features the loss compares, too (DFC); null: not"
    )
    initial: Path | None = Field(
        None, description="run folder of a VAE of this shape, whose weights this one starts from"
    )
    model: VAESettings = Field(VAESettings(), description="shape of the network")
    condition: str | None = Field(
        "formation_energy",
        description="target whose bins condition the network; null: none, and one bin for all",
    )
    bins: int = Field(
        10,
        ge=0,
        description="quantile bins of the condition; 0: one for each value of a target that numbers classes",
    )
    alpha: float = Field(
        0.03,
        ge=0,
        description="weight of the deep-feature-consistent loss, where there is a unet; the paper's is 1, with "
        "which here the deep features drown the error of the maps themselves",
    )
    naming_weight: float = Field(
        0.3, gt=0, description="weight of the losses of a decoder that names elements and occupied voxels"
    )
    beta: float = Field(
        5e-4, ge=0, description="weight of the Kullback-Leibler divergence, summed over the latent"
    )
    flow_steps: int = Field(
        3000,
        ge=0,
        description="steps in which a flow learns at the end where 400 training crystals or more lie in the latent "
        "space; 0: none",
    )
    examples: int = Field(8, ge=0, description="held-out crystals written to examples.npz before and after")
