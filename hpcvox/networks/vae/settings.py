"""Settings of the VAE."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, field_validator

from hpcvox.config import Settings
from hpcvox.networks.settings import Classes, Padding, Patch, VoxelSettings
from hpcvox.terminal import counted
from hpcvox.training.folder.shipped import trained_by
from hpcvox.training.settings import RunFolder

SEED_SIZE: Final = 4
"""Edge of the decoder's first grid, which doubles after each level but the last."""


class VAESettings(Settings):
    """The shape of the VAE.

    The paper's has patch 1, encoder 16 32 64 128, bottleneck 4, seed_channels 4, elements 0, naming 0, cell maps.
    """

    patch: Patch = 2
    inputs: Literal["raw", "scaled"] = Field(
        "scaled",
        description="raw: e/Å³ and Å as they are; scaled: standardised inputs, and outputs scaled back",
    )
    padding: Padding = "periodic"
    encoder: tuple[int, ...] = Field(
        (32, 64, 128), description="filters of each level, which halves the grid"
    )
    bottleneck: int = Field(32, ge=1, description="filters of the encoder's last convolution")
    hidden: int = Field(256, ge=1, description="width of the dense layers before and after the latent space")
    latent: int = Field(256, ge=1, description="dimensions of the latent space")
    seed_channels: int = Field(16, ge=1, description="channels of the decoder's first 4³ grid")
    decoder: tuple[int, ...] = Field(
        (128, 64, 32), description="filters of each level; the grid doubles after each level but the last"
    )
    elements: int = Field(
        16, ge=0, description="width of the embedding of each ion's element for the encoder; 0: density alone"
    )
    naming: int = Field(
        96,
        ge=0,
        description="features of a patch from which the decoder names elements; 0: it names none, a UNet has to",
    )
    classes: Classes = 99
    cell: Literal["maps", "lattice"] = Field(
        "lattice",
        description="how coordinates are decoded: maps, voxel by voxel like the density; lattice, from a decoded "
        "cell, whose lengths are always positive",
    )

    def misfit(self, voxels: int, prefix: str = "") -> str:
        """Why the network cannot take maps of ``voxels``³, and what to set instead; empty if it can.

        Args:
            prefix: stands before the keys of the settings.
        """
        levels, size = len(self.decoder), voxels // self.patch
        made = SEED_SIZE * self.patch * 2**levels // 2
        if made != voxels:
            fitting = (size // SEED_SIZE).bit_length()
            some = [*self.decoder, *self.decoder[-1:] * fitting][:fitting]
            fits = some and SEED_SIZE * self.patch * 2**fitting // 2 == voxels
            advice = f"set {prefix}decoder={json.dumps(some, separators=(',', ':'))}, or " if fits else ""
            make = f"featurize with voxels={made}" if levels else "give it levels"
            return (
                f"{prefix}decoder: {counted(levels, 'level makes', 'levels make')} {made}³ voxels with patches of "
                f"{self.patch}³, but the maps have {voxels}³: {advice}{make}"
            )
        if not size >> len(self.encoder):
            return (
                f"{prefix}encoder: each of {counted(len(self.encoder), 'level')} halves {size}³ patches, which leaves "
                f"nothing: give {counted(size.bit_length() - 1, 'level')} at most"
            )
        return ""


class TrainVAESettings(VoxelSettings):
    """hpcvox train-vae: train a VAE on densities, conditioned on the decile of a property (Court et al. 2020).

    The VAE encodes densities to a normal latent space and decodes them.  The default network is small;
    configs/train_vae_paper.yaml is the paper's.

    Examples:
      hpcvox train-vae configs/train_vae.yaml condition=formation_energy_per_atom_eV
      sbatch slurm/train_vae.sh epochs=40
    """

    network = "vae"
    takes = ("unet", "initial")

    out: RunFolder = Path("runs/vae")
    unet: Path | None = Field(
        None,
        description="run folder of a UNet; the loss also compares its features (DFC); null: no such loss",
    )
    initial: Annotated[Path | None, trained_by("train-vae")] = Field(
        None,
        description="run folder of a VAE of this shape; start from its weights; null: from random weights",
    )
    model: VAESettings = Field(VAESettings(), description="shape of the network")
    condition: str | None = Field(
        "formation_energy",
        description="target whose bins condition the network; null: no condition, one bin for all",
    )
    bins: int = Field(
        10,
        ge=0,
        description="number of quantile bins of the condition; 0: one bin for each value of a target that numbers "
        "classes",
    )
    edges: list[float] | None = Field(
        None,
        min_length=2,
        description="of the bins, one more than these, in the target's unit, and bins counts for nothing: those of "
        "initial, where its conditions are to go on meaning what they meant; null: by the training samples",
    )
    alpha: float = Field(
        0.03,
        ge=0,
        description="weight of the deep-feature-consistent (DFC) loss, if unet is set; with the paper's 1 this loss "
        "would be far greater here than the error of the maps themselves",
    )
    naming_weight: float = Field(
        0.3, gt=0, description="weight of the losses of elements and of occupied voxels, if naming is above 0"
    )
    beta: float = Field(
        5e-4, ge=0, description="weight of the Kullback-Leibler divergence, summed over the latent dimensions"
    )
    flow_steps: int = Field(
        3000,
        ge=0,
        description="steps in which, after the training, a flow learns where the training crystals lie in the latent "
        "space; it needs 400 of them; 0: no flow",
    )
    examples: int = Field(
        8, ge=0, description="held-out densities to write to examples.npz, with reconstructions"
    )

    @field_validator("edges")
    @classmethod
    def _rise(cls, edges: list[float] | None) -> list[float] | None:
        if edges is not None and any(low > high for low, high in pairwise(edges)):
            raise ValueError("they are to rise from the first to the last")
        return edges
