"""The card of a trained model, which is stored in the file with its weights; and the names of a training's files.

A run folder may come from somebody else, so every value of a card is checked for its type and range before use.
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
"""File with the weights of the best epoch, and the card."""
METRICS: Final = "metrics.jsonl"
"""File with the figures of every epoch."""

DO: Final = "copy the whole run folder again, or run its training again: it writes this file anew"

Positive = Annotated[int, Ge(1), Le(100_000)]
Element = Annotated[int, Ge(1), Le(118)]

C = TypeVar("C", bound="Card")


class Said(BaseModel):
    """Base class of all cards; refuses unknown keys and invalid values."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, ser_json_inf_nan="constants"
    )


class Run(Said):
    """The training that made a model."""

    hpcvox: str
    """Version of hpcvox that wrote the card."""
    shards: str
    """Shard set."""
    seed: Annotated[int, Ge(0)]
    held_out_fraction: Annotated[float, Ge(0), Lt(1)]
    epoch: Annotated[int, Ge(0)]
    """The epoch of the weights."""
    metrics: dict[str, Annotated[float, AllowInfNan()]]
    """Figures of that epoch: ``train/…`` and ``held_out/…``."""

    def held_out(self, formulas: Sequence[str]) -> NDArray[np.bool_]:
        """Which samples of its shard set it was not trained on, (N,) bool.

        Args:
            formulas: the reduced formulas of the samples, which decide the split.
        """
        return split(formulas, self.seed, self.held_out_fraction)


class Card(Said):
    """The fields that the card of every model has.  Each network has a subclass, with its name as ``task``."""

    task: str
    weights: Annotated[int, Ge(0)] = 0
    """Their number."""
    checksum: str = ""
    """Checksum of the weights, by which a model is identified."""
    run: Run
    model: Settings
    """Shape of the network."""
    about: dict[str, Any] | None = None
    """Remarks for people who get the model from others."""

    @classmethod
    def of_before(cls, tree: dict[str, Any]) -> dict[str, Any]:
        """Convert ``tree``, a card of an older version, to a card of this version; unknown keys are left out."""
        run = {name: tree[name] for name in Run.model_fields if name in tree}
        return {name: tree[name] for name in cls.model_fields if name in tree} | {"run": run}


class Stored(NamedTuple, Generic[C]):
    """A card, and the file that it was read from."""

    card: C
    place: Path
    """Its file."""
    begin: int
    """Where the bytes that the checksum covers begin in the file of the weights."""


def read_card(folder: Path, kind: type[C]) -> C:
    """Read the card of the model in ``folder``, without reading its weights.

    Args:
        folder: a run folder, or the name of a network that comes with hpcvox.
        kind: class of the card of the network that is needed; :class:`Card` takes any network.

    Raises:
        CheckpointError: there is no card, it is damaged, or it belongs to another network.
    """
    return stored(folder, kind).card


def stored(folder: Path, kind: type[C]) -> Stored[C]:
    """Like :func:`read_card`, but also returns where the card was found."""
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
            f"{folder / WEIGHTS} has no card, which describes its network, and the {path.name} beside it, where older "
            f"versions kept the card, is missing, too: {DO}"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} cannot be read ({_line(error)}): {DO}") from None


def untrained(folder: Path, error: Exception) -> CheckpointError:
    """The error for a folder without weights."""
    near = did_you_mean(folder.name, names(), 0.8)
    return CheckpointError(
        f"{folder} holds no trained model ({error}): {near}it is written after the first epoch of a training. Networks "
        f"that come with hpcvox: {', '.join(names())}"
    )


def _card(tree: Any, path: Path, folder: Path, kind: type[C], *, before: bool = False) -> C:
    """Check ``tree`` and return it as a card; errors name ``path`` as its file."""
    if not isinstance(tree, dict):
        raise CheckpointError(f"the card in {path} is no object: {DO}")
    found = _kind(tree.get("task"), path, kind)
    if not issubclass(found, kind):
        name = kind.model_fields["task"].default
        wanted = name if isinstance(name, str) else kind.__name__
        raise CheckpointError(f"{folder} holds a {tree['task']}, but a {wanted} is needed here")
    try:
        return found.model_validate_json(json.dumps(found.of_before(tree) if before else tree), strict=True)
    except ValidationError as error:
        raise CheckpointError(f"the card in {path}: {first_problem(found, error)}: {DO}") from None


def _kind(task: object, path: Path, kind: type[Card]) -> type[Card]:
    """The card class of the network ``task``; ``kind`` itself if it is that, even if the network is not installed."""
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
    """``said`` as one line of limited length."""
    return " ".join(str(said).split())[:300]
