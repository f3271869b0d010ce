"""What a trial costs that takes no time, by the storage of the study, with many workers at once."""

import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from hpcvox.studies.journal import storage

WORKERS, TRIALS = 16, 2000


def plain_journal(folder: Path) -> BaseStorage:
    """Optuna's own journal."""
    return JournalStorage(JournalFileBackend(str(folder / "plain.log")))


def sqlite(folder: Path) -> BaseStorage:
    """A database in a file; not for file systems that several machines share."""
    return RDBStorage(f"sqlite:///{folder}/study.db", engine_kwargs={"connect_args": {"timeout": 300}})


def measure() -> list[dict[str, Any]]:
    """``study_storage_ms_per_trial``: wall time over trials of 16 processes, 2,000 trials, none of them lost.

    The peers are the other storages, with as many.
    """
    plain, database = _ms(plain_journal), _ms(sqlite)
    return [
        {"name": "study_storage_ms_per_trial", "value": (ours := _ms(storage)), "unit": "ms", "peer": plain,
         "ratio": ours / plain},
        {"name": "study_sqlite_ms_per_trial", "value": database, "unit": "ms", "peer": plain,
         "ratio": database / plain},
    ]  # fmt: skip


def _ms(make: Callable[[Path], BaseStorage]) -> float:
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        folder = Path(place)
        optuna.create_study(storage=make(folder), study_name="x")
        with ProcessPoolExecutor(WORKERS, get_context("spawn")) as pool:
            list(pool.map(partial(_work, make, folder), [0] * WORKERS))  # all have begun
            begun = time.perf_counter()
            list(pool.map(partial(_work, make, folder), [TRIALS // WORKERS] * WORKERS, chunksize=1))
            seconds = time.perf_counter() - begun
        trials = optuna.load_study(storage=make(folder), study_name="x").trials
    assert [trial.number for trial in trials] == list(range(TRIALS))
    assert all(trial.state == TrialState.COMPLETE for trial in trials)
    return 1000 * seconds / TRIALS


def _work(make: Callable[[Path], BaseStorage], folder: Path, count: int) -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.load_study(storage=make(folder), study_name="x", sampler=optuna.samplers.RandomSampler())
    for _ in range(count):
        trial = study.ask()
        study.tell(trial, trial.suggest_float("x", 0, 1))
