"""Checkpoints: a folder each with weights, optimizer state and the place in the run; no pickle.

``checkpoints/step-00000042/``: ``model.safetensors``, ``optimizer.safetensors``, where means of the weights are
kept ``average.safetensors``, and ``state.json`` (with the checksums of the others).  Written aside, synced,
renamed; a damaged one is passed over for the one before.
"""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import torch
import xxhash
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as serialized
from torch import nn

from hpcvox.errors import CheckpointError
from hpcvox.files import durable
from hpcvox.process import gain
from hpcvox.terminal import say
from hpcvox.training.folder.damage import damage

PREFIX = "step-"
MODEL, OPTIMIZER, AVERAGE = "model.safetensors", "optimizer.safetensors", "average.safetensors"


def save(
    folder: Path,
    step: int,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    state: dict[str, Any],
    average: dict[str, torch.Tensor] | None = None,
) -> Path:
    """Write the checkpoint of ``step`` under ``folder``.

    Args:
        state: whatever JSON the training needs to go on.
        average: means of the weights, where the training keeps them.

    Raises:
        OSError: it cannot be written; those before it are as they were.
    """
    final = folder / f"{PREFIX}{step:08d}"
    part = folder / f".{final.name}.part"
    files = {MODEL: model.state_dict(), OPTIMIZER: _flatten(optimizer), AVERAGE: average}
    checksums = {}
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        for name, tensors in files.items():
            if tensors is not None:
                data = serialized({key: tensor.contiguous() for key, tensor in tensors.items()})
                _write(part / name, data)
                checksums[name] = xxhash.xxh3_128_hexdigest(data)
        _write(part / "state.json", json.dumps({"step": step, "checksums": checksums, **state}).encode())
        durable.sync_folder(part)
    except OSError:
        shutil.rmtree(part, ignore_errors=True)  # the space that it has taken may be the last
        raise
    again = final.exists()
    if again:
        shutil.rmtree(final)
    part.rename(final)
    durable.sync_folder(folder)
    if not again:
        gain.gained()
    return final


def latest(folder: Path) -> Path | None:
    """The newest checkpoint under ``folder`` that is whole; damaged ones are named on standard error."""
    for path in sorted(folder.glob(f"{PREFIX}*"), reverse=True):
        problem = damage(path)
        if problem is None:
            return path
        say(f"warning: {path} is damaged ({problem}): going on from the checkpoint before it", error=True)
    return None


def load(
    path: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    average: dict[str, torch.Tensor] | None = None,
) -> dict[str, Any]:
    """Put weights, their means and optimizer state in place (after the optimizer was wrapped).

    Returns:
        The saved ``state``.

    Raises:
        CheckpointError: the checkpoint is of another model.
    """
    try:
        model.load_state_dict(load_file(path / MODEL))
        _unflatten(optimizer, load_file(path / OPTIMIZER))
        if average is not None:
            for name, mean in load_file(path / AVERAGE).items():
                average[name].copy_(mean)
        state: dict[str, Any] = json.loads((path / "state.json").read_text("utf-8"))
    except (RuntimeError, SafetensorError, KeyError, ValueError, OSError) as error:
        raise CheckpointError(
            f"{path} is not a checkpoint of this model: {error}; choose another run folder or its own settings"
        ) from None
    return state


def prune(folder: Path, keep: int) -> None:
    """Remove all but the ``keep`` newest checkpoints, and what interrupted writes left."""
    for path in [*sorted(folder.glob(f"{PREFIX}*"))[:-keep], *folder.glob(f".{PREFIX}*.part")]:
        shutil.rmtree(path, ignore_errors=True)


def _flatten(optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    state = optimizer.state_dict()["state"]
    return {
        f"{index}.{name}": value.contiguous()
        for index, entry in state.items()
        for name, value in entry.items()
    }


def _unflatten(optimizer: torch.optim.Optimizer, flat: dict[str, torch.Tensor]) -> None:
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in flat.items():
        index, _, name = key.partition(".")
        state.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
