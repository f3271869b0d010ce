"""Checkpoints: folders with the weights, the state of the optimizer and the position in the run; no pickle.

``checkpoints/step-00000042/`` holds ``model.safetensors``, ``optimizer.safetensors`` and ``state.json`` (with checksums
of the other files), and ``average.safetensors`` if the training keeps a mean of the weights.  A checkpoint is written
aside, synced and renamed.  If the newest is damaged, a training goes on from the one before.
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
        folder: the folder of all checkpoints.
        step: number of optimizer steps so far.
        model: the network.
        optimizer: its optimizer.
        state: any JSON that the training needs to go on.
        average: mean weights, if the training keeps them.

    Raises:
        OSError: it cannot be written; earlier checkpoints are unchanged.
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
        shutil.rmtree(part, ignore_errors=True)  # the disk may be full
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
    """The newest undamaged checkpoint under ``folder``; None if there is none.  Warns of damaged ones."""
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
    """Load weights, mean weights and optimizer state in place; call it after ``Comm.wrap`` of the optimizer.

    Returns:
        The saved ``state``.

    Raises:
        CheckpointError: the checkpoint belongs to another model.
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
    """Remove all but the ``keep`` newest checkpoints, and remains of interrupted writes."""
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
