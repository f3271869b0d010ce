"""The card of the network of R3DVS."""

from typing import Annotated

from annotated_types import Ge, Gt, Le
from pydantic import model_validator

from hpcvox.training.folder.card import Card, Positive


class R3DVSCard(Card):
    """What it says of itself beside its weights."""

    channels: Positive
    voxels: Annotated[int, Ge(1), Le(1024)]
    outputs: Positive
    scale: list[Annotated[float, Gt(0)]]

    @model_validator(mode="after")
    def _scaled(self) -> "R3DVSCard":
        if len(self.scale) != self.channels:
            raise ValueError(f"scale has {len(self.scale)} numbers, and there are {self.channels} channels")
        return self
