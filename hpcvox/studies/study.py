"""A study on disk: its settings, the trials that count, and the trials whose workers are dead.

``journal.log`` is Optuna's storage, ``artifacts/`` has the pictures that it names, ``config.yaml`` the study's
settings, and ``trials/0007/`` the run of a trial.
"""

import contextlib
import os
import re
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import optuna
from optuna.distributions import BaseDistribution
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from hpcvox import config
from hpcvox.errors import ConfigError
from hpcvox.process.settings_files import CONFIG
from hpcvox.studies import shard_sets, space
from hpcvox.studies.journal import JOURNAL, locked, storage
from hpcvox.studies.settings import StudySettings

MAY_CHANGE = {"trials", "hours", "retries", "heartbeat_s", "ranks", "featurize"}
"""Settings that may change while a study goes on.

``featurize`` is among them, because the shard sets themselves hold the settings that change their samples.
"""

FOLDER, TAKES_UP, ATTEMPT, SAME_AS = "run", "takes up", "attempt", "same as trial"
"""Attributes of a trial: its run folder; the trial that it continues; how often that was begun; the trial with the same
parameters whose result it shares."""

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

_RUN: Final = re.compile(r"trials/\d+(-\d+)?")


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

    def __init__(self, settings: StudySettings, of_optuna: optuna.Study) -> None:
        self.settings, self.optuna, self.out = settings, of_optuna, settings.out
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
            made = optuna.create_study(
                storage=storage(settings.out),
                study_name=_NAME,
                directions=[objective.direction for objective in settings.objectives],
                load_if_exists=True,
                pruner=_PRUNERS[settings.pruner](settings),
            )
            with warnings.catch_warnings(action="ignore", category=optuna.exceptions.ExperimentalWarning):
                made.set_metric_names([objective.metric for objective in settings.objectives])
        return cls(settings, made)

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
            study = cls(settings, optuna.load_study(study_name=_NAME, storage=storage(out)))
            _check_attributes(study._every(), len(settings.objectives))
            return study
        except KeyError:
            raise ConfigError(
                f"{out} holds no study yet: its first worker was only beginning it; look again, or run that again"
            ) from None
        except _DAMAGED as error:
            raise ConfigError(f"{out / JOURNAL} is damaged: {type(error).__name__}: {error}") from None

    @property
    def storage(self) -> BaseStorage:
        """Optuna's storage of the study, for other readers."""
        return storage(self.out)

    @property
    def trials(self) -> list[FrozenTrial]:
        """All trials that count, without those that others have taken over and those that were never run."""
        every = self._every()
        taken = _successors(every)
        return [trial for trial in every if trial.number not in taken and FOLDER in trial.user_attrs]

    @property
    def left(self) -> int:
        """How many trials the study still lacks, including those that are running."""
        done = sum(trial.state.is_finished() for trial in self.trials)
        return max(0, self.settings.trials - done)

    def claim(self) -> Claim | None:
        """Claim a trial for this worker; None if there is none to begin (some may be running)."""
        self.give_up_the_dead()
        with _lock(self.out):
            trials = self.trials
            waiting = any(trial.state == TrialState.WAITING for trial in trials)
            return self._ask() if waiting or len(trials) < self.settings.trials else None

    def give_up_the_dead(self) -> None:
        """Release the trials of workers without a sign of life, so that other workers can take them over."""
        with _lock(self.out):
            every = self._every()
            taken = _successors(every)
            now = _file_time(self.out)
            for trial in every:
                if trial.state != TrialState.RUNNING:
                    continue
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
        every = self._every()
        successors = _successors(every)
        while number in successors:
            number = successors[number]
        return every[number]

    def refuse_taken_up(self, number: int) -> None:
        """Raise :class:`TakenUpError` if another worker has taken over the trial."""
        every = self._every()
        if every[number].state != TrialState.RUNNING or number in _successors(every):
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
            self._give_back(self._every()[number])

    def begin_anew(self, claim: Claim) -> Claim:
        """Give the trial a new run folder, because another worker's training still holds the old one."""
        run = f"trials/{_begun(claim.folder.name):04d}-{claim.trial.number:04d}"
        folder = self._folder(run)
        claim.trial.set_user_attr(FOLDER, run)
        return claim._replace(folder=folder)

    def _every(self) -> list[FrozenTrial]:
        return self.optuna.get_trials(deepcopy=False)

    def _give_back(self, trial: FrozenTrial) -> None:
        attributes = {
            FOLDER: trial.user_attrs[FOLDER],
            ATTEMPT: trial.user_attrs.get(ATTEMPT, 1) + 1,
            TAKES_UP: trial.number,
        }
        self.optuna.enqueue_trial(_params(trial), user_attrs=attributes)
        self.optuna.tell(trial.number, state=TrialState.FAIL)

    def _ask(self) -> Claim:
        every = self._every()
        # depends only on the seed and the earlier choices, so that a restarted worker makes the same choice
        chosen = sum(FOLDER in trial.user_attrs and TAKES_UP not in trial.user_attrs for trial in every)
        self.optuna.sampler = _SAMPLERS[self.settings.sampler](self.settings.seed * 100_003 + chosen)
        trial = self.optuna.ask(self._space)
        run = trial.user_attrs.get(FOLDER, f"trials/{trial.number:04d}")
        folder = self._folder(run)
        # of two running trials with equal parameters only the earlier one is trained, whoever has taken it over since
        twins = [
            other.number
            for other in every
            if _params(other) == trial.params and _begun(other.user_attrs.get(FOLDER, run)) < _begun(run)
        ]
        trial.set_user_attr(FOLDER, run)
        return Claim(trial, folder, twins[0] if twins else None)

    def _folder(self, run: str) -> Path:
        folder = self.out / run
        folder.mkdir(parents=True, exist_ok=True)
        sign_of_life(folder)
        return folder


def _check_attributes(every: Sequence[FrozenTrial], objectives: int) -> None:
    """Check that the attributes of trials name folders of the study and other trials; the study may be a stranger's.

    Raises:
        ValueError: an attribute is not valid.
    """
    for trial in every:
        said = trial.user_attrs
        others = [said[key] for key in (TAKES_UP, SAME_AS) if key in said]
        if not (
            _RUN.fullmatch(str(said.get(FOLDER, "trials/0")))
            and all(type(other) is int and 0 <= other < len(every) for other in others)
            and said.get(TAKES_UP, -1) < trial.number
            and len(trial.values or [0] * objectives) == objectives
        ):
            raise ValueError(f"trial {trial.number} is of no such study")


def _successors(every: list[FrozenTrial]) -> dict[int, int]:
    """For each trial that was taken over, the later trial that continues it."""
    return {trial.user_attrs[TAKES_UP]: trial.number for trial in every if TAKES_UP in trial.user_attrs}


def _params(trial: FrozenTrial) -> dict[str, Any]:
    """The parameters of a trial, also of one that waits, or whose worker was killed while it claimed it."""
    return {**trial.system_attrs.get("fixed_params", {}), **trial.params}


def _begun(run: str) -> int:
    """The number of the trial that has begun a run folder."""
    return int(Path(run).name.partition("-")[0])


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
