"""Settings of the network of diffraction fingerprints."""

from pathlib import Path

from pydantic import Field

from hpcvox.config import Settings
from hpcvox.networks.settings import Pair
from hpcvox.training.settings import BatchSize, Epochs, RunFolder, TrainSettings


class ConvNetSettings(Settings):
    """The shape of the network; the defaults are the paper's."""

    filters: tuple[Pair, ...] = Field(
        ((32, 32), (16, 16), (8, 8)),
        min_length=1,
        description="filters of the two convolutions of each level; between levels the image is halved",
    )
    kernel: int = Field(7, ge=1, description="pixels along an edge of a convolution's kernel, odd")
    dropout: float = Field(
        0.25, ge=0, lt=1, description="share of the features that dropout removes in training"
    )
    dense: int = Field(128, ge=1, description="width of the fully connected layer")


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
    """hpcvox train-fingerprint: train a network to classify crystals by their diffraction fingerprints.

    The network is that of Ziletti et al. 2018, with 365,719 parameters.  configs/featurize_diffraction.yaml makes the
    shard set.

    Examples:
      hpcvox train-fingerprint configs/train_fingerprint.yaml shards=runs/fingerprints
      hpcvox train-fingerprint configs/train_fingerprint.yaml target=kind 'classes={layered: [1], framework: [2, 3]}'
      sbatch slurm/train_fingerprint.sh shards=runs/fingerprints
    """

    network = "fingerprint"

    out: RunFolder = Path("runs/fingerprint")
    epochs: Epochs = 5
    batch_size: BatchSize = 32
    model: ConvNetSettings = Field(ConvNetSettings(), description="shape of the network")
    speckle: float = Field(
        0.0,
        ge=0,
        le=4,
        description="contrast of the random speckle of the training's fingerprints: each pixel is multiplied by a "
        "gamma-distributed number of mean 1 and this standard deviation, anew in each epoch; 1: that of laser light, "
        "with which perfect crystals teach the network to name defective ones; 0: none, as in the paper",
    )
    target: str = Field("space_group", description="the target whose values decide the class")
    classes: dict[str, list[int]] = Field(
        SPACE_GROUPS,
        min_length=2,
        description="classes: the name of each and the values of the target that belong to it; samples of other "
        "values are left out",
    )
