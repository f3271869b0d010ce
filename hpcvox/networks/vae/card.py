"""The card of the VAE."""

from typing import Annotated

from annotated_types import Ge, Lt
from pydantic import model_validator

from hpcvox.networks.maps import MapsCard
from hpcvox.training.folder.card import Positive

EXAMPLES = "examples.npz"
"""Densities of held-out crystals before and after."""

PRIOR = "prior.safetensors"
"""A Gaussian for each condition, fitted to the latent points of the training samples."""

FLOW = "flow.safetensors"
"""A flow from noise to the latent points of the training samples."""


class VAECard(MapsCard):
    """What it says of itself beside its weights."""

    condition: str | None
    """The target; None: none."""
    conditions: Positive
    edges: list[float]
    shards: str
    seed: Annotated[int, Ge(0)]
    held_out_fraction: Annotated[float, Ge(0), Lt(1)]

    @model_validator(mode="after")
    def _bins(self) -> "VAECard":
        if len(self.edges) != self.conditions + 1 or sorted(self.edges) != self.edges:
            raise ValueError(
                f"edges are not {self.conditions + 1} numbers that rise, of {self.conditions} conditions"
            )
        return self
