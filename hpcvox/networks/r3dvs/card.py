"""The card of the network of R3DVS."""

from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le
from pydantic import model_validator

from hpcvox.networks.r3dvs.settings import VoxelCNNSettings
from hpcvox.training.folder.card import Card, Positive


class R3DVSCard(Card):
    """The fields of the card."""

    task: Literal["r3dvs"] = "r3dvs"
    model: VoxelCNNSettings
    channels: Positive
    voxels: Annotated[int, Ge(1), Le(1024)]
    """Voxels along each edge of the cube."""
    outputs: Positive
    scale: list[Annotated[float, Gt(0)]]
    """Typical size of the amplitudes of each channel, in the field's unit."""
    resolution: float
    """δL* of the shard set in Å."""
    length: float
    """The setting ``length``: L* in Å."""
    mean: bool
    """Whether the field's mean is at the cube's centre."""
    replicas: int
    """Random rotations of each sample in the training."""
    judged: Literal["original", "turned"]
    of: Literal["regression", "rotation"]
    """What it was trained to predict: a target, or which crystal it sees."""
    classes: list[str] | None = None
    """Ids of the crystals that it can recognise."""
    target: str | None = None
    target_mean: float | None = None
    """Mean of the target in the training set, in its unit."""
    target_std: float | None = None
    """Standard deviation of the target in the training set, in its unit."""

    @model_validator(mode="after")
    def _scaled(self) -> "R3DVSCard":
        if len(self.scale) != self.channels:
            raise ValueError(f"scale has {len(self.scale)} numbers, and there are {self.channels} channels")
        return self
