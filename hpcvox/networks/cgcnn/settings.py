"""Settings of the CGCNN."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from hpcvox.config import Settings
from hpcvox.training.folder.shipped import trained_by
from hpcvox.training.settings import BatchSize, RunFolder, TrainSettings


class CGCNNSettings(Settings):
    """The shape of the network; the defaults are the paper's."""

    atom_features: int = Field(64, ge=1, description="number of features of a site")
    convolutions: int = Field(
        1, ge=0, le=100, description="graph convolutions; each reaches one neighbour farther"
    )
    hidden: int = Field(128, ge=1, description="width of the dense layer after the pooling")
    radius: float = Field(
        8.0, gt=0, le=100, description="Å; a distance is expanded in Gaussians centred from 0 to this"
    )
    step: float = Field(0.2, ge=0.001, description="Å; distance from one Gaussian's centre to the next")
    width: float = Field(0.2, gt=0, description="Å; a Gaussian is exp(-(d - centre)²/width²)")


class TrainCGCNNSettings(TrainSettings):
    """hpcvox train-cgcnn: train a CGCNN to predict a property of crystals from their graphs of nearest neighbours.

    CGCNN (Xie and Grossman 2018) as in Court et al. 2020; one network predicts one property.
    configs/train_cgcnn_paper.yaml has their optimizer without a schedule.  Trained on 36,460 inorganic crystals, the
    last example below has a mean error of 0.051 eV/atom on held-out crystals, the paper's network 0.100.  Graphs made
    with symprec=0.01 make the training three times as fast.

    Examples:
      hpcvox train-cgcnn target=formation_energy_per_atom_eV out=runs/cgcnn
      hpcvox train-cgcnn target=bulk_modulus_GPa log=true initial=runs/cgcnn out=runs/bulk_modulus
      sbatch slurm/train_cgcnn.sh target=band_gap_eV initial=runs/cgcnn out=runs/band_gap
      hpcvox train-cgcnn shards=runs/graphs model.convolutions=4 loss=absolute epochs=60 \\
        batch_size=128 learning_rate=2e-3 warmup_steps=500 ema=0.999 precision=bfloat16
    """

    network = "cgcnn"
    takes = ("initial",)

    shards: Path = Field(
        Path("runs/graphs"), description="shard set of graphs (see: configs/featurize_graph.yaml)"
    )
    out: RunFolder = Path("runs/cgcnn")
    batch_size: BatchSize = 256
    target: str = Field(
        "formation_energy", description="property to learn; crystals without a value of it are left out"
    )
    log: bool = Field(
        False,
        description="learn the logarithm (base 10) of the target, which must be positive: for moduli and "
        "dielectric constants",
    )
    loss: Literal["squared", "absolute"] = Field(
        "squared",
        description="which mean error the training minimises: squared, or absolute, on which outliers weigh less",
    )
    initial: Annotated[Path | None, trained_by("train-cgcnn")] = Field(
        None,
        description="run folder of another property's CGCNN with the same shape (hidden may differ); the training "
        "starts from its weights, except those of its two dense layers; null: start from random weights",
    )
    model: CGCNNSettings = Field(CGCNNSettings(), description="shape of the network")
