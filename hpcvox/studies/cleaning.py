"""What is left of a trial that has ended: its curve, its settings and, where it came to its end, its model."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from optuna.trial import TrialState

from hpcvox.training.folder.card import WEIGHTS


def clean(run: Path, state: TrialState, leaves: Sequence[str]) -> None:
    """Remove the checkpoints of the run of a trial that has ended, and the model of one that did not complete.

    Args:
        leaves: files that its training leaves beside the model.
    """
    shutil.rmtree(run / "checkpoints", ignore_errors=True)
    if state != TrialState.COMPLETE:
        for name in (WEIGHTS, *leaves):
            (run / name).unlink(missing_ok=True)
