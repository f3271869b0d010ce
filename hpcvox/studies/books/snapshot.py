"""What a study's journal has come to, so that a worker replays only the last lines of the journal.

Finished trials never change.  Each is a line of ``finished.jsonl``, which only grows, and is read when somebody asks
for it.  ``snapshot.bin`` has a row of numbers for each trial, the trials that run or wait, and how far in the journal
this is true.  It is written aside and renamed; the next writer cuts off what it does not count of the first file.
Both may be missing, or older than the journal: everything in them is in the journal, too.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import xxhash
from optuna.distributions import BaseDistribution, distribution_to_json, json_to_distribution
from optuna.study import StudyDirection
from optuna.study._frozen import FrozenStudy
from optuna.trial import FrozenTrial, TrialState

from hpcvox.errors import ConfigError
from hpcvox.files import durable
from hpcvox.studies.books.ledger import Rows, check, row_type

SNAPSHOT, FINISHED = "snapshot.bin", "finished.jsonl"

_MAGIC: Final = b"hpcvox study 1\n"
_TAIL: Final = 4096
"""Bytes of the journal before the place of a snapshot that must be as they were."""


@dataclass
class Snapshot:
    """The state of a journal with one study at one of its lines."""

    folder: Path
    log_number: int
    """Lines of the journal that it contains."""
    offset: int
    """Bytes of the journal that it contains."""
    study: FrozenStudy
    rows: Rows
    """Of all trials; those with a length are in ``finished.jsonl``, the others in :attr:`open`."""
    open: Mapping[int, FrozenTrial] = field(default_factory=dict)
    """The trials that have not finished."""
    _file: IO[bytes] | None = None

    def finished(self, number: int) -> FrozenTrial:
        """Read a finished trial.

        Raises:
            ConfigError: the file is damaged.
        """
        path = self.folder / FINISHED
        row = self.rows[number]
        try:
            if self._file is None:
                self._file = path.open("rb")
            text = os.pread(self._file.fileno(), int(row["length"]), int(row["offset"]))
            trial = _trial(json.loads(text))
            objectives = len(self.study.directions)
            check(trial, len(self.rows), objectives)
            if trial.number != number:
                raise ValueError(f"trial {trial.number} is in the place of {number}")
        except (
            OSError,
            ValueError,
            TypeError,
            KeyError,
            AttributeError,
            IndexError,
            RecursionError,
        ) as error:
            raise ConfigError(
                f"{path} is damaged: {type(error).__name__}: {error}: remove it, journal.log has all of it, too"
            ) from None
        return trial


def load(folder: Path, journal: Path) -> Snapshot | None:
    """The snapshot in ``folder``; None if there is none, or it is not of this journal."""
    try:
        data = (folder / SNAPSHOT).read_bytes()
        if not data.startswith(_MAGIC) or xxhash.xxh3_128_digest(data[:-16]) != data[-16:]:
            return None
        head, rest = data[len(_MAGIC) : -16].split(b"\n", 1)
        tree = json.loads(head)
        if (folder / FINISHED).stat().st_size < tree["bytes"] or _tail(journal, tree["offset"]) != tree[
            "tail"
        ]:
            return None
        directions = [StudyDirection(direction) for direction in tree["directions"]]
        study = FrozenStudy(
            tree["name"], None, tree["user"], tree["system"], int(tree["study"]), directions=directions
        )
        rows = np.frombuffer(rest, row_type(len(directions))).copy()
        if len(rows) and not (rows["takes_up"] < np.arange(len(rows))).all():
            return None
        still = {trial.number: trial for trial in map(_trial, tree["open"])}
        if sorted(still) != np.flatnonzero(rows["length"] <= 0).tolist():
            return None
        return Snapshot(folder, int(tree["log_number"]), int(tree["offset"]), study, rows, still)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError):
        return None


def save(
    snapshot: Snapshot, earlier: Snapshot | None, journal: Path, finished: Mapping[int, FrozenTrial]
) -> None:
    """Write ``snapshot``; the caller holds the lock of the folder's snapshots.

    Args:
        snapshot: what is written; the places of the finished trials are filled in here.
        earlier: the one that is there now, whose finished trials stay where they are.
        journal: the journal.
        finished: the finished trials that ``earlier`` does not have.
    """
    rows, size = snapshot.rows, 0
    if earlier is not None:
        of_earlier = earlier.rows
        for column in ("offset", "length"):
            rows[column][: len(of_earlier)] = of_earlier[column]
        size = int((of_earlier["offset"] + of_earlier["length"]).max(initial=0))
    path = snapshot.folder / FINISHED
    with open(path, "r+b", opener=_made) as file:
        file.truncate(size)
        file.seek(size)
        for number, trial in finished.items():
            line = json.dumps(_plain(trial), separators=(",", ":")).encode() + b"\n"
            rows[number]["offset"], rows[number]["length"] = size, len(line)
            size += file.write(line)
        file.flush()
        os.fsync(file.fileno())
    study = snapshot.study
    head = {
        "log_number": snapshot.log_number,
        "offset": snapshot.offset,
        "tail": _tail(journal, snapshot.offset),
        "bytes": size,
        "study": study._study_id,
        "name": study.study_name,
        "directions": [direction.value for direction in study.directions],
        "user": study.user_attrs,
        "system": study.system_attrs,
        "open": [_plain(trial) for trial in snapshot.open.values()],
    }
    data = _MAGIC + json.dumps(head, separators=(",", ":")).encode() + b"\n" + rows.tobytes()
    durable.write_bytes(snapshot.folder / SNAPSHOT, data + xxhash.xxh3_128_digest(data))


def _made(path: str, flags: int) -> int:
    return durable.own_file(path, flags | os.O_CREAT)


def _tail(journal: Path, offset: int) -> str:
    """A hash of the journal's bytes before ``offset``, whose lines have the times and the workers of their writing."""
    first = max(0, offset - _TAIL)
    with journal.open("rb") as file:
        return xxhash.xxh3_128_hexdigest(os.pread(file.fileno(), offset - first, first))


def _plain(trial: FrozenTrial) -> list[Any]:
    """A trial as JSON holds it."""
    times = [time and time.timestamp() for time in (trial.datetime_start, trial.datetime_complete)]
    space = {name: distribution_to_json(distribution) for name, distribution in trial.distributions.items()}
    return [
        *(trial.number, trial.state.value, trial.values, *times, trial.params, space),
        *(trial.user_attrs, trial.system_attrs, trial.intermediate_values),
    ]


def _trial(plain: list[Any]) -> FrozenTrial:
    number, state, values, start, complete, params, space, user, system, intermediate = plain
    return FrozenTrial(
        number=number,
        state=TrialState(state),
        value=None,
        values=values,
        datetime_start=None if start is None else datetime.fromtimestamp(start),
        datetime_complete=None if complete is None else datetime.fromtimestamp(complete),
        params=params,
        distributions={name: _distribution(text) for name, text in space.items()},
        user_attrs=user,
        system_attrs=system,
        intermediate_values={int(step): value for step, value in intermediate.items()},
        trial_id=number,
    )


@lru_cache(maxsize=1024)
def _distribution(text: str) -> BaseDistribution:
    return json_to_distribution(text)
