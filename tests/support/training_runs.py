"""What the tests of trainings do with a run: wait for it, kill it, compare it with another."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file

from hpcvox.training import checkpoint


def wait_for(condition: Callable[[], bool], limit_s: float = 120, look_s: float = 0.02) -> None:
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


def weights(out: Path) -> dict[str, torch.Tensor]:
    """Those of the last checkpoint."""
    last = checkpoint.latest(out / "checkpoints")
    assert last is not None
    return load_file(last / checkpoint.MODEL)


def assert_same_weights(one: Path, other: Path) -> None:
    """The last weights of two runs are equal, bit for bit."""
    a, b = weights(one), weights(other)
    assert a.keys() == b.keys()
    for name, value in a.items():
        assert torch.equal(value, b[name]), name
