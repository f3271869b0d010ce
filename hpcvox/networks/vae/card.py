"""The cards of the VAE and of its prior."""

from typing import Annotated, Any, Literal

from annotated_types import Ge
from pydantic import Field, model_validator

from hpcvox.networks.maps import MapsCard
from hpcvox.networks.vae.settings import VAESettings
from hpcvox.training.folder.beside import BesideCard
from hpcvox.training.folder.card import Positive

EXAMPLES = "examples.npz"
"""Densities of held-out crystals before and after."""

PRIOR = "prior.safetensors"
"""A Gaussian for each condition, fitted to the latent points of the training samples."""

FLOW = "flow.safetensors"
"""A flow from noise to the latent points of the training samples."""


class VAECard(MapsCard):
    """What it says of itself."""

    task: Literal["vae"] = "vae"
    model: VAESettings
    descriptor: dict[str, Any] = Field(default_factory=dict)
    """Settings of the shard set; nothing in cards of before they were kept."""
    condition: str | None
    """The target whose bins condition it; None: none."""
    edges: list[float]
    """Of the bins, one more than these, in the target's unit."""
    conditions: Positive
    unet: str | None = None
    """Run folder of the UNet whose features its loss compared."""
    initial: str | None = None
    """Run folder of the network that it started from."""

    @model_validator(mode="after")
    def _bins(self) -> "VAECard":
        if len(self.edges) != self.conditions + 1 or sorted(self.edges) != self.edges:
            raise ValueError(
                f"edges are not {self.conditions + 1} numbers that rise, of {self.conditions} conditions"
            )
        return self

    @classmethod
    def of_before(cls, tree: dict[str, Any]) -> dict[str, Any]:
        """As :meth:`Card.of_before`; cards of before these were settings of the model do not have them."""
        card, model = super().of_before(tree), tree.get("model")
        if isinstance(model, dict):
            card["model"] = {"elements": 0, "naming": 0, "cell": "maps"} | model
        return card


class PriorCard(BesideCard):
    """What a prior says of itself."""

    samples: list[Annotated[int, Ge(0)]]
    """Training samples of each condition."""
    pooled: list[Annotated[int, Ge(0)]]
    """Conditions that have the Gaussian of all samples."""
