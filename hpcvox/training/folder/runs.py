"""Finished and running trainings on disk: the exported model and its card.

A run folder holds ``config.yaml``, ``metrics.jsonl``, ``tensorboard/``, ``checkpoints/`` and, as soon as one
epoch is done, ``model.safetensors`` with ``model.json``: the weights of the best epoch: as a rule that of the lowest
held-out loss.  Its network's record says what a training leaves beside (:mod:`hpcvox.training.network`).
"""

from pathlib import Path
from typing import Any, Final

import torch
import xxhash
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from hpcvox import __version__
from hpcvox.errors import CheckpointError, ConfigError
from hpcvox.files import durable
from hpcvox.files.regular import open_regular
from hpcvox.training.folder.card import CARD, DO, WEIGHTS, check_whole, read_card, untrained
from hpcvox.training.folder.shipped import located
from hpcvox.training.network import known

_PIECE: Final = 1 << 20
_MOST_LAYERS: Final = 64
_WIDEST: Final = 1_000_000
_TYPES: Final = {"F32": torch.float32, "I64": torch.int64}
"""Types of a network's weights, by their names in the file."""


def export(folder: Path, task: str, model: nn.Module, card: dict[str, Any]) -> None:
    """Write the model and its card; the card names the checksum of its weights, so that the two go together."""
    weights = save({k: v.contiguous() for k, v in model.state_dict().items()})
    card = {
        "task": task,
        "hpcvox": __version__,
        "weights": sum(p.numel() for p in model.parameters()),
        "checksum": xxhash.xxh3_128_hexdigest(weights),
        **card,
    }
    durable.write_bytes(folder / WEIGHTS, weights)
    durable.write_json(folder / CARD, card)


def load_model(folder: Path, task: str | None = None) -> tuple[nn.Module, dict[str, Any]]:
    """The model of a run folder, in evaluation mode, and its card: the one door to trained networks.

    The name of a network that comes with hpcvox stands for its folder (:mod:`hpcvox.training.folder.shipped`).

    Raises:
        CheckpointError: there is none, it is damaged, its weights are not those of its card, or it is not of the
            ``task`` asked for.
    """
    folder = located(folder)
    card = read_card(folder)
    if task is not None and card.get("task") != task:
        raise CheckpointError(f"{folder} holds a {card.get('task')}, and a {task} is needed here")
    if _checksum(folder) != card.get("checksum"):
        raise CheckpointError(
            f"{folder / WEIGHTS} is not what {CARD} describes (damaged, or its writing was interrupted): "
            "run the training again, it goes on from its last checkpoint and writes both anew"
        )
    if card.get("task") not in known():
        raise CheckpointError(
            f"{folder / CARD}: the task {card.get('task')!r} is not one of {', '.join(known())}"
        )
    check_whole(folder, card)
    with torch.device("meta"):  # takes no memory, however large a card calls it
        expected = _made(folder, card).state_dict()
    weights = _weights(folder / WEIGHTS, expected)
    model = _made(folder, card)
    model.load_state_dict(weights)
    return model.eval(), card


def _checksum(folder: Path) -> str:
    """Of the weights' file, which is read piece by piece: it may be of any size."""
    state = xxhash.xxh3_128()
    try:
        with open_regular(folder / WEIGHTS) as file:
            while piece := file.read(_PIECE):
                state.update(piece)
    except OSError as error:
        raise untrained(folder, error) from None
    return state.hexdigest()


def _made(folder: Path, card: dict[str, Any]) -> nn.Module:
    """The model that a card describes, of no particular weights."""
    path = folder / CARD
    if too_much := _beyond(card["model"]):
        raise CheckpointError(f"{path}: model.{too_much}: {DO}")
    try:
        model: nn.Module = known()[card["task"]].load("build")(card, str(path))
        return model
    except (ConfigError, ValueError, TypeError, RuntimeError, ArithmeticError) as error:
        said = " ".join(str(error).split())
        raise CheckpointError(f"{path} describes no network that can be made ({said[:300]}): {DO}") from None


def _beyond(shape: dict[str, Any]) -> str | None:
    """What in the shape of a network is larger than any network's, or no number."""
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
    """The tensors of a file, once their names, types and shapes are known to be the ``expected``."""
    try:
        with safe_open(path, "pt") as file:
            found = set(file.keys())
            if odd := sorted(found ^ expected.keys()):
                what = "lacks" if odd[0] in expected else "has"
                raise CheckpointError(
                    f"{path} {what} {odd[0]!r:.80}, which the network of {CARD} {'has' if what == 'lacks' else 'lacks'}"
                    f" ({len(odd)} such tensors): {DO}"
                )
            for name, tensor in expected.items():
                part = file.get_slice(name)
                kind, shape = _TYPES.get(part.get_dtype(), part.get_dtype()), tuple(part.get_shape())
                if (kind, shape) != (tensor.dtype, tuple(tensor.shape)):
                    raise CheckpointError(
                        f"{path}: {name} is {kind} {shape}, and the network of {CARD} has {tensor.dtype} "
                        f"{tuple(tensor.shape)}: {DO}"
                    )
            weights = {name: file.get_tensor(name) for name in expected}
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read ({' '.join(str(error).split())[:300]}): {DO}") from None
    for name, tensor in weights.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise CheckpointError(f"{path}: {name} has a weight that is not finite: {DO}")
    return weights
