"""The cards of the VAE and of its prior."""

from typing import Annotated, Any, Literal

from annotated_types import Ge
from pydantic import Field, model_validator

from hpcvox.networks.maps import MapsCard
from hpcvox.networks.vae.settings import VAESettings
from hpcvox.training.folder.beside import BesideCard
from hpcvox.training.folder.card import Positive

EXAMPLES = "examples.npz"
"""File with densities of held-out crystals, true and reconstructed."""

PRIOR = "prior.safetensors"
"""File with the prior: a Gaussian for each condition, fitted to the latent points of the training samples."""

FLOW = "flow.safetensors"
"""File with the flow from noise to the latent points of the training samples."""


class VAECard(MapsCard):
    """The fields of a VAE's card."""

    task: Literal["vae"] = "vae"
    model: VAESettings
    descriptor: dict[str, Any] = Field(default_factory=dict)
    """Settings of the shard set; empty in cards of older versions, which did not keep them."""
    condition: str | None
    """The target whose bins condition the network; None if it has no condition."""
    edges: list[float]
    """Edges of the bins, one more than there are bins, in the target's unit."""
    conditions: Positive
    unet: str | None = None
    """Run folder of the UNet whose features the loss compared."""
    initial: str | None = None
    """Run folder of the network whose weights the training started from."""

    @model_validator(mode="after")
    def _bins(self) -> "VAECard":
        if len(self.edges) != self.conditions + 1 or sorted(self.edges) != self.edges:
            raise ValueError(
                f"edges are not {self.conditions + 1} rising numbers, as {self.conditions} conditions need"
            )
        return self

    @classmethod
    def of_before(cls, tree: dict[str, Any]) -> dict[str, Any]:
        """As :meth:`Card.of_before`; adds settings of the model that cards of older versions lack."""
        card, model = super().of_before(tree), tree.get("model")
        if isinstance(model, dict):
            card["model"] = {"elements": 0, "naming": 0, "cell": "maps"} | model
        return card


class PriorCard(BesideCard):
    """The fields of a prior's card."""

    samples: list[Annotated[int, Ge(0)]]
    """Number of training samples of each condition."""
    pooled: list[Annotated[int, Ge(0)]]
    """Conditions with too few samples, which have the Gaussian of all samples."""
