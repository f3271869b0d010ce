"""What a training leaves, by name, and what a trained model says of itself: the card beside its weights.

A run folder may come from elsewhere, so that nothing of a card is taken before it has its type and range.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

from annotated_types import Ge, Le, Lt
from pydantic import BaseModel, ConfigDict, ValidationError

from hpcvox.errors import CheckpointError, did_you_mean
from hpcvox.files import regular
from hpcvox.training.folder.shipped import located, names
from hpcvox.training.network import known, named

WEIGHTS, CARD = "model.safetensors", "model.json"
METRICS = "metrics.jsonl"
"""Figures of every epoch."""

MAX_BYTES: Final = 16 * 1024 * 1024
"""No card is longer."""

DO: Final = (
    "copy the whole run folder again, or run its training again: it writes the weights and the card anew"
)

Positive = Annotated[int, Ge(1), Le(100_000)]
Element = Annotated[int, Ge(1), Le(118)]


class Card(BaseModel):
    """What any model says of itself; keys that are not here are for people.  A network's own card is a subclass."""

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
        card = json.loads(regular.read_text(path, MAX_BYTES))
    except (OSError, ValueError, RecursionError) as error:
        raise untrained(folder, error) from None
    if not isinstance(card, dict):
        raise CheckpointError(f"{path} holds a {type(card).__name__}, and a card is an object: {DO}")
    _check(path, card, needed)
    return card


def check_whole(folder: Path, card: dict[str, Any]) -> None:
    """Raise :class:`CheckpointError` where ``card`` lacks something that the model of its task needs."""
    needed = [name for name, field in _kind(card["task"]).model_fields.items() if field.is_required()]
    _check(folder / CARD, card, needed)


def _check(path: Path, card: dict[str, Any], needed: Sequence[str]) -> None:
    for name in needed:
        if name not in card:
            raise CheckpointError(f"{path}: {name} is missing: {DO}")
    task = card.get("task")
    if not isinstance(task, str | None):
        raise CheckpointError(f"{path}: the task {task!r:.40} is not one of {', '.join(known())}: {DO}")
    try:
        _kind(task).model_validate(card)
    except ValidationError as error:
        for problem in error.errors():
            if problem["type"] != "missing":
                where = ".".join(map(str, problem["loc"]))
                given = f" (given: {problem['input']!r:.40})" if where else ""
                message = problem["msg"].removeprefix("Value error, ")
                raise CheckpointError(
                    f"{path}: {f'{where}: ' if where else ''}{message}{given}: {DO}"
                ) from None


def _kind(task: str | None) -> type[Card]:
    """What the card of a network of this name has; of one that is not known, what any has."""
    network = named(task or "")
    kind: type[Card] = Card if network is None else network.load("card")
    return kind


def untrained(folder: Path, error: Exception) -> CheckpointError:
    near = did_you_mean(folder.name, names(), 0.8)
    return CheckpointError(
        f"{folder} holds no trained model ({error}): {near}it is written after the first epoch of a training. Networks "
        f"that come with hpcvox: {', '.join(names())}"
    )
