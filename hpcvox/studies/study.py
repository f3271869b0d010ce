"""A study on disk: its settings, the trials that count, and the trials whose workers are dead.

``journal.log`` is Optuna's storage, ``artifacts/`` has the pictures that it names, ``config.yaml`` the study's
settings, and ``trials/0007/`` the run of a trial.
"""

import contextlib
import os
import time
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

from hpcvox import config
from hpcvox.errors import ConfigError
from hpcvox.process.settings_files import CONFIG
from hpcvox.studies import shard_sets, space
from hpcvox.studies.books import ledger
from hpcvox.studies.books.journal import JOURNAL, locked
from hpcvox.studies.books.ledger import ATTEMPT, FOLDER, TAKES_UP, Rows
from hpcvox.studies.books.storage import StudyStorage, storage
from hpcvox.studies.settings import StudySettings

MAY_CHANGE = {"trials", "hours", "retries", "heartbeat_s", "ranks", "featurize"}
"""Settings that may change while a study goes on.

``featurize`` is among them, because the shard sets themselves hold the settings that change their samples.
"""

ALIVE = ".alive"
"""File in a trial's folder that its worker touches."""

_NAME: Final = "study"
_SAMPLERS: Final[dict[str, Callable[[int], BaseSampler]]] = {
    "tpe": lambda seed: TPESampler(seed=seed, constant_liar=True),
    "random": lambda seed: RandomSampler(seed=seed),
    "nsga2": lambda seed: NSGAIISampler(seed=seed),
}
_PRUNERS: Final[dict[str, Callable[[StudySettings], BasePruner]]] = {
    "none": lambda settings: NopPruner(),
    "median": lambda settings: MedianPruner(n_startup_trials=2, n_warmup_steps=settings.warmup_epochs),
    "halving": lambda settings: SuccessiveHalvingPruner(min_resource=max(1, settings.warmup_epochs)),
    "hyperband": lambda settings: HyperbandPruner(min_resource=max(1, settings.warmup_epochs)),
}


_DAMAGED: Final = (ValueError, TypeError, AttributeError, IndexError, AssertionError, RecursionError)
"""The exceptions of Optuna for a journal that it has not written."""


class TakenUpError(Exception):
    """Another worker has taken over a trial, because this one gave no sign of life for too long."""


class Claim(NamedTuple):
    """A trial that a worker has claimed."""

    trial: optuna.Trial
    folder: Path
    twin: int | None
    """Number of an earlier trial with the same parameters, whose result this one shares; None if there is none."""


