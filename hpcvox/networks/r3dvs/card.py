"""The card of the network of R3DVS."""

from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le
from pydantic import model_validator

from hpcvox.networks.r3dvs.settings import VoxelCNNSettings
from hpcvox.training.folder.card import Card, Positive


class R3DVSCard(Card):
    """What it says of itself."""

    task: Literal["r3dvs"] = "r3dvs"
    model: VoxelCNNSettings
    channels: Positive
    voxels: Annotated[int, Ge(1), Le(1024)]
    """Along an edge."""
    outputs: Positive
    scale: list[Annotated[float, Gt(0)]]
    """How large amplitudes of each channel are, in the field's unit."""
    resolution: float
    """δL* of the shard set in Å."""
    length: float
    """L* in Å."""
    mean: bool
    """Whether the field's mean is at the cube's centre."""
    replicas: int
    """Turns of each sample that it was trained on."""
    judged: Literal["original", "turned"]
    of: Literal["regression", "rotation"]
    """What it was trained to tell: a target, or which crystal it is."""
    classes: list[str] | None = None
    """Ids of the crystals that it tells apart."""
    target: str | None = None
    target_mean: float | None = None
    """Of the target in the training set, in its unit."""
    target_std: float | None = None
    """Its standard deviation there."""

    @model_validator(mode="after")
    def _scaled(self) -> "R3DVSCard":
        if len(self.scale) != self.channels:
            raise ValueError(f"scale has {len(self.scale)} numbers, and there are {self.channels} channels")
        return self
