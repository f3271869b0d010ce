"""Trials without a training, told by several processes to one journal; a process that imports this needs no PyTorch."""

from pathlib import Path

import optuna

from hpcvox.studies.books.storage import storage


def tell(folder: Path, count: int) -> None:
    """Ask for ``count`` trials of the study ``x`` in ``folder`` and tell what came of them."""
    study = optuna.load_study(storage=storage(folder), study_name="x")
    for _ in range(count):
        trial = study.ask()
        study.tell(trial, trial.suggest_float("x", 0, 1))
