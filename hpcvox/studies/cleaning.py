"""What is left of a trial that has ended: its curve, its settings and, where it came to its end, its model."""

import shutil
from pathlib import Path

from optuna.trial import TrialState

from hpcvox.training.folder.card import CARD, PRIOR, WEIGHTS


def clean(run: Path, state: TrialState) -> None:
    """Remove the checkpoints of the run of a trial that has ended, and the model of one that did not complete."""
    shutil.rmtree(run / "checkpoints", ignore_errors=True)
    if state != TrialState.COMPLETE:
        for name in (WEIGHTS, CARD, PRIOR):
            (run / name).unlink(missing_ok=True)
