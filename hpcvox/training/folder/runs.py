"""Writes and reads the trained model of a run folder.

A run folder holds ``config.yaml``, ``metrics.jsonl``, ``tensorboard/`` and ``checkpoints/``.  After the first epoch it
also holds ``model.safetensors``: the weights of the best epoch (usually that with the lowest held-out loss) and the
card.  The record of the network names further files (:mod:`hpcvox.training.network`).
"""

from pathlib import Path
from typing import Any, Final, overload

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from hpcvox.errors import CheckpointError, ConfigError
from hpcvox.training.folder import carded, earlier
from hpcvox.training.folder.card import DO, WEIGHTS, C, Card, stored, untrained
from hpcvox.training.folder.damage import checksum
from hpcvox.training.folder.shipped import located
from hpcvox.training.network import find

_MOST_LAYERS: Final = 64
_WIDEST: Final = 1_000_000
_TYPES: Final = {"F32": torch.float32, "I64": torch.int64}
"""Dtypes of weights, by their names in the file."""


def export(folder: Path, model: nn.Module, card: Card) -> None:
    """Write the model with its card, after filling in the number and the checksum of the weights."""
    data = save({name: tensor.contiguous() for name, tensor in model.state_dict().items()})
    weights = sum(parameter.numel() for parameter in model.parameters())
    card = card.model_copy(update={"weights": weights, "checksum": carded.checksum(data)})
    carded.write(folder / WEIGHTS, data, card.model_dump_json())
    (folder / earlier.CARD).unlink(
        missing_ok=True
    )  # the card of earlier weights, written by an older version


@overload
def load_model(folder: Path) -> tuple[nn.Module, Card]: ...
@overload
def load_model(folder: Path, kind: type[C]) -> tuple[nn.Module, C]: ...
def load_model(folder: Path, kind: type[Any] = Card) -> tuple[nn.Module, Any]:
    """Load the trained model of a run folder, in evaluation mode, and its card.  All code loads networks through this.

    Args:
        folder: a run folder, or the name of a network that comes with hpcvox (:mod:`hpcvox.training.folder.shipped`).
        kind: class of the card of the network that is needed; :class:`Card` takes any network.

    Raises:
        CheckpointError: there is no model, it is damaged, its weights do not fit its card, or it is another network.
    """
    folder = located(folder)
    card, place, begin = stored(folder, kind)
    path = folder / WEIGHTS
    try:
        found = checksum(path, begin)
    except OSError as error:
        raise untrained(folder, error) from None
    if found != card.checksum:
        raise CheckpointError(
            f"{path} is damaged: the card in {place} has another checksum: run the training again, it goes on from "
            "its last checkpoint and writes the file anew, or copy the whole run folder again"
        )
    with torch.device("meta"):  # needs no memory, however large the card says that the network is
        expected = _made(place, card).state_dict()
    weights = _weights(path, expected)
    model = _made(place, card)
    model.load_state_dict(weights)
    return model.eval(), card


def _made(place: Path, card: Card) -> nn.Module:
    """Build the model that a card describes, without its weights; errors name ``place``, the card's file."""
    if too_much := _beyond(card.model.model_dump(mode="json")):
        raise CheckpointError(f"the card in {place}: model.{too_much}: {DO}")
    try:
        model: nn.Module = find(card.task).load("build")(card)
        return model
    except (ConfigError, ValueError, TypeError, RuntimeError, ArithmeticError) as error:
        said = " ".join(str(error).split())
        raise CheckpointError(
            f"the card in {place} describes no network that can be made ({said[:300]}): {DO}"
        ) from None


def _beyond(shape: dict[str, Any]) -> str | None:
    """A sentence about a value in the shape of a network that is too large or no number; None if all are fine."""
    for name, value in shape.items():
        values = value if isinstance(value, list) else [value]
        flat = [one for part in values for one in (part if isinstance(part, list) else [part])]
        if len(flat) > _MOST_LAYERS:
            return f"{name} has {len(flat):,} numbers, and at most {_MOST_LAYERS} are valid"
        for one in flat:
            if isinstance(one, int | float) and not 0 <= one <= _WIDEST:
                return f"{name} is {one!r:.40}, and 0 to {_WIDEST:,} are valid"
    return None


def _weights(path: Path, expected: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Read the tensors of a file, after checking that their names, dtypes and shapes are the ``expected`` ones."""
    try:
        with safe_open(path, "pt") as file:
            found = set(file.keys())
            if odd := sorted(found ^ expected.keys()):
                what = "lacks" if odd[0] in expected else "has"
                raise CheckpointError(
                    f"{path} {what} {odd[0]!r:.80}, which the network of its card "
                    f"{'has' if what == 'lacks' else 'lacks'} ({len(odd)} such tensors): {DO}"
                )
            for name, tensor in expected.items():
                part = file.get_slice(name)
                kind, shape = _TYPES.get(part.get_dtype(), part.get_dtype()), tuple(part.get_shape())
                if (kind, shape) != (tensor.dtype, tuple(tensor.shape)):
                    raise CheckpointError(
                        f"{path}: {name} is {kind} {shape}, and the network of its card has {tensor.dtype} "
                        f"{tuple(tensor.shape)}: {DO}"
                    )
            weights = {name: file.get_tensor(name) for name in expected}
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read ({' '.join(str(error).split())[:300]}): {DO}") from None
    for name, tensor in weights.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise CheckpointError(f"{path}: {name} has a weight that is not finite: {DO}")
    return weights
