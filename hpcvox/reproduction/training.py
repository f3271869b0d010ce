"""Trains a network of an experiment in this process; what the training prints goes into a file."""

import contextlib
from pathlib import Path

from hpcvox.process.outcome import COMPLETE
from hpcvox.reproduction.steps import StoppedError
from hpcvox.training.settings import TrainSettings


def train(settings: TrainSettings, log: Path) -> None:
    """Train, or go on with what the run folder holds of this training.

    Raises:
        StoppedError: a signal has stopped the training, which goes on when it is called again.
    """
    # imported here: PyTorch takes seconds
    from hpcvox.training.job import run

    with log.open("a", encoding="utf-8") as told, contextlib.redirect_stdout(told):
        outcome = run(settings)
    if outcome.exit_status != COMPLETE:
        raise StoppedError
