"""Cleans up after a trial: only its curve, its settings and, if it is complete, its model remain."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from optuna.trial import TrialState

from hpcvox.training.folder.card import WEIGHTS


def clean(run: Path, state: TrialState, leaves: Sequence[str]) -> None:
    """Remove the checkpoints of a trial that has ended, and its model if it is not complete.

    Args:
        run: the run folder of the trial.
        state: how the trial has ended.
        leaves: names of files that its training writes beside the model.
    """
    shutil.rmtree(run / "checkpoints", ignore_errors=True)
    if state != TrialState.COMPLETE:
        for name in (WEIGHTS, *leaves):
            (run / name).unlink(missing_ok=True)
