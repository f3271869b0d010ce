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

Patch = Annotated[
    Literal[1, 2, 4], Field(description="edge, in voxels, of the patches that become channels first")
]

Classes = Annotated[
    int, Field(ge=2, description="number of classes: atomic numbers from 0, which is background")
]


class VoxelSettings(TrainSettings):
    """Settings of all trainings on density voxels."""

    augment: bool = Field(
        True, description="rotate each sample by one of the 24 rotations of the cube, another one each epoch"
    )
