"""Settings of the trainings."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from hpcvox.config import Settings
from hpcvox.models.settings import CGCNNSettings, ConvNetSettings, UNetSettings, VAESettings, VoxelCNNSettings


class TrainSettings(Settings):
    """What every training has in common."""

    shards: Path = Field(Path("runs/shards"), description="shard set to train on (see: hpcvox featurize)")
    out: Path = Field(Path("runs/train"), description="run folder: checkpoints, metrics, the model")
    epochs: int = Field(20, ge=1, description="passes over the training samples")
    batch_size: int = Field(16, ge=1, description="samples a rank and step; N ranks see N times as many")
    accumulate: int = Field(1, ge=1, description="batches of a rank whose gradients make one step")
    learning_rate: float = Field(1e-3, gt=0, description="of Adam")
    scale_learning_rate: Literal["none", "linear", "sqrt"] = Field(
        "none", description="multiply it by the number of ranks and of accumulated batches, or its root"
    )
    schedule: Literal["constant", "cosine"] = Field("cosine", description="learning rate over the run")
    warmup_steps: int = Field(20, ge=0, description="steps over which the learning rate rises from 0")
    clip_norm: float = Field(1.0, ge=0, description="greatest norm of the gradient; 0 = no limit")
    precision: Literal["float32", "bfloat16"] = Field(
        "float32", description="of the network's products; weights and sums stay float32"
    )
    ema: float = Field(
        0, ge=0, lt=1, description="decay of the mean of the weights that is evaluated and kept; 0 = no mean"
    )
    patience: int = Field(
        0, ge=0, description="epochs without a lower held-out loss after which a run ends; 0 = any number"
    )
    held_out_fraction: float = Field(0.2, gt=0, lt=1, description="share of the materials never trained on")
    batch_statistics: Literal["rank", "global"] = Field(
        "rank", description="BatchNorm normalises by the batch of its rank, or of all ranks (slower, exact)"
    )
    seed: int = Field(0, ge=0, description="of the split, the weights, the order and the augmentation")
    ranks: int = Field(
        1, ge=1, description="processes to launch here; inside a launcher's ranks it is ignored"
    )
    backend: Literal["auto", "horovod", "torch"] = Field(
        "auto",
        description="what joins the ranks; auto: Horovod where it is installed, else torch.distributed",
    )
    compression: Literal["none", "float16"] = Field("none", description="of gradients between ranks")
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="cuda: a GPU a rank; auto: so where every rank has one of its own, else CPUs"
    )
    stall_s: float = Field(
        600, gt=0, description="seconds that a rank may keep the others waiting before all of them end"
    )
    threads: int = Field(0, ge=0, description="threads a rank; 0 = the CPUs at hand shared by the ranks")
    checkpoint_steps: int = Field(0, ge=0, description="steps between checkpoints; 0 = one an epoch")
    keep_checkpoints: int = Field(2, ge=1, description="latest checkpoints that are kept")


class VoxelSettings(TrainSettings):
    """Of the trainings on density voxels."""

    augment: bool = Field(
        True, description="turn each sample by one of the cube's 24 rotations, another each epoch"
    )


class TrainUNetSettings(VoxelSettings):
    """``train-unet``: density and coordinates → element of every voxel."""

    out: Path = Field(Path("runs/unet"), description="run folder: checkpoints, metrics, the model")
    model: UNetSettings = Field(UNetSettings(), description="shape of the network")
    class_weights: bool = Field(
        True, description="weigh elements inversely to their voxels in the training set"
    )
    species_weight: float = Field(
        0.3, gt=0, description="weight of the element loss beside the mask's (the paper's: 1)"
    )
    species_voxels: int = Field(
        1024, ge=0, description="occupied voxels a sample drawn for the element loss each step; 0 = all"
    )
    initial: Path | None = Field(
        None, description="run folder of a UNet of this shape, whose weights this one starts from"
    )
    vae: Path | None = Field(
        None, description="run folder of a VAE: each sample is learnt as it is and as this one decodes it"
    )


class TrainVAESettings(VoxelSettings):
    """``train-vae``: density and coordinates → latent → density and coordinates, given a decile."""

    out: Path = Field(Path("runs/vae"), description="run folder: checkpoints, metrics, the model")
    unet: Path | None = Field(
        None, description="run folder of a UNet whose features the loss compares, too (DFC); null: not"
    )
    initial: Path | None = Field(
        None, description="run folder of a VAE of this shape, whose weights this one starts from"
    )
    model: VAESettings = Field(VAESettings(), description="shape of the network")
    condition: str = Field("formation_energy", description="target whose bins condition the network")
    bins: int = Field(
        10,
        ge=0,
        description="quantile bins of the condition; 0: one for each value of a target that numbers classes",
    )
    alpha: float = Field(
        0.03, ge=0, description="weight of the deep-feature-consistent loss; the paper's is 1"
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
        description="steps in which a flow learns at the end where 1,000 training crystals or more lie in the latent "
        "space; 0: none",
    )
    examples: int = Field(8, ge=0, description="held-out crystals written to examples.npz before and after")


class TrainCGCNNSettings(TrainSettings):
    """``train-cgcnn``: graph of a crystal → a property."""

    shards: Path = Field(
        Path("runs/graphs"), description="shard set of graphs (see: configs/featurize_graph.yaml)"
    )
    out: Path = Field(Path("runs/cgcnn"), description="run folder: checkpoints, metrics, the model")
    batch_size: int = Field(256, ge=1, description="samples a rank and step; N ranks see N times as many")
    target: str = Field("formation_energy", description="property to learn; crystals without it are left out")
    log: bool = Field(False, description="learn log10 of the target, which must be positive (moduli)")
    loss: Literal["squared", "absolute"] = Field(
        "squared", description="error whose mean is made small; the absolute one minds outliers less"
    )
    initial: Path | None = Field(
        None, description="run folder of another property's CGCNN, whose features this one starts from"
    )
    model: CGCNNSettings = Field(CGCNNSettings(), description="shape of the network")


class TrainR3DVSSettings(TrainSettings):
    """``train-r3dvs``: rotated R3DVS → a target, or which of some crystals it is."""

    out: Path = Field(Path("runs/r3dvs"), description="run folder: checkpoints, metrics, the model")
    batch_size: int = Field(64, ge=1, description="samples a rank and step; N ranks see N times as many")
    held_out_fraction: float = Field(
        0.2, gt=0, lt=1, description="share of the materials never trained on; task=rotation holds out none"
    )
    model: VoxelCNNSettings = Field(VoxelCNNSettings(), description="shape of the network")
    task: Literal["regression", "rotation"] = Field(
        "regression", description="learn a target; or tell crystals apart, each turned, and be asked as it is"
    )
    target: str = Field("formation_energy", description="of task=regression: the target that is learnt")
    crystals: int = Field(50, ge=2, description="of task=rotation: crystals to tell apart, drawn by seed")
    replicas: int = Field(30, ge=1, description="turns of each sample, at random; an epoch shows all of them")
    judged: Literal["original", "turned"] = Field(
        "original", description="held out is a crystal as it is, or in one more turn that no training saw"
    )
    length: float = Field(
        12.8, gt=0, description="L*, Å; voxels are 2π/L* apart, the set's δL* goes into it n times"
    )
    mean: bool = Field(True, description="put the field's mean at the cube's centre")


SPACE_GROUPS = {
    "bct 139": [139],
    "bct 141": [141],
    "hex/rh": [166, 194],
    "sc": [221],
    "fcc": [225],
    "diam": [227],
    "bcc": [229],
}
"""The classes of Ziletti et al. 2018; rh and hex have the same fingerprint."""


class TrainFingerprintSettings(TrainSettings):
    """``train-fingerprint``: diffraction fingerprint → class."""

    out: Path = Field(Path("runs/fingerprint"), description="run folder: checkpoints, metrics, the model")
    epochs: int = Field(5, ge=1, description="passes over the training samples")
    batch_size: int = Field(32, ge=1, description="samples a rank and step; N ranks see N times as many")
    model: ConvNetSettings = Field(ConvNetSettings(), description="shape of the network")
    target: str = Field("space_group", description="the target whose values say the class")
    classes: dict[str, list[int]] = Field(
        SPACE_GROUPS, min_length=2, description="classes: each a name and the values of the target it has"
    )
