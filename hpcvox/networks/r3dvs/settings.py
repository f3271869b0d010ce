"""Settings of the network of R3DVS."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from hpcvox.config import Settings
from hpcvox.training.settings import BatchSize, RunFolder, TrainSettings


class VoxelCNNSettings(Settings):
    """The shape of the network.  The paper's widths are not known; these are of a public re-implementation."""

    inputs: Literal["raw", "scaled"] = Field(
        "scaled",
        description="raw: amplitudes as they are; scaled: the logarithm of what they are above their typical size",
    )
    padding: Literal["zeros", "none"] = Field(
        "zeros",
        description="zeros: convolutions see zeros beyond a face; none: each takes a voxel from every face",
    )
    filters: tuple[int, ...] = Field(
        (16, 16, 16), min_length=1, description="of the convolutions; each level halves the grid"
    )
    dense: tuple[int, ...] = Field(
        (32, 8), description="widths of the fully connected layers before the outputs"
    )


class TrainR3DVSSettings(TrainSettings):
    """hpcvox train-r3dvs: the voxel network of R3DVS (Kajita et al. 2017), on spots turned at random as they are read.

    The shard set is one that configs/featurize_r3dvs.yaml writes.  The paper's widths are not known; those here are
    of a public re-implementation.

    Examples:
      hpcvox train-r3dvs configs/train_r3dvs.yaml shards=runs/spots target=my_energy
      hpcvox train-r3dvs configs/train_r3dvs.yaml shards=runs/spots task=rotation epochs=40
      sbatch slurm/train_r3dvs.sh shards=runs/spots
    """

    network = "r3dvs"

    out: RunFolder = Path("runs/r3dvs")
    batch_size: BatchSize = 64
    held_out_fraction: float = Field(
        0.2, gt=0, lt=1, description="share of the materials never trained on; task=rotation holds out none"
    )
    model: VoxelCNNSettings = Field(VoxelCNNSettings(), description="shape of the network")
    task: Literal["regression", "rotation"] = Field(
        "regression",
        description="regression: learn the target of samples, and be asked for that of materials never seen; "
        "rotation: tell crystals apart, each turned at random, and be asked about them as they are "
        "(the paper's experiment 1)",
    )
    target: str = Field("formation_energy", description="of task=regression: the target that is learnt")
    crystals: int = Field(50, ge=2, description="of task=rotation: crystals to tell apart, drawn by seed")
    replicas: int = Field(30, ge=1, description="turns of each sample, at random; an epoch shows all of them")
    judged: Literal["original", "turned"] = Field(
        "original",
        description="original: a crystal is held out as it is, the paper's way; turned: in one more turn that no "
        "training saw, which is the easier question where crystals lie along the axes",
    )
    length: float = Field(
        12.8,
        gt=0,
        description="L*, Å; voxels are 2π/L* apart, n = L*/δL* a side, where δL* is the resolution of the shard "
        "set",
    )
    mean: bool = Field(True, description="put the field's mean at the cube's centre")
