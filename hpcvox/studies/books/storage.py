"""Optuna's storage of a study: its journal, opened from the last snapshot; finished trials are read when asked for.

Optuna's own journal reads every line anew in each process that opens it, which is a minute at 30,000 trials.
"""

import contextlib
from collections.abc import Container, Iterator, MutableMapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from optuna.storages import JournalStorage
from optuna.storages.journal._storage import JournalStorageReplayResult
from optuna.study import StudyDirection
from optuna.study._frozen import FrozenStudy
from optuna.trial import FrozenTrial, TrialState

from hpcvox.errors import BusyError
from hpcvox.studies.books import ledger, snapshot
from hpcvox.studies.books.journal import JOURNAL, Journal, locked
from hpcvox.studies.books.ledger import Rows, row_type
from hpcvox.studies.books.snapshot import Snapshot

EVERY: Final = 500
"""Lines of the journal after which the next snapshot is written: replaying them takes some hundredths of a second."""


class Trials(MutableMapping[int, FrozenTrial]):
    """The trials by their ids, with a row of numbers for each; finished ones of a snapshot are read when asked for."""

    def __init__(self, begun: Snapshot | None = None) -> None:
        self._snapshot = begun
        self._rows: Rows = np.zeros(0, row_type(1)) if begun is None else begun.rows
        self._known: dict[int, FrozenTrial] = {} if begun is None else dict(begun.open)
        self._changed: set[int] = set()
        self._count = len(self._rows)

    def __getitem__(self, number: int) -> FrozenTrial:
        if (trial := self._known.get(number)) is None:
            if self._snapshot is None or not 0 <= number < len(self._snapshot.rows):
                raise KeyError(number)
            trial = self._known[number] = self._snapshot.finished(number)
        return trial

    def __setitem__(self, number: int, trial: FrozenTrial) -> None:
        self._known[number] = trial
        self._changed.add(number)
        self._count = max(self._count, number + 1)

    def __delitem__(self, number: int) -> None:
        raise TypeError("Optuna removes no trial")

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[int]:
        return iter(range(self._count))

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and 0 <= number < self._count

    def rows(self, objectives: int) -> Rows:
        """The rows of all trials."""
        kind = row_type(objectives)
        if self._count > len(self._rows) or self._rows.dtype != kind:
            more = np.zeros(self._count + self._count // 4 + 64, kind)
            if self._rows.dtype == kind:
                more[: len(self._rows)] = self._rows
            self._rows = more
        for number in self._changed:
            known = ledger.facts(self._known[number], objectives)
            self._rows[number] = (*known, *self._rows[number].tolist()[len(known) :])
        self._changed.clear()
        return self._rows[: self._count]


class _Replayed(JournalStorageReplayResult):
    """The state of the journal at one of its lines."""

    only: list[int] | None = None
    """The trials that are shown; None: all."""

    def __init__(self, worker_id_prefix: str, begun: Snapshot | None) -> None:
        super().__init__(worker_id_prefix)
        self.trials: Trials = Trials(begun)
        self._trials = self.trials  # type: ignore[assignment] # Optuna uses no more of a dict than this has
        self._last_created_trial_id_by_this_process = -1
        if begun is not None:
            numbers = list(range(len(begun.rows)))
            study = begun.study._study_id
            self.log_number_read, self._next_study_id = begun.log_number, study + 1
            self._studies = {study: begun.study}
            self._study_id_to_trial_ids = {study: numbers}
            self._trial_id_to_study_id = dict.fromkeys(numbers, study)

    def rows(self, study_id: int) -> Rows:
        """The rows of the study's trials, in the order of their numbers."""
        rows = self.trials.rows(len(self._studies[study_id].directions))
        ids = self._study_id_to_trial_ids[study_id]
        return rows if len(ids) == len(rows) else rows[ids]

    @property
    def alone(self) -> FrozenStudy | None:
        """The study that has all trials; None if there are several studies."""
        first = next(iter(self._studies.values()), None)
        ids = [] if first is None else self._study_id_to_trial_ids[first._study_id]
        return first if len(self._studies) == 1 and len(ids) == len(self.trials) else None

    def get_all_trials(self, study_id: int, states: Container[TrialState] | None) -> list[FrozenTrial]:
        """The trials of a study in these states, in the order of their numbers."""
        self.get_study(study_id)  # there may be none
        of_study = self._study_id_to_trial_ids[study_id]
        numbers: Sequence[int] = range(len(of_study)) if self.only is None else self.only
        if states is not None and len(numbers):
            wanted = [state.value for state in TrialState if state in states]
            of_state = np.isin(self.rows(study_id)["state"][numbers], wanted)
            numbers = np.asarray(numbers)[of_state].tolist()
        return [self._trials[of_study[number]] for number in numbers]


class StudyStorage(JournalStorage):
    """Optuna's storage on the journal of a study's folder; it writes a snapshot now and then, beside the journal."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept = 0
        self._journal = Journal(folder / JOURNAL)
        super().__init__(self._journal)

    def _sync_with_backend(self) -> None:
        if not isinstance(self._replay_result, _Replayed):
            begun = snapshot.load(self._folder, self._folder / JOURNAL)
            self._replay_result = _Replayed(self._worker_id_prefix, begun)
            if begun is not None:
                self._kept = begun.log_number
                self._journal.begin_at(begun.log_number, begun.offset)
        super()._sync_with_backend()

    @property
    def _state(self) -> _Replayed:
        assert isinstance(self._replay_result, _Replayed)
        return self._replay_result

    def rows(self, study_id: int) -> Rows:
        """The rows of the study's trials, as they are now; they are not to be changed."""
        with self._thread_lock:
            self._sync_with_backend()
            return self._state.rows(study_id)

    def numbers(self, study_id: int) -> range:
        """The numbers of the study's trials."""
        with self._thread_lock:
            return range(len(self._state._study_id_to_trial_ids[study_id]))

    def of_number(self, study_id: int, number: int) -> FrozenTrial:
        """The trial ``number`` of the study, not copied."""
        return self.get_trial(self.get_trial_id_from_study_id_trial_number(study_id, number))

    def read(self, study_id: int) -> list[FrozenTrial]:
        """The study's trials that are not only known by their rows."""
        with self._thread_lock:
            known = self._state.trials._known
            return [
                known[number] for number in self._state._study_id_to_trial_ids[study_id] if number in known
            ]

    @contextlib.contextmanager
    def showing(self, numbers: list[int]) -> Iterator[None]:
        """A context in which only these trials of the study are shown to Optuna."""
        self._state.only = numbers
        try:
            yield
        finally:
            self._state.only = None

    def get_best_trial(self, study_id: int) -> FrozenTrial:
        """The best trial of a study with one objective."""
        rows = self.rows(study_id)
        complete = np.flatnonzero(rows["state"] == TrialState.COMPLETE.value)
        directions = self.get_study_directions(study_id)
        if len(directions) > 1 or not len(complete):
            return super().get_best_trial(study_id)  # it says what is wrong
        values = rows["values"][complete, 0]
        place = values.argmax() if directions[0] == StudyDirection.MAXIMIZE else values.argmin()
        return self.of_number(study_id, int(complete[place]))

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        """Make a trial; see Optuna."""
        made = super().create_new_trial(study_id, template_trial)
        self._keep()
        return made

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        """Change the state of a trial; see Optuna."""
        changed = super().set_trial_state_values(trial_id, state, values)
        self._keep()
        return changed

    def _keep(self) -> None:
        """Write a snapshot if there is none of the last lines; a study without one is only slower to open."""
        with self._thread_lock:
            state = self._state
            study = state.alone
            if state.log_number_read - self._kept < EVERY or study is None:
                return
            with contextlib.suppress(OSError, BusyError), locked(self._folder / ".snapshot.lock"):
                self._kept = state.log_number_read
                earlier = snapshot.load(self._folder, self._folder / JOURNAL)
                if earlier is None or state.log_number_read - earlier.log_number >= EVERY:
                    self._save(state, study, earlier)

    def _save(self, state: _Replayed, study: FrozenStudy, earlier: Snapshot | None) -> None:
        rows = state.rows(study._study_id).copy()
        rows["offset"], rows["length"] = 0, 0
        finished = ledger.finished(rows)
        there = 0 if earlier is None else len(earlier.rows)
        new = finished.copy()
        if earlier is not None:
            new[:there] &= earlier.rows["length"] <= 0
        number, offset = self._journal.place
        assert number == state.log_number_read
        still, ended = (
            {i: state.trials[i] for i in np.flatnonzero(these).tolist()} for these in (~finished, new)
        )
        made = Snapshot(self._folder, number, offset, study, rows, still)
        snapshot.save(made, earlier, self._folder / JOURNAL, ended)


def storage(folder: Path) -> StudyStorage:
    """The storage of the study in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    return StudyStorage(folder)