class Study:
    """A study, as workers and readers use it."""

    def __init__(self, settings: StudySettings, of_optuna: optuna.Study, kept: StudyStorage) -> None:
        self.settings, self.optuna, self.out = settings, of_optuna, settings.out
        self._kept = kept
        self._space: dict[str, BaseDistribution] = space.distributions(settings)

    @classmethod
    def begin(cls, settings: StudySettings) -> "Study":
        """Open the study in ``settings.out``, or make it if there is none.

        Raises:
            ConfigError: the training does not allow the space, or the folder holds another study.
            ShardError: a shard set is missing, and the study does not say how to make it.
        """
        space.check(settings)
        shard_sets.check(settings)
        settings.out.mkdir(parents=True, exist_ok=True)
        with _lock(settings.out):
            config.claim(settings, settings.out, MAY_CHANGE)
            kept = storage(settings.out)
            made = optuna.create_study(
                storage=kept,
                study_name=_NAME,
                directions=[objective.direction for objective in settings.objectives],
                load_if_exists=True,
                pruner=_PRUNERS[settings.pruner](settings),
            )
            with warnings.catch_warnings(action="ignore", category=optuna.exceptions.ExperimentalWarning):
                made.set_metric_names([objective.metric for objective in settings.objectives])
        return cls(settings, made, kept)

    @classmethod
    def open(cls, out: Path) -> "Study":
        """Open the study in ``out`` for reading.

        Raises:
            ConfigError: there is none, or its journal is damaged.
        """
        if not (out / JOURNAL).is_file():
            raise ConfigError(f"{out} holds no study: there is no {JOURNAL} in it (see: hpcvox study --help)")
        settings = config.load(StudySettings, out / CONFIG).model_copy(update={"out": out})
        try:
            kept = storage(out)
            study = cls(settings, optuna.load_study(study_name=_NAME, storage=kept), kept)
            rows, objectives = study._count(), len(settings.objectives)
            for trial in kept.read(study.optuna._study_id):
                ledger.check(trial, rows, objectives)
            study._rows()
            return study
        except KeyError:
            raise ConfigError(
                f"{out} holds no study yet: its first worker was only beginning it; look again, or run that again"
            ) from None
        except _DAMAGED as error:
            raise ConfigError(f"{out / JOURNAL} is damaged: {type(error).__name__}: {error}") from None

    @property
    def storage(self) -> StudyStorage:
        """Optuna's storage of the study, for other readers."""
        return storage(self.out)

    @property
    def trials(self) -> list[FrozenTrial]:
        """All trials that count, without those that others have taken over and those that were never run."""
        every = self._every()
        taken = ledger.successors(self._rows())
        return [trial for trial in every if trial.number not in taken and FOLDER in trial.user_attrs]

    @property
    def states(self) -> Counter[TrialState]:
        """How many trials that count are in each state."""
        counts = np.bincount(ledger.counting(self._rows())["state"], minlength=len(TrialState)).tolist()
        return Counter({state: counts[state.value] for state in TrialState})

    @property
    def left(self) -> int:
        """How many trials the study still lacks, including those that are running."""
        return max(0, self.settings.trials - int(ledger.finished(ledger.counting(self._rows())).sum()))

    @property
    def best(self) -> float | None:
        """The best value; None if no trial is complete, or there are several objectives."""
        if len(self.settings.objectives) > 1 or not self.states[TrialState.COMPLETE]:
            return None
        rows = ledger.counting(self._rows())
        values = rows["values"][rows["state"] == TrialState.COMPLETE.value]
        return float(values.min() if self.settings.objectives[0].direction == "minimize" else values.max())

    def claim(self) -> Claim | None:
        """Claim a trial for this worker; None if there is none to begin (some may be running)."""
        self.give_up_the_dead()
        with _lock(self.out):
            states = self.states
            more = states[TrialState.WAITING] or states.total() < self.settings.trials
            return self._ask() if more else None

    def give_up_the_dead(self) -> None:
        """Release the trials of workers without a sign of life, so that other workers can take them over."""
        with _lock(self.out):
            rows = self._rows()
            taken = ledger.successors(rows)
            now = _file_time(self.out)
            for number in np.flatnonzero(rows["state"] == TrialState.RUNNING.value).tolist():
                trial = self._trial(number)
                # its worker was killed while it claimed the trial, or while it gave it back
                if FOLDER not in trial.user_attrs or trial.number in taken:
                    self.optuna.tell(trial.number, state=TrialState.FAIL)
                elif now - _last_sign(self.out / trial.user_attrs[FOLDER]) > self.settings.heartbeat_s:
                    if trial.user_attrs.get(ATTEMPT, 1) <= self.settings.retries:
                        self._give_back(trial)
                    else:
                        self.optuna.tell(trial.number, state=TrialState.FAIL)

    def now(self, number: int) -> FrozenTrial:
        """The trial ``number``, or the last one that has taken it over."""
        successors = ledger.successors(self._rows())
        while number in successors:
            number = successors[number]
        return self._trial(number)

    def refuse_taken_up(self, number: int) -> None:
        """Raise :class:`TakenUpError` if another worker has taken over the trial."""
        rows = self._rows()
        if rows["state"][number] != TrialState.RUNNING.value or number in ledger.successors(rows):
            raise TakenUpError(f"trial {number}")

    def tell(self, number: int, values: Sequence[float] | None, state: TrialState) -> None:
        """Tell Optuna the result of a trial.

        Raises:
            TakenUpError: another worker has taken over the trial.
        """
        with _lock(self.out):
            self.refuse_taken_up(number)
            self.optuna.tell(number, values, state=state)

    def give_back(self, number: int) -> None:
        """Release a trial, so that another worker can continue it from its last checkpoint.

        Raises:
            TakenUpError: another worker has already taken it over.
        """
        with _lock(self.out):
            self.refuse_taken_up(number)
            self._give_back(self._trial(number))

    def begin_anew(self, claim: Claim) -> Claim:
        """Give the trial a new run folder, because another worker's training still holds the old one."""
        run = f"trials/{ledger.begun(claim.folder.name):04d}-{claim.trial.number:04d}"
        folder = self._folder(run)
        claim.trial.set_user_attr(FOLDER, run)
        return claim._replace(folder=folder)

    def _every(self) -> list[FrozenTrial]:
        return self.optuna.get_trials(deepcopy=False)

    def _rows(self) -> Rows:
        return self._kept.rows(self.optuna._study_id)

    def _count(self) -> int:
        return len(self._kept.numbers(self.optuna._study_id))

    def _trial(self, number: int) -> FrozenTrial:
        return self._kept.of_number(self.optuna._study_id, number)

    def _give_back(self, trial: FrozenTrial) -> None:
        attributes = {
            FOLDER: trial.user_attrs[FOLDER],
            ATTEMPT: trial.user_attrs.get(ATTEMPT, 1) + 1,
            TAKES_UP: trial.number,
        }
        self.optuna.enqueue_trial(ledger.params(trial), user_attrs=attributes)
        self.optuna.tell(trial.number, state=TrialState.FAIL)

    def _ask(self) -> Claim:
        rows = self._rows()
        # depends only on the seed and the earlier choices, so that a restarted worker makes the same choice
        chosen = int(((rows["begun"] >= 0) & (rows["takes_up"] < 0)).sum())
        self.optuna.sampler = _SAMPLERS[self.settings.sampler](self.settings.seed * 100_003 + chosen)
        with self._kept.showing(self._shown(rows)):
            trial = self.optuna.ask(self._space)
        run = trial.user_attrs.get(FOLDER, f"trials/{trial.number:04d}")
        folder = self._folder(run)
        # of two running trials with equal parameters only the earlier one is trained, whoever has taken it over since
        parameters = trial.params
        alike = (rows["params"] == ledger.mark(parameters)) & (rows["begun"] >= 0)
        alike &= rows["begun"] < ledger.begun(run)
        twins = (n for n in np.flatnonzero(alike).tolist() if ledger.params(self._trial(n)) == parameters)
        trial.set_user_attr(FOLDER, run)
        return Claim(trial, folder, next(twins, None))

    def _shown(self, rows: Rows) -> list[int]:
        """The trials that the sampler sees; one that draws at random needs none but those that wait."""
        if self.settings.sampler == "random":
            return np.flatnonzero(~ledger.finished(rows)).tolist()
        of_study = self._kept.get_study_system_attrs(self.optuna._study_id)
        return ledger.shown(rows, self.optuna.directions, _parents(of_study))

    def _folder(self, run: str) -> Path:
        folder = self.out / run
        folder.mkdir(parents=True, exist_ok=True)
        sign_of_life(folder)
        return folder


def _parents(of_study: Mapping[str, Any]) -> list[int]:
    """The trials whose children NSGA-II makes now: Optuna keeps their ids with the study, by generation."""
    prefix = NSGAIISampler._get_parent_cache_key_prefix()
    generations = sorted((int(key[len(prefix) :]), key) for key in of_study if key.startswith(prefix))
    return [number for _, key in generations[-2:] for number in of_study[key]]


def sign_of_life(folder: Path) -> None:
    """Record that the worker of the trial in ``folder`` is alive."""
    (folder / ALIVE).touch()


def _last_sign(folder: Path) -> float:
    try:
        return (folder / ALIVE).stat().st_mtime
    except OSError:  # the folder was removed
        return 0.0


def _lock(out: Path) -> contextlib.AbstractContextManager[None]:
    return locked(out / ".study.lock")


def _file_time(out: Path) -> float:
    """The time on the clock of the file system, which may differ from that of this node."""
    path = out / f".now-{os.getpid()}-{time.monotonic_ns()}"
    path.touch()
    try:
        return path.stat().st_mtime
    finally:
        path.unlink()
