"""What a training leaves, by name, and what a trained model says of itself: the card in the file of its weights.

A run folder may come from elsewhere, so that nothing of a card is taken before it has its type and range.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Generic, NamedTuple, TypeVar

import numpy as np
from annotated_types import Ge, Le, Lt
from numpy.typing import NDArray
from pydantic import AllowInfNan, BaseModel, ConfigDict, ValidationError

from hpcvox.config import Settings
from hpcvox.errors import CheckpointError, did_you_mean
from hpcvox.shards.split import split
from hpcvox.training.folder import carded, earlier
from hpcvox.training.folder.shipped import located, names
from hpcvox.training.network import known, named
from hpcvox.validation import first_problem

WEIGHTS: Final = "model.safetensors"
"""The weights of the best epoch, and the card."""
METRICS: Final = "metrics.jsonl"
"""Figures of every epoch."""

DO: Final = "copy the whole run folder again, or run its training again: it writes this file anew"

Positive = Annotated[int, Ge(1), Le(100_000)]
Element = Annotated[int, Ge(1), Le(118)]

C = TypeVar("C", bound="Card")


class Said(BaseModel):
    """Base of what a file says of itself: no key and no value that is not known."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, ser_json_inf_nan="constants"
    )


class Run(Said):
    """The training that a model comes from."""

    hpcvox: str
    """Version that wrote the card."""
    shards: str
    """Shard set."""
    seed: Annotated[int, Ge(0)]
    held_out_fraction: Annotated[float, Ge(0), Lt(1)]
    epoch: Annotated[int, Ge(0)]
    """The one that the weights are of."""
    metrics: dict[str, Annotated[float, AllowInfNan()]]
    """Figures of that epoch: ``train/…`` and ``held_out/…``."""

    def held_out(self, formulas: Sequence[str]) -> NDArray[np.bool_]:
        """Which samples of its shard set, by their formulas, (N,), it was not trained on."""
        return split(formulas, self.seed, self.held_out_fraction)


class Card(Said):
    """What any model says of itself.  A network's own card is a subclass, which has its name as ``task``."""

    task: str
    weights: Annotated[int, Ge(0)] = 0
    """Their number."""
    checksum: str = ""
    """Of the weights: what a model is known by."""
    run: Run
    model: Settings
    """Shape of the network."""
    about: dict[str, Any] | None = None
    """What else people want to know of a model that is given to others."""

    @classmethod
    def of_before(cls, tree: dict[str, Any]) -> dict[str, Any]:
        """``tree``, a card as it was beside the weights, as it is now; what is not known is left out."""
        run = {name: tree[name] for name in Run.model_fields if name in tree}
        return {name: tree[name] for name in cls.model_fields if name in tree} | {"run": run}


class Stored(NamedTuple, Generic[C]):
    """A card, and where it was found."""

    card: C
    place: Path
    """Its file."""
    begin: int
    """Where what its checksum is of begins in the file of the weights."""


def read_card(folder: Path, kind: type[C]) -> C:
    """What the run in ``folder`` says of its model, of which no more than that is read.

    The name of a network that comes with hpcvox stands for its folder.

    Args:
        kind: the card of the network that is needed; :class:`Card`: of any.

    Raises:
        CheckpointError: there is none, it is damaged, or it is of another network.
    """
    return stored(folder, kind).card


def stored(folder: Path, kind: type[C]) -> Stored[C]:
    """The card of :func:`read_card`, and where it was found; errors are as there."""
    folder = located(folder)
    path = folder / WEIGHTS
    try:
        header = carded.header(path)
        if header.card is not None:
            return Stored(_card(json.loads(header.card), path, folder, kind), path, header.start)
    except OSError as error:
        raise untrained(folder, error) from None
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} cannot be read ({_line(error)}): {DO}") from None
    path = folder / earlier.CARD
    try:
        return Stored(_card(earlier.read(folder), path, folder, kind, before=True), path, 0)
    except FileNotFoundError:
        raise CheckpointError(
            f"{folder / WEIGHTS} has no card, which says what the weights are of, and there is no {path.name} "
            f"beside it either, where it was once: {DO}"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} cannot be read ({_line(error)}): {DO}") from None


def untrained(folder: Path, error: Exception) -> CheckpointError:
    """What to say where there are no weights."""
    near = did_you_mean(folder.name, names(), 0.8)
    return CheckpointError(
        f"{folder} holds no trained model ({error}): {near}it is written after the first epoch of a training. Networks "
        f"that come with hpcvox: {', '.join(names())}"
    )


def _card(tree: Any, path: Path, folder: Path, kind: type[C], *, before: bool = False) -> C:
    """``tree`` as a card; ``path`` names its file."""
    if not isinstance(tree, dict):
        raise CheckpointError(f"the card in {path} is a {type(tree).__name__}, and a card is an object: {DO}")
    found = _kind(tree.get("task"), path, kind)
    if not issubclass(found, kind):
        name = kind.model_fields["task"].default
        wanted = name if isinstance(name, str) else kind.__name__
        raise CheckpointError(f"{folder} holds a {tree['task']}, and a {wanted} is needed here")
    try:
        return found.model_validate_json(json.dumps(found.of_before(tree) if before else tree), strict=True)
    except ValidationError as error:
        raise CheckpointError(f"the card in {path}: {first_problem(found, error)}: {DO}") from None


def _kind(task: object, path: Path, kind: type[Card]) -> type[Card]:
    """The card of the network ``task``; ``kind``, where it is of that one, whether or not it is installed."""
    if task == kind.model_fields["task"].default:
        return kind
    network = named(task) if isinstance(task, str) else None
    if network is None:
        raise CheckpointError(
            f"the card in {path}: the task {task!r:.40} is not one of {', '.join(known())}: {DO}"
        )
    found: type[Card] = network.load("card")
    return found


def _line(said: object) -> str:
    """``said`` in one line, not too long."""
    return " ".join(str(said).split())[:300]
