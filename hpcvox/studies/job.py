"""``hpcvox study``: a worker, which claims trials, runs their trainings and tells Optuna the results.

A trial is an ordinary training with its own run folder; the worker reads its curve while it grows.  To end a trial
early, the worker asks the training to stop, as SLURM does, and all ranks end after the same step.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import TrialState

from hpcvox import __version__, config
from hpcvox.errors import BusyError, ConfigError
from hpcvox.files import durable
from hpcvox.process.interrupt import StopRequest
from hpcvox.process.launcher import RANKS, of_this_hpcvox
from hpcvox.process.outcome import INTERRUPTED, Outcome
from hpcvox.process.settings_files import CONFIG
from hpcvox.progress import Progress
from hpcvox.studies import pictures, shard_sets, space
from hpcvox.studies.books.ledger import ATTEMPT, FOLDER, SAME_AS
from hpcvox.studies.checkout import git_version
from hpcvox.studies.cleaning import clean
from hpcvox.studies.settings import StudySettings
from hpcvox.studies.study import Claim, Study, TakenUpError, sign_of_life
from hpcvox.terminal import say
from hpcvox.training.folder.card import read_card
from hpcvox.training.folder.metrics import read_metrics
from hpcvox.training.ranks.launch import GRACE_S, dies_with_us

LOOK_S = 0.2
"""Seconds between two looks at a trial's curve."""

TRAINING: tuple[str, ...] = (sys.executable, "-m", "hpcvox")
"""The command that starts a trial's training; its verb and its config follow."""

ERROR = "error"
"""Attribute of a trial: why it failed."""


def run(settings: StudySettings) -> Outcome:
    """Work on the study in ``settings.out`` until it has all of its trials."""
    study = Study.begin(settings)
    shard_sets.make(settings)
    begun = time.monotonic()
    with StopRequest() as stop, Progress("study", settings.trials, "trials") as bar:
        while True:
            bar.advance(settings.trials - study.left - bar.done, best=_best(study))
            if stop.received:
                return Outcome(
                    _summary(study, "interrupted: run the same command again to go on"), INTERRUPTED
                )
            late = settings.hours is not None and time.monotonic() - begun > settings.hours * 3600
            claim = None if late else study.claim()
            if claim is not None:
                _claimed(study, claim, stop)
            elif late or not study.left:
                break
            else:
                time.sleep(min(2.0, settings.heartbeat_s / 4))  # others run the last trials, and may die
    return Outcome(_summary(study, f"{settings.hours:g} hours are over" if study.left else "complete"))


def _claimed(study: Study, claim: Claim, stop: StopRequest) -> None:
    try:
        _trial(study, claim, stop)
    except (TakenUpError, UpdateFinishedTrialError):
        say(
            f"warning: trial {claim.trial.number} was given to another worker, this one having been silent for "
            f"longer than heartbeat_s={study.settings.heartbeat_s:g} (stopped, or its node): going on with the next",
            error=True,
        )
        run = claim.trial.user_attrs[FOLDER]
        if study.now(claim.trial.number).user_attrs[FOLDER] != run:
            clean(
                study.out / run / "run", TrialState.FAIL, study.settings.network.leaves
            )  # nobody will continue this run


def _trial(study: Study, claim: Claim, stop: StopRequest) -> None:
    trial, _, twin = claim
    trial.set_user_attr("node", socket.gethostname())
    trial.set_user_attr("hpcvox", __version__)
    if version := git_version():
        trial.set_user_attr("git", version)
    if twin is not None:
        _as_its_twin(study, claim, twin, stop)
        return
    if trial.user_attrs.get(ATTEMPT, 1) > 1 and not _let_go(study, claim, stop):
        if stop.received:
            study.give_back(trial.number)
            return
        claim = study.begin_anew(claim)
    folder = claim.folder
    settings = space.training(study.settings, trial.params)
    placed = settings.model_copy(update={"out": folder / "run", "ranks": study.settings.ranks})
    config.save(placed, folder / CONFIG)
    state, error = _supervised(study, trial, folder, stop)
    if state is None:
        study.give_back(trial.number)
        return
    if state == TrialState.COMPLETE:
        figures = read_card(folder / "run", study.settings.network.load("card")).run.metrics
        sign_of_life(folder)  # drawing takes a moment
        try:
            pictures.keep(trial, study.out, folder / "run", [o.metric for o in study.settings.objectives])
        except OSError as problem:  # what was found counts all the same
            say(f"warning: trial {trial.number} is without pictures: {problem}", error=True)
        study.tell(
            trial.number, [figures[objective.metric] for objective in study.settings.objectives], state
        )
    else:
        if error:
            trial.set_user_attr(ERROR, error)
        study.tell(trial.number, None, state)
    clean(folder / "run", state, study.settings.network.leaves)


