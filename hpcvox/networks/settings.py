"""Settings that several networks have in common."""

from typing import Annotated, Literal

from annotated_types import Len
from pydantic import Field

from hpcvox.training.settings import TrainSettings

Pair = Annotated[tuple[int, ...], Len(2, 2)]
"""The numbers of filters of two convolutions, one after the other."""

Padding = Annotated[
    Literal["zeros", "periodic"],
    Field(description="what convolutions see beyond a face: zeros, or (periodic) the opposite face"),
]

Patch = Annotated[Literal[1, 2, 4], Field(description="voxels a side that are folded into channels first")]

Classes = Annotated[int, Field(ge=2, description="atomic numbers that can be told apart, 0 = background")]


class VoxelSettings(TrainSettings):
    """Settings of all trainings on density voxels."""

    augment: bool = Field(
        True, description="rotate each sample by one of the 24 rotations of the cube, another one each epoch"
    )
