"""What a trial costs that takes no time, by the storage of the study, with many workers at once; what pruning saves."""

import contextlib
import io
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import BaseStorage
from optuna.trial import TrialState

from hpcvox import config
from hpcvox.networks.cgcnn.card import CGCNNCard
from hpcvox.networks.cgcnn.settings import TrainCGCNNSettings
from hpcvox.studies import space
from hpcvox.studies.books.storage import storage
from hpcvox.studies.job import promises_little
from hpcvox.studies.settings import StudySettings
from hpcvox.studies.study import Study
from hpcvox.training.folder.card import read_card
from hpcvox.training.folder.metrics import read_metrics
from hpcvox.training.job import run as train
from tests.benchmarks.study_storages import (
    grpc_proxy,
    plain_journal,
    postgresql,
    postgresql_lacks,
    postgresql_server,
    sqlite,
    sqlite_behind_a_proxy,
)
from tests.support.graph_shards import crystals, make_graphs

WORKERS, TRIALS = 16, 2000

CONFIG = Path(__file__).resolve().parents[2] / "configs/study.yaml"
SEEDS, EPOCHS, WARMUP = 5, 32, 5
AFFINITY = [
    "verb=train-cgcnn",
    "settings={target: affinity, seed: 2, threads: 1, warmup_steps: 0}",
    f"settings.epochs={EPOCHS}",
    "settings.batch_size=8",
    "space={model.atom_features: {choices: [8, 32, 64]}, model.convolutions: {low: 1, high: 3}}",
    "space.learning_rate={low: 1.0e-5, high: 1.0e-2, log: true}",
    *("sampler=random", "trials=32", f"warmup_epochs={WARMUP}"),
]
"""A random search of 32 trials for the CGCNN that best learns the mean electronegativity of 78 crystals."""


def measure() -> list[dict[str, Any]]:
    """``study_storage_ms_per_trial``: wall time over trials of 16 processes, 2,000 trials, none of them lost.

    The peer is Optuna's own journal; beside it are the others that a study could have, with as many: SQLite,
    SQLite behind Optuna's gRPC proxy, PostgreSQL.

    ``pruning_epochs``, ``pruning_best_loss``: the epochs that a random search with the pruner of configs/study.yaml
    trains, and the loss of the best that it finds; the peer is the same search without it. Means of five seeds.
    """
    return [*storages(), *pruning_saving()]


def storages() -> list[dict[str, Any]]:
    """The storages, Optuna's own journal the peer of all."""
    plain = _ms(plain_journal)
    found = {
        "study_storage_ms_per_trial": _ms(storage),
        "study_sqlite_ms_per_trial": _ms(sqlite),
        "study_grpc_ms_per_trial": _ms(grpc_proxy, sqlite_behind_a_proxy),
    }
    if lacking := postgresql_lacks():
        print(f"PostgreSQL is not measured, for want of {lacking}", file=sys.stderr)
    else:
        found["study_postgresql_ms_per_trial"] = _ms(postgresql, postgresql_server)
    return [
        {"name": name, "value": ms, "unit": "ms", "peer": plain, "ratio": ms / plain}
        for name, ms in found.items()
    ]


def pruning_saving() -> list[dict[str, Any]]:
    """Epochs and best losses with and without pruning; each drawn point is trained once, in full, for both."""
    every = [_searched(seed) for seed in range(SEEDS)]
    (epochs, best), (all_epochs, best_of_all) = (
        [statistics.mean(figure) for figure in zip(*of_one, strict=True)]
        for of_one in zip(*every, strict=True)
    )
    return [
        {"name": "pruning_epochs", "value": epochs, "unit": "epochs", "peer": all_epochs,
         "ratio": epochs / all_epochs, "limit": all_epochs / 2},
        {"name": "pruning_best_loss", "value": best, "unit": "", "peer": best_of_all,
         "ratio": best / best_of_all},
    ]  # fmt: skip


def _searched(seed: int) -> tuple[tuple[int, float], tuple[int, float]]:
    """Epochs trained and the best loss, with pruning and without."""
    with tempfile.TemporaryDirectory(prefix="bench-") as place, contextlib.redirect_stdout(io.StringIO()):
        folder = Path(place)
        shards = make_graphs(folder / "graphs", crystals())
        given = [*AFFINITY, f"settings.shards={shards}", f"out={folder / 'study'}", f"seed={seed}"]
        study = Study.begin(config.load(StudySettings, CONFIG, given))
        trained, found, every = 0, [], []
        while (claim := study.claim()) is not None:
            run = claim.folder / "run"
            drawn = space.training(study.settings, claim.trial.params)
            assert isinstance(drawn, TrainCGCNNSettings)
            train(drawn.model_copy(update={"out": run}))
            every.append(read_card(run, CGCNNCard).run.metrics["held_out/loss"])
            for line in read_metrics(run):
                trained += 1
                if promises_little(study, claim.trial, line):
                    study.optuna.tell(claim.trial, state=TrialState.PRUNED)
                    break
            else:
                found.append(every[-1])
                study.optuna.tell(claim.trial, every[-1])
    return (trained, min(found)), (len(every) * EPOCHS, min(every))


def _ms(
    make: Callable[[Path], BaseStorage],
    served: Callable[[Path], contextlib.AbstractContextManager[object]] = contextlib.nullcontext,
) -> float:
    with tempfile.TemporaryDirectory(prefix="bench-") as place, served(folder := Path(place)):
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
