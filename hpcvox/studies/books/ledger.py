"""What a study's books need of each trial, in a row of numbers, so that no trial has to be read for it.

Workers ask at each trial how many there are, which wait, which continue others and which have equal parameters.  At
30,000 trials the trials themselves take a second to read, and their rows a millisecond.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

FOLDER, TAKES_UP, ATTEMPT, SAME_AS = "run", "takes up", "attempt", "same as trial"
"""Attributes of a trial: its run folder; the trial that it continues; how often that was begun; the trial with the same
parameters whose result it shares."""

SEEN: Final = 500
"""The latest complete trials that a sampler is shown, and as many of the latest pruned ones."""
BEST: Final = 25
"""The best trials that it is shown besides: as many as Optuna's TPE takes as the good ones, however many there are."""

Rows = NDArray[Any]
"""(m,) | a row of :func:`row_type` for each trial, in the order of their numbers."""

_RUN: Final = re.compile(r"trials/\d+(-\d+)?")
_FINISHED: Final = [state.value for state in TrialState if state.is_finished()]


def row_type(objectives: int) -> np.dtype[Any]:
    """The type of a row: state; number of the trial that began its run folder (-1: none); trial that it continues (-1:
    none); hash of its parameters; values (NaN: none); place and length of the finished trial in its file (0: none).
    """
    return np.dtype(
        [
            *(("state", "i1"), ("begun", "<i4"), ("takes_up", "<i4"), ("params", "<u8")),
            *(("values", "<f8", (objectives,)), ("offset", "<i8"), ("length", "<i4")),
        ]
    )


def facts(trial: FrozenTrial, objectives: int) -> tuple[int, int, int, int, list[float]]:
    """The first columns of the row of a trial."""
    said = trial.user_attrs
    values = (trial.values or [])[:objectives]
    begun_by = begun(said[FOLDER]) if FOLDER in said else -1
    nothing = [np.nan] * (objectives - len(values))
    return trial.state.value, begun_by, said.get(TAKES_UP, -1), mark(params(trial)), [*values, *nothing]


def check(trial: FrozenTrial, trials: int, objectives: int) -> None:
    """Check that the attributes name folders of the study and other trials; the study may be a stranger's.

    Args:
        trial: the trial.
        trials: number of all trials.
        objectives: number of values of each.

    Raises:
        ValueError: an attribute is not valid.
    """
    said = trial.user_attrs
    others = [said[key] for key in (TAKES_UP, SAME_AS) if key in said]
    if not (
        _RUN.fullmatch(str(said.get(FOLDER, "trials/0")))
        and all(type(other) is int and 0 <= other < trials for other in others)
        and said.get(TAKES_UP, -1) < trial.number
        and len(trial.values or [0] * objectives) == objectives
    ):
        raise ValueError(f"trial {trial.number} is of no such study")


def params(trial: FrozenTrial) -> dict[str, Any]:
    """The parameters of a trial, also of one that waits, or whose worker was killed while it claimed it."""
    return {**trial.system_attrs.get("fixed_params", {}), **trial.params}


def mark(parameters: dict[str, Any]) -> int:
    """A hash of parameters; two that differ may have the same."""
    text = json.dumps(parameters, sort_keys=True).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")


def begun(run: str) -> int:
    """The number of the trial that has begun a run folder."""
    return int(Path(run).name.partition("-")[0])


def finished(rows: Rows) -> NDArray[np.bool_]:
    """(m,) | which trials have ended."""
    return np.isin(rows["state"], _FINISHED)


def successors(rows: Rows) -> dict[int, int]:
    """For each trial that was taken over, the later trial that continues it."""
    later = np.flatnonzero(rows["takes_up"] >= 0)
    return dict(zip(rows["takes_up"][later].tolist(), later.tolist(), strict=True))


def counting(rows: Rows) -> Rows:
    """The rows of the trials that count, without those that others have taken over and those that were never run."""
    counts = rows["begun"] >= 0
    counts[list(successors(rows))] = False
    of_these: Rows = rows[counts]
    return of_these


def shown(rows: Rows, directions: Sequence[StudyDirection], more: Sequence[int]) -> list[int]:
    """The trials that a sampler is shown to choose the next one, in order: all, unless they are very many.

    Optuna's samplers sort all that they are shown, one after the other in Python.  Beyond :data:`SEEN` they get the
    latest, the best (in each objective), and all that run or wait.

    Args:
        rows: the rows of all trials.
        directions: those of the objectives.
        more: trials that must be among them.
    """
    state = rows["state"]
    chosen = ~finished(rows)
    for of_state in (TrialState.COMPLETE, TrialState.PRUNED):
        chosen[np.flatnonzero(state == of_state.value)[-SEEN:]] = True
    complete = np.flatnonzero(state == TrialState.COMPLETE.value)
    for number, direction in enumerate(directions):
        values = rows["values"][complete, number]
        losses = -values if direction == StudyDirection.MAXIMIZE else values
        if len(losses) > SEEN:  # otherwise they are all among the latest
            chosen[complete[np.argpartition(losses, BEST)[:BEST]]] = True
    chosen[list(more)] = True
    return np.flatnonzero(chosen).tolist()
