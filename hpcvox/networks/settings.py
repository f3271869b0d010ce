"""What the settings of several networks have in common."""

from typing import Annotated, Literal

from annotated_types import Len
from pydantic import Field

from hpcvox.training.settings import TrainSettings

Pair = Annotated[tuple[int, ...], Len(2, 2)]
"""Filters of two convolutions, one after the other."""

Padding = Literal["zeros", "periodic"]
"""What convolutions see beyond a face."""


class VoxelSettings(TrainSettings):
    """Of the trainings on density voxels."""

    augment: bool = Field(
        True, description="turn each sample by one of the cube's 24 rotations, another each epoch"
    )
