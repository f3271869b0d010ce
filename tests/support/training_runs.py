"""What the tests of trainings do with a run: start it, wait for it, kill it, compare it with another."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import torch
from safetensors.torch import load_file

from hpcvox import config
from hpcvox.training.folder import checkpoint
from hpcvox.training.settings import TrainSettings
from tests.support.voxel_shards import SMALL_UNET

S = TypeVar("S", bound=TrainSettings)

FAST = ["epochs=2", "batch_size=6", "threads=1", "learning_rate=3e-3", "warmup_steps=2", "species_voxels=256"]
"""Settings of a short training of the UNet."""
LONG = ["epochs=8", "schedule=constant", "checkpoint_steps=2", "ema=0.95"]
"""Further settings of a run that is interrupted: a constant rate, and a checkpoint every other step."""
MPIRUN = ["mpirun", "--bind-to", "none", "--oversubscribe", "-np"]
ROOT_MAY = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
"""What Open MPI wants in the environment where root starts ranks, as in a container."""


def settings(kind: type[S], shards: Path, out: Path, *more: str) -> S:
    """The settings of a training on ``shards`` to ``out``."""
    return config.load(kind, None, [f"shards={shards}", f"out={out}", *more])


def command(shards: Path, out: Path, *more: str) -> list[str]:
    """The command of a short training of a small UNet."""
    given = [f"shards={shards}", f"out={out}", SMALL_UNET, *FAST, *more]
    return [sys.executable, "-m", "hpcvox", "train-unet", *given]


def run(arguments: Sequence[str]) -> str:
    """What a command prints that ends well."""
    done = subprocess.run(
        arguments, capture_output=True, text=True, timeout=240, env={**os.environ, **ROOT_MAY}, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def wait_for(condition: Callable[[], object], limit_s: float = 120, look_s: float = 0.02) -> None:
    """Wait until ``condition()``, with ``look_s`` from one look to the next; AssertionError after ``limit_s``."""
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(look_s)


def checkpoints(out: Path) -> list[Path]:
    """The checkpoints of a run, the oldest first."""
    return sorted((out / "checkpoints").glob(f"{checkpoint.PREFIX}*"))


def killed(arguments: Sequence[str], out: Path) -> None:
    """Start ``hpcvox ARGUMENTS``, whose run folder is ``out``, and kill it once it has two checkpoints."""
    process = subprocess.Popen([sys.executable, "-m", "hpcvox", *arguments])
    wait_for(lambda: len(checkpoints(out)) >= 2)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def last_checkpoint(out: Path) -> Path:
    """The last whole checkpoint of a run."""
    last = checkpoint.latest(out / "checkpoints")
    assert last is not None
    return last


def weights(out: Path) -> dict[str, torch.Tensor]:
    """Those of the last checkpoint."""
    return load_file(last_checkpoint(out) / checkpoint.MODEL)


def assert_same_weights(one: Path, other: Path) -> None:
    """The last weights of two runs are equal, bit for bit."""
    a, b = weights(one), weights(other)
    assert a.keys() == b.keys()
    for name, value in a.items():
        assert torch.equal(value, b[name]), name
