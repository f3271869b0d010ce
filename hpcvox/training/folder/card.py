"""What a training leaves, by name, and what a trained model says of itself: the card beside its weights.

A run folder may come from elsewhere, so that nothing of a card is taken before it has its type and range.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

from annotated_types import Ge, Gt, Le, Len, Lt
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from hpcvox.descriptors.grids import BOXES
from hpcvox.errors import CheckpointError
from hpcvox.training.folder.shipped import located, names

WEIGHTS, CARD = "model.safetensors", "model.json"
METRICS = "metrics.jsonl"
"""Figures of every epoch."""

EXAMPLES = "examples.npz"
"""A VAE's: densities of held-out crystals before and after."""

PRIOR = "prior.safetensors"
"""A VAE's: a Gaussian for each condition, fitted to the latent points of the training samples."""

FLOW = "flow.safetensors"
"""A VAE's: a flow from noise to the latent points of the training samples."""

HELD_OUT = "held_out.csv"
"""A CGCNN's: what it says of held-out crystals."""

MAX_BYTES: Final = 16 * 1024 * 1024
"""No card is longer."""

DO: Final = (
    "copy the whole run folder again, or run its training again: it writes the weights and the card anew"
)

Positive = Annotated[int, Ge(1), Le(100_000)]
Element = Annotated[int, Ge(1), Le(118)]


class _Card(BaseModel):
    """What any model says of itself; keys that are not here are for people."""

    model_config = ConfigDict(extra="allow", strict=True, allow_inf_nan=False)

    model: dict[str, Any]
    hpcvox: str = ""
    weights: Annotated[int, Ge(0)] = 0
    checksum: str = ""
    shards: str = ""
    seed: Annotated[int, Ge(0)] = 0
    held_out_fraction: Annotated[float, Ge(0), Lt(1)] = 0.5
    epoch: Annotated[int, Ge(0)] = 0
    metrics: dict[str, Any] = {}
    descriptor: dict[str, Any] = {}


class _Maps(_Card):
    """Of a network of voxels."""

    grid: str
    voxels: Annotated[int, Ge(1), Le(1024)]
    sigma: Annotated[float, Gt(0)] | None = None
    oblique: bool = False

    @field_validator("grid")
    @classmethod
    def _known(cls, grid: str) -> str:
        if grid not in BOXES:
            raise ValueError(f"it is for {grid[:40]!r} voxels, which are none of {', '.join(BOXES)}")
        return grid


class _UNetCard(_Maps):
    classes: Positive = 2
    elements: list[Element] = []


class _VAECard(_Maps):
    condition: str
    conditions: Positive
    edges: list[float]
    shards: str
    seed: Annotated[int, Ge(0)]
    held_out_fraction: Annotated[float, Ge(0), Lt(1)]

    @model_validator(mode="after")
    def _bins(self) -> "_VAECard":
        if len(self.edges) != self.conditions + 1 or sorted(self.edges) != self.edges:
            raise ValueError(
                f"edges are not {self.conditions + 1} numbers that rise, of {self.conditions} conditions"
            )
        return self


class _CGCNNCard(_Card):
    target: str
    log: bool
    mean: float
    std: Annotated[float, Ge(0)]
    neighbours: Positive
    elements: Annotated[list[Element], Len(1)]


class _R3DVSCard(_Card):
    channels: Positive
    voxels: Annotated[int, Ge(1), Le(1024)]
    outputs: Positive
    scale: list[Annotated[float, Gt(0)]]

    @model_validator(mode="after")
    def _scaled(self) -> "_R3DVSCard":
        if len(self.scale) != self.channels:
            raise ValueError(f"scale has {len(self.scale)} numbers, and there are {self.channels} channels")
        return self


class _FingerprintCard(_Card):
    pixels: Annotated[int, Ge(1), Le(10_000)]
    classes: Annotated[dict[str, list[float]], Len(1)]
    target: str


CARDS: Final[dict[str, type[_Card]]] = {
    "unet": _UNetCard,
    "vae": _VAECard,
    "cgcnn": _CGCNNCard,
    "r3dvs": _R3DVSCard,
    "fingerprint": _FingerprintCard,
}
"""What the model of each task says of itself."""


def read_card(folder: Path, *needed: str) -> dict[str, Any]:
    """What the run in ``folder`` says of its model: what there is has its type and range, and ``needed`` is there.

    The name of a network that comes with hpcvox stands for its folder.

    Raises:
        CheckpointError: there is none, or it is damaged.
    """
    path = located(folder) / CARD
    try:
        if (size := path.stat().st_size) > MAX_BYTES:
            raise CheckpointError(f"{path} has {size:,} bytes, and no card has so many: {DO}")
        card = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise untrained(folder, error) from None
    if not isinstance(card, dict):
        raise CheckpointError(f"{path} holds a {type(card).__name__}, and a card is an object: {DO}")
    _check(path, card, needed)
    return card


def check_whole(folder: Path, card: dict[str, Any]) -> None:
    """Raise :class:`CheckpointError` where ``card`` lacks something that the model of its task needs."""
    needed = [name for name, field in CARDS[card["task"]].model_fields.items() if field.is_required()]
    _check(folder / CARD, card, needed)


def _check(path: Path, card: dict[str, Any], needed: Sequence[str]) -> None:
    for name in needed:
        if name not in card:
            raise CheckpointError(f"{path}: {name} is missing: {DO}")
    task = card.get("task")
    if not isinstance(task, str | None):
        raise CheckpointError(f"{path}: the task {task!r:.40} is not one of {', '.join(CARDS)}: {DO}")
    try:
        CARDS.get(task or "", _Card).model_validate(card)
    except ValidationError as error:
        for problem in error.errors():
            if problem["type"] != "missing":
                where = ".".join(map(str, problem["loc"]))
                given = f" (given: {problem['input']!r:.40})" if where else ""
                message = problem["msg"].removeprefix("Value error, ")
                raise CheckpointError(
                    f"{path}: {f'{where}: ' if where else ''}{message}{given}: {DO}"
                ) from None


def untrained(folder: Path, error: Exception) -> CheckpointError:
    return CheckpointError(
        f"{folder} holds no trained model ({error}): it is written after the first epoch of a training. Networks that "
        f"come with hpcvox: {', '.join(names())}"
    )