def _let_go(study: Study, claim: Claim, stop: StopRequest) -> bool:
    """Wait until the earlier training in the run folder has ended; return whether it has.

    It ends with its worker, but not if that is only stopped (SIGSTOP).
    """
    ends = time.monotonic() + study.settings.heartbeat_s
    while True:
        try:
            with durable.sole_writer(claim.folder / "run"):
                return True
        except BusyError:
            if stop.received or time.monotonic() > ends:
                return False
        sign_of_life(claim.folder)
        time.sleep(min(2.0, study.settings.heartbeat_s / 6))


def _as_its_twin(study: Study, claim: Claim, twin: int, stop: StopRequest) -> None:
    """Tell Optuna the result of a trial with the same parameters, as soon as it is known."""
    while not (other := study.now(twin)).state.is_finished():
        # if that trial's worker dies and this worker is the last one, it must take over that trial first
        study.give_up_the_dead()
        if stop.received or other.state == TrialState.WAITING:
            study.give_back(claim.trial.number)
            return
        study.refuse_taken_up(claim.trial.number)
        sign_of_life(claim.folder)
        time.sleep(min(2.0, study.settings.heartbeat_s / 6))
    claim.trial.set_user_attr(SAME_AS, other.number)
    if ERROR in other.user_attrs:
        claim.trial.set_user_attr(ERROR, other.user_attrs[ERROR])
    study.tell(claim.trial.number, other.values if other.state == TrialState.COMPLETE else None, other.state)


def _supervised(
    study: Study, trial: optuna.Trial, folder: Path, stop: StopRequest
) -> tuple[TrialState | None, str]:
    """Run a trial's training; return its end (None: another worker shall continue it) and the reason of a failure."""
    command = [*TRAINING, study.settings.verb, str(folder / CONFIG)]
    with open(folder / "log.txt", "ab", opener=durable.own_file) as log:
        process = subprocess.Popen(
            [*dies_with_us(), *command],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            # workers that srun has started at once are not ranks of a training
            env={**of_this_hpcvox(os.environ), RANKS: "1"},
        )
    try:
        pruned = _watched(study, trial, folder, process, stop)
    finally:  # also if this worker fails, or another has taken over the trial
        _end(process)
    if pruned:
        return TrialState.PRUNED, ""
    if process.returncode == 0:
        return TrialState.COMPLETE, ""
    if stop.received or process.returncode == INTERRUPTED:
        return None, ""
    return TrialState.FAIL, _last_line(folder / "log.txt")


def _watched(
    study: Study, trial: optuna.Trial, folder: Path, process: subprocess.Popen[bytes], stop: StopRequest
) -> bool:
    """Follow a training to its end, and report its curve to Optuna; return whether it was ended as unpromising."""
    told, pruned = False, False
    reported, spoken = 0, 0.0
    while True:
        ended = process.poll() is not None
        if time.monotonic() - spoken > study.settings.heartbeat_s / 6:
            study.refuse_taken_up(trial.number)
            sign_of_life(folder)
            spoken = time.monotonic()
        for line in read_metrics(folder / "run")[reported:]:
            reported += 1
            _refuse_unknown(study.settings, line)
            if len(study.settings.objectives) == 1 and not pruned:
                pruned = promises_little(study, trial, line)
        if ended:
            return pruned
        if not told and (pruned or stop.received):
            process.send_signal(signal.SIGTERM)
            told = True
        time.sleep(LOOK_S)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a training that has not ended, with its ranks; it may save its state."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def promises_little(study: Study, trial: optuna.Trial, line: dict[str, Any]) -> bool:
    """Report an epoch, a line of metrics.jsonl, to Optuna; return whether the trial should be ended."""
    trial.report(line[study.settings.objectives[0].metric], line["epoch"])
    return trial.should_prune()


def _refuse_unknown(settings: StudySettings, line: dict[str, Any]) -> None:
    unknown = [objective.metric for objective in settings.objectives if objective.metric not in line]
    if unknown:
        valid = ", ".join(name for name in line if "/" in name)
        raise ConfigError(f"objectives: {settings.verb} has no figure {unknown[0]}; valid: {valid}")


def _last_line(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 4000), os.SEEK_SET)
        lines = file.read().decode(errors="replace").strip().splitlines()
    said = [line for line in lines if "error" in line.lower()]
    return (said or lines or ["it said nothing"])[-1]


def _best(study: Study) -> Any:
    best = study.best
    return "-" if best is None else f"{best:.4g}"


def _summary(study: Study, how: str) -> str:
    states = study.states
    counts = ", ".join(
        f"{states[state]} {word}"
        for state, word in (
            (TrialState.COMPLETE, "complete"),
            (TrialState.PRUNED, "pruned"),
            (TrialState.FAIL, "failed"),
            (TrialState.RUNNING, "running"),
            (TrialState.WAITING, "waiting"),
        )
        if states[state]
    )
    return f"study {how}: {counts or 'no trial'}; best {_best(study)}; in {study.out}: hpcvox study best {study.out}"
