"""The errors that hpcvox raises for its users.

Every message says what was wrong, where, what is valid and what to do.  The command line prints
it without a traceback and ends with the ``exit_status`` of the error's class.
"""

import difflib
from collections.abc import Iterable


class HpcvoxError(Exception):
    """Base class of all errors that the user can correct."""

    exit_status = 2


class ConfigError(HpcvoxError):
    """A setting is unknown, has a value outside its range, or contradicts another."""


class SourceError(HpcvoxError):
    """A crystal source cannot be opened, or its content is not of the format that its name says."""


class ShardError(HpcvoxError):
    """A shard or shard set is missing, damaged, or does not hold what is needed."""


class CheckpointError(HpcvoxError):
    """A checkpoint is missing, damaged, or belongs to another model."""


class SummaryError(HpcvoxError):
    """The summary file of a job (a JSON file in its folder that says what it made) is damaged."""


class MissingDependencyError(HpcvoxError):
    """An optional program or library (Horovod, CHGNet, an MPI launcher) is needed and not installed."""


class TrainingError(HpcvoxError):
    """A training cannot go on (a loss that is not finite, ranks that disagree)."""


class BusyError(HpcvoxError):
    """Another process is writing the same output folder."""


class Rejected(HpcvoxError):
    """One crystal cannot be used.  The job records it with the reason and goes on.

    ``code`` is a short word that never changes (``cif-syntax``, ``disordered``, ``not-cubic`` ...); tables count
    rejects by it.  The message is for people.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    def __reduce__(self) -> tuple[type["Rejected"], tuple[str, str]]:
        return Rejected, (self.code, str(self))


def did_you_mean(name: str, valid: Iterable[str], likeness: float = 0.6) -> str:
    """A question for an error about the unknown ``name``: ``did you mean NAME? ``, or empty if no valid name is near.

    Args:
        name: what the user wrote.
        valid: the names that exist.
        likeness: how alike two names must be, 0 to 1 (:func:`difflib.get_close_matches`).
    """
    there = {one.lower(): one for one in valid}
    near = difflib.get_close_matches(name.lower(), there, n=1, cutoff=likeness)
    part = (one for one in there if len(name) > 2 and name.lower() in one)
    found = near[0] if near else next(part, None)
    return "" if found is None else f"did you mean {there[found]}? "
