"""Settings of the CGCNN."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from hpcvox.config import Settings
from hpcvox.training.settings import TrainSettings


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


class TrainCGCNNSettings(TrainSettings):
    """``train-cgcnn``: graph of a crystal → a property."""

    network = "cgcnn"
    takes = ("initial",)

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
