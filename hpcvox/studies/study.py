"""A study on disk: what it asks for, which of its trials count, and whose workers are dead.

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
from hpcvox.studies import shard_sets, space
from hpcvox.studies.journal import JOURNAL, locked, storage
from hpcvox.studies.settings import StudySettings

MAY_CHANGE = {"trials", "hours", "retries", "heartbeat_s", "ranks", "featurize"}
"""Settings with which a study may go on though they differ from those it began with.

Of ``featurize`` what decides on the samples is held by the shard sets themselves.
"""

FOLDER, TAKES_UP, ATTEMPT, SAME_AS = "run", "takes up", "attempt", "same as trial"
"""Attributes of a trial: its run folder; the trial that it goes on with; how often that was begun; whose result it has,
their parameters being the same."""

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
"""What Optuna raises of a journal that it has not written."""

_RUN: Final = re.compile(r"trials/\d+(-\d+)?")


class TakenUpError(Exception):
    """Another worker has taken up a trial, this one having given no sign of life for too long."""


class Claim(NamedTuple):
    """A trial as its worker holds it."""

    trial: optuna.Trial
    folder: Path
    twin: int | None
    """Number of an earlier trial of the same parameters, whose result is this one's, too."""


class Study:
    """What workers and readers of a study share."""

    def __init__(self, settings: StudySettings, of_optuna: optuna.Study) -> None:
        self.settings, self.optuna, self.out = settings, of_optuna, settings.out
        self._space: dict[str, BaseDistribution] = space.distributions(settings)

    @classmethod
    def begin(cls, settings: StudySettings) -> "Study":
        """The study in ``settings.out``, made where there is none.

        Raises:
            ConfigError: the space is not one of the training's, or the folder holds another study.
            ShardError: a shard set is not there, nor does the study say how to make it.
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
        """The study in ``out``, to be looked at.

        Raises:
            ConfigError: there is none, or its journal is damaged.
        """
        if not (out / JOURNAL).is_file():
            raise ConfigError(f"{out} holds no study: there is no {JOURNAL} in it (see: hpcvox study --help)")
        settings = config.load(StudySettings, out / "config.yaml").model_copy(update={"out": out})
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
        """Where Optuna keeps the study, for another reader."""
        return storage(self.out)

    @property
    def trials(self) -> list[FrozenTrial]:
        """All that count: not those that others have taken up, nor those that were never run."""
        every = self._every()
        taken = _successors(every)
        return [trial for trial in every if trial.number not in taken and FOLDER in trial.user_attrs]

    @property
    def left(self) -> int:
        """How many trials the study still lacks, those that are running among them."""
        done = sum(trial.state.is_finished() for trial in self.trials)
        return max(0, self.settings.trials - done)

    def claim(self) -> Claim | None:
        """A trial for this worker; None where there is none to begin (some may be running)."""
        self.give_up_the_dead()
        with _lock(self.out):
            trials = self.trials
            waiting = any(trial.state == TrialState.WAITING for trial in trials)
            return self._ask() if waiting or len(trials) < self.settings.trials else None

    def give_up_the_dead(self) -> None:
        """Let other workers take up the trials of those that give no sign of life."""
        with _lock(self.out):
            every = self._every()
            taken = _successors(every)
            now = _file_time(self.out)
            for trial in every:
                if trial.state != TrialState.RUNNING:
                    continue
                # its worker was killed while it asked for it, or while it gave it back
                if FOLDER not in trial.user_attrs or trial.number in taken:
                    self.optuna.tell(trial.number, state=TrialState.FAIL)
                elif now - _last_sign(self.out / trial.user_attrs[FOLDER]) > self.settings.heartbeat_s:
                    if trial.user_attrs.get(ATTEMPT, 1) <= self.settings.retries:
                        self._give_back(trial)
                    else:
                        self.optuna.tell(trial.number, state=TrialState.FAIL)

    def now(self, number: int) -> FrozenTrial:
        """The trial ``number``, or the last that has taken it up."""
        every = self._every()
        successors = _successors(every)
        while number in successors:
            number = successors[number]
        return every[number]

    def refuse_taken_up(self, number: int) -> None:
        """Raise :class:`TakenUpError` unless the trial is still its worker's."""
        every = self._every()
        if every[number].state != TrialState.RUNNING or number in _successors(every):
            raise TakenUpError(f"trial {number}")

    def tell(self, number: int, values: Sequence[float] | None, state: TrialState) -> None:
        """Say what came of a trial.

        Raises:
            TakenUpError: it is no longer this worker's to say.
        """
        with _lock(self.out):
            self.refuse_taken_up(number)
            self.optuna.tell(number, values, state=state)

    def give_back(self, number: int) -> None:
        """Let another worker take up a trial where its run has its last checkpoint.

        Raises:
            TakenUpError: one already has.
        """
        with _lock(self.out):
            self.refuse_taken_up(number)
            self._give_back(self._every()[number])

    def begin_anew(self, claim: Claim) -> Claim:
        """The trial with a folder of its own, where another worker's training does not let go of the one it had."""
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
        # Of the seed and the choices before alone: a worker that begins anew chooses as it would have.
        chosen = sum(FOLDER in trial.user_attrs and TAKES_UP not in trial.user_attrs for trial in every)
        self.optuna.sampler = _SAMPLERS[self.settings.sampler](self.settings.seed * 100_003 + chosen)
        trial = self.optuna.ask(self._space)
        run = trial.user_attrs.get(FOLDER, f"trials/{trial.number:04d}")
        folder = self._folder(run)
        # Of two that are tried at once the one begun first is trained, whoever has taken it up since.
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
    """See that trials name folders of the study and other trials, as workers write it: it may be a stranger's.

    Raises:
        ValueError: one does not.
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
    """Which trial has taken up which: the later by the earlier."""
    return {trial.user_attrs[TAKES_UP]: trial.number for trial in every if TAKES_UP in trial.user_attrs}


def _params(trial: FrozenTrial) -> dict[str, Any]:
    """Those of a trial, also of one that waits, or whose worker was killed while it asked for them."""
    return {**trial.system_attrs.get("fixed_params", {}), **trial.params}


def _begun(run: str) -> int:
    """Which trial has begun a run, or the one that it was begun anew for."""
    return int(Path(run).name.partition("-")[0])


def sign_of_life(folder: Path) -> None:
    """Say that the worker of the trial in ``folder`` is there."""
    (folder / ALIVE).touch()


def _last_sign(folder: Path) -> float:
    try:
        return (folder / ALIVE).stat().st_mtime
    except OSError:  # the folder was taken away
        return 0.0


def _lock(out: Path) -> contextlib.AbstractContextManager[None]:
    return locked(out / ".study.lock")


def _file_time(out: Path) -> float:
    """What time it is for the file system, whose clock may not be this node's."""
    path = out / f".now-{os.getpid()}-{time.monotonic_ns()}"
    path.touch()
    try:
        return path.stat().st_mtime
    finally:
        path.unlink()
