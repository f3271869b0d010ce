"""A study's storage opens from its snapshot as from its journal, whatever became of the snapshot."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from hpcvox.errors import ConfigError
from hpcvox.studies.books import ledger
from hpcvox.studies.books import storage as storages
from hpcvox.studies.books.journal import JOURNAL
from hpcvox.studies.books.ledger import BEST, FOLDER, SEEN, TAKES_UP
from hpcvox.studies.books.snapshot import FINISHED, SNAPSHOT
from hpcvox.studies.books.storage import storage

Direction = Literal["minimize", "maximize"]
SPACE: dict[str, optuna.distributions.BaseDistribution] = {
    "rate": FloatDistribution(1e-5, 1e-2, log=True),
    "layers": IntDistribution(1, 3),
    "optimizer": CategoricalDistribution(["adam", "lion", None, 3]),
}
STATES = [TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL, TrialState.COMPLETE]


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storages, "EVERY", 20)


def searched(folder: Path, trials: int, directions: tuple[Direction, ...] = ("minimize",)) -> None:
    """A study of finished trials of all kinds, one that runs and one that waits; several workers made it."""
    for first in range(0, trials, 10):  # each of them opens it anew
        study = optuna.create_study(
            storage=storage(folder), study_name="x", directions=directions, load_if_exists=True
        )
        study.sampler = optuna.samplers.RandomSampler(seed=first)
        for number in range(first, first + 10):
            trial = study.ask(SPACE)
            trial.set_user_attr(FOLDER, f"trials/{number:04d}")
            if len(directions) == 1:  # Optuna takes no reports of several objectives
                trial.report(trial.params["rate"], 1)
                trial.report(float("nan"), 2)
            state = STATES[number % 4]
            values = [trial.params["rate"]] * len(directions) if state == TrialState.COMPLETE else None
            study.tell(trial, values, state)
    study.enqueue_trial({"rate": 1e-3}, user_attrs={TAKES_UP: 0, FOLDER: "trials/0000"})
    optuna.load_study(storage=storage(folder), study_name="x").ask(SPACE)
    study.enqueue_trial({"layers": 2})


def of_optuna(folder: Path) -> list[FrozenTrial]:
    """The trials that Optuna's own journal reads."""
    kept = JournalStorage(JournalFileBackend(str(folder / JOURNAL)))
    return optuna.load_study(storage=kept, study_name="x").get_trials(deepcopy=False)


def told(trials: list[FrozenTrial]) -> list[str]:
    return [repr(trial) for trial in trials]  # NaN is not equal to itself


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize("directions", [("minimize",), ("maximize", "minimize")])
def test_from_its_snapshot_a_study_has_the_trials_of_its_journal(
    tmp_path: Path, directions: tuple[Direction, ...]
) -> None:
    searched(tmp_path, 40, directions)
    opened = storage(tmp_path)
    assert not opened.read(0) or len(opened.read(0)) < 30  # the others are still on disk
    study = optuna.load_study(storage=opened, study_name="x")
    every = of_optuna(tmp_path)
    waiting = study.get_trials(deepcopy=False, states=(TrialState.WAITING, TrialState.FAIL))
    assert told(waiting) == told([t for t in every if t.state in (TrialState.WAITING, TrialState.FAIL)])
    assert told(study.trials) == told(every)
    rows = opened.rows(0)
    k = len(directions)
    for row, trial in zip(rows, every, strict=True):
        np.testing.assert_equal(row.tolist()[:5], [*ledger.facts(trial, k)])
    if k == 1:
        assert study.best_value == min(t.value for t in every if t.value is not None)


def torn(folder: Path) -> None:
    with (folder / SNAPSHOT).open("r+b") as file:
        file.truncate(200)


def of_another_journal(folder: Path) -> None:
    lines = (folder / JOURNAL).read_text("utf-8").splitlines(keepends=True)
    (folder / JOURNAL).write_text("".join(lines[:100]), "utf-8")


def killed_while_writing(folder: Path) -> None:
    with (folder / FINISHED).open("ab") as file:
        file.write(b'[41,1,[0.5],"half a li')


def gone(folder: Path) -> None:
    (folder / FINISHED).unlink()


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize("harm", [torn, of_another_journal, killed_while_writing, gone])
def test_whatever_becomes_of_a_snapshot_no_trial_is_lost(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    searched(tmp_path, 30)
    harm(tmp_path)
    for _ in range(12):  # the next snapshots are written over it
        study = optuna.load_study(storage=storage(tmp_path), study_name="x")
        study.tell(study.ask(SPACE), 1.0)
        assert told(study.trials) == told(of_optuna(tmp_path))
    text = (tmp_path / FINISHED).read_text("utf-8")
    numbers = [json.loads(line)[0] for line in text.splitlines()]
    assert len(set(numbers)) == len(numbers) > 20


@pytest.mark.usefixtures("often")
def test_a_strangers_finished_trials_are_told_on_one_line(tmp_path: Path) -> None:
    searched(tmp_path, 30)
    text = (tmp_path / FINISHED).read_bytes()
    (tmp_path / FINISHED).write_bytes(text.replace(b"trials/0003", b"../../other"))
    study = optuna.load_study(storage=storage(tmp_path), study_name="x")
    with pytest.raises(
        ConfigError, match=r"finished\.jsonl is damaged: .*trial 3 is of no such study"
    ) as error:
        study.get_trials()
    assert "\n" not in str(error.value)


def test_a_sampler_sees_the_best_the_latest_and_all_that_run() -> None:
    rows = np.zeros(3 * SEEN, ledger.row_type(1))
    rows["state"] = TrialState.COMPLETE.value
    rows["values"][:, 0] = np.arange(3 * SEEN)
    rows["state"][[40, 60]] = TrialState.RUNNING.value, TrialState.WAITING.value
    minimize, maximize = optuna.study.StudyDirection.MINIMIZE, optuna.study.StudyDirection.MAXIMIZE
    latest = list(range(2 * SEEN, 3 * SEEN))
    assert ledger.shown(rows, [minimize], [70]) == [*range(BEST), 40, 60, 70, *latest]
    assert ledger.shown(rows, [maximize], []) == [40, 60, *latest]
    assert ledger.shown(rows[:SEEN], [minimize], []) == list(range(SEEN))


def journal_of(folder: Path, trials: int) -> None:
    """A journal as Optuna writes it, of finished trials."""
    study = optuna.create_study(storage=storage(folder), study_name="x")
    trial = study.ask(SPACE)
    study.tell(trial, 1.0)
    lines = (folder / JOURNAL).read_text("utf-8").splitlines()
    with (folder / JOURNAL).open("a", encoding="utf-8") as file:
        for number in range(1, trials):
            for line in lines[1:]:
                operation = json.loads(line)
                if "trial_id" in operation:
                    operation["trial_id"] = number
                file.write(json.dumps(operation) + "\n")


def test_opening_many_trials_costs_a_hundredth_of_reading_the_journal(tmp_path: Path) -> None:
    journal_of(tmp_path, 2000)
    begun = time.process_time()
    study = optuna.load_study(storage=storage(tmp_path), study_name="x")
    assert len(study.get_trials(deepcopy=False)) == 2000
    reading = time.process_time() - begun
    study.ask(SPACE)  # writes the snapshot
    begun = time.process_time()
    opened = storage(tmp_path)
    assert len(opened.rows(0)) == 2001
    assert time.process_time() - begun < reading / 20
