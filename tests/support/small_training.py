"""A small process that stands for a training where a test is about the study around it.

``python -m tests.support.small_training VERB CONFIG`` reads the config of a trial and does to the run folder what
``train-unet`` does: it holds the lock, logs and saves every epoch, goes on from what was saved, ends at a signal or
where its loss is not finite.  It needs no PyTorch and no shards and starts in 0.2 s.  What it trains is one number,
by gradients with noise; held out is judged by a mean of that number, which settles slowly, as BatchNorm's does.
"""

import json
import math
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from hpcvox import __version__
from hpcvox.errors import ConfigError, HpcvoxError, TrainingError
from hpcvox.files import durable
from hpcvox.process.interrupt import StopRequest
from hpcvox.process.outcome import COMPLETE, INTERRUPTED
from hpcvox.training.folder import carded
from hpcvox.training.folder.card import METRICS, WEIGHTS
from hpcvox.training.folder.metrics import read_metrics

COMMAND: Final = (sys.executable, "-m", "tests.support.small_training")
"""What starts it; verb and config follow."""

EPOCH_S: Final = "SMALL_TRAINING_EPOCH_S"
"""Environment variable: seconds that an epoch takes; 0.05 where it is not set."""

LET_GO_S: Final = 30.0
"""As long a real training waits for the lock of its run folder."""

STEPS: Final = 10
"""Of an epoch."""

GAIN: Final = 16.0
"""Makes the learning rates of the real trainings good ones here."""

NO_WEIGHTS: Final = (2).to_bytes(8, "little") + b"{}"
"""A file of safetensors without a tensor."""


class State(NamedTuple):
    """Where a run is."""

    epoch: int = 0
    step: int = 0
    weight: float = 0.0
    """What is trained; 1 is best."""
    mean: float = -1.0
    """What is evaluated."""
    total: float = 0.0
    """Of the losses of the epoch so far."""
    best: float = math.inf
    stale: int = 0


def train(verb: str, config: Path) -> int:
    """Train as the settings in ``config`` say; the exit status."""
    settings: dict[str, Any] = yaml.safe_load(config.read_text())
    out = Path(settings["out"])
    with durable.sole_writer(out, LET_GO_S):
        saved = out / "checkpoints" / "state.json"
        if saved.exists() and yaml.safe_load((out / "config.yaml").read_text()) != settings:
            raise ConfigError(f"{out} holds results of other settings")
        durable.write_bytes(out / "config.yaml", config.read_bytes())
        saved.parent.mkdir(exist_ok=True)
        state = State(**json.loads(saved.read_text())) if saved.exists() else State()
        kept = [line for line in read_metrics(out) if line["epoch"] <= state.epoch]
        durable.write_text(out / METRICS, "".join(json.dumps(line) + "\n" for line in kept))
        with StopRequest() as stop:
            while state.epoch < settings["epochs"] and not 0 < settings["patience"] <= state.stale:
                while state.step < (state.epoch + 1) * STEPS:
                    time.sleep(float(os.environ.get(EPOCH_S, "0.05")) / STEPS)
                    state = _step(state, settings, saved)
                    if stop.received:
                        durable.write_json(saved, state._asdict())
                        print(f"interrupted after {state.epoch} whole epochs", flush=True)
                        return INTERRUPTED
                state = _end_epoch(state, settings, verb)
                durable.write_json(saved, state._asdict())
    print(f"trained {state.epoch} epochs", flush=True)
    return COMPLETE


def _step(state: State, settings: dict[str, Any], saved: Path) -> State:
    noise = random.Random(f"{settings['seed']} {state.step}").gauss(0, settings["batch_size"] ** -0.5)
    weight = state.weight + GAIN * settings["learning_rate"] * (1 - state.weight + noise)
    if not math.isfinite(_loss(weight)):
        durable.write_json(saved, state._asdict())
        raise TrainingError(f"the loss is not finite at epoch {state.epoch + 1}, step {state.step + 1}")
    return state._replace(step=state.step + 1, weight=weight, total=state.total + _loss(weight))


def _end_epoch(state: State, settings: dict[str, Any], verb: str) -> State:
    """Log the epoch; where it is the best so far, write the model and its card."""
    out = Path(settings["out"])
    mean = (state.mean + state.weight) / 2
    loss = _loss(mean)
    figures = {
        **_figures("train", state.total / STEPS),
        **_figures("held_out", loss),
        "epoch": state.epoch + 1,
        "learning_rate": settings["learning_rate"],
        "samples_per_s": 1.0,
        "loader_wait_share": 0.0,
    }
    with (out / METRICS).open("a") as log:
        log.write(json.dumps({"step": state.step, **figures}) + "\n")
        log.flush()
        os.fsync(log.fileno())
    better = loss < state.best
    if better:
        weights = _weights(settings["initial"])
        run = {
            "hpcvox": __version__,
            **{key: settings[key] for key in ("shards", "seed", "held_out_fraction")},
            "epoch": state.epoch + 1,
            "metrics": {name: value for name, value in figures.items() if "/" in name},
        }
        card = {
            "task": verb.removeprefix("train-"),
            "checksum": carded.checksum(weights),
            "run": run,
            "model": settings["model"],
            "grid": "periodic",
            "voxels": 32,
        }
        carded.write(out / WEIGHTS, weights, json.dumps(card))
    stale = 0 if better else state.stale + 1
    return state._replace(
        epoch=state.epoch + 1, mean=mean, total=0.0, best=min(loss, state.best), stale=stale
    )


def _loss(weight: float) -> float:
    return 0.5 + (weight - 1) * (weight - 1)


def _figures(part: str, loss: float) -> dict[str, float]:
    right = 1 / (1 + loss)
    figures = {
        "loss": loss,
        "species_loss": loss,
        "mask_loss": 0.7 * loss,
        "recall": right,
        "mask_f1": right**2,
    }
    return {f"{part}/{name}": value for name, value in figures.items()}


def _weights(initial: str | None) -> bytes:
    """The weights of the network in ``initial``, a file that can be loaded."""
    return (Path(initial) / WEIGHTS).read_bytes() if initial is not None else NO_WEIGHTS


def main(verb: str, config: str) -> int:
    """The exit status of the command, with what the real one says on standard error."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return train(verb, Path(config))
    except HpcvoxError as error:
        print(f"hpcvox {verb}: error: {error}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        print(f"hpcvox {verb}: interrupted: run the same command again to go on", file=sys.stderr)
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
