"""Settings of the network of R3DVS."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from hpcvox.config import Settings
from hpcvox.training.settings import BatchSize, RunFolder, TrainSettings


class VoxelCNNSettings(Settings):
    """The shape of the network.  The paper does not give its widths; these are of a public re-implementation."""

    inputs: Literal["raw", "scaled"] = Field(
        "scaled",
        description="raw: amplitudes as they are; scaled: divided by their typical size and compressed by a logarithm",
    )
    padding: Literal["zeros", "none"] = Field(
        "zeros",
        description="zeros: convolutions see zeros beyond a face; none: each convolution removes a voxel at every face",
    )
    filters: tuple[int, ...] = Field(
        (16, 16, 16), min_length=1, description="filters of the convolutions; each level halves the grid"
    )
    dense: tuple[int, ...] = Field(
        (32, 8), description="widths of the fully connected layers before the outputs"
    )


class TrainR3DVSSettings(TrainSettings):
    """hpcvox train-r3dvs: train the voxel network of R3DVS (Kajita et al. 2017) on randomly rotated crystals.

    configs/featurize_r3dvs.yaml makes the shard set; a training rotates its spots when it reads them.  The paper does
    not give the widths of its network; those here are of a public re-implementation.

    Examples:
      hpcvox train-r3dvs configs/train_r3dvs.yaml shards=runs/spots target=my_energy
      hpcvox train-r3dvs configs/train_r3dvs.yaml shards=runs/spots task=rotation epochs=40
      sbatch slurm/train_r3dvs.sh shards=runs/spots
    """

    network = "r3dvs"

    out: RunFolder = Path("runs/r3dvs")
    batch_size: BatchSize = 64
    held_out_fraction: float = Field(
        0.2,
        gt=0,
        lt=1,
        description="share of the materials to hold out of training; task=rotation holds out none",
    )
    model: VoxelCNNSettings = Field(VoxelCNNSettings(), description="shape of the network")
    task: Literal["regression", "rotation"] = Field(
        "regression",
        description="regression: learn the target, and test it on held-out materials; rotation: learn to recognise "
        "each crystal in random rotations, and test it on the unrotated crystals (the paper's experiment 1)",
    )
    target: str = Field("formation_energy", description="with task=regression: the target to learn")
    crystals: int = Field(
        50, ge=2, description="with task=rotation: number of crystals to recognise, drawn by seed"
    )
    replicas: int = Field(30, ge=1, description="random rotations of each sample; an epoch shows all of them")
    judged: Literal["original", "turned"] = Field(
        "original",
        description="original: test on the unrotated crystals, as in the paper; turned: test on one more random "
        "rotation that the training has not seen, which is easier if crystals lie along the axes",
    )
    length: float = Field(
        12.8,
        gt=0,
        description="L*, Å; voxels are 2π/L* apart, n = L*/δL* along each edge; δL* is the resolution of the shard "
        "set",
    )
    mean: bool = Field(True, description="put the mean of the field at the centre of the cube")
