"""The one family of errors that hpcvox raises for a user to read.

Every message says what was wrong, where, what is valid and what to do.  The command line prints
it without a traceback and exits with the class's ``exit_status``.
"""

import difflib
from collections.abc import Iterable


class HpcvoxError(Exception):
    """Base of all errors that are the user's to mend."""

    exit_status = 2


class ConfigError(HpcvoxError):
    """A setting is unknown, has a value outside its range, or contradicts another."""


class SourceError(HpcvoxError):
    """A crystal source cannot be opened or is not what its name says."""


class ShardError(HpcvoxError):
    """A shard or shard set is missing, damaged or not of the kind that is needed."""


class CheckpointError(HpcvoxError):
    """A checkpoint is missing, damaged or of another model."""


class SummaryError(HpcvoxError):
    """A file in which a job says what it made is damaged."""


class MissingDependencyError(HpcvoxError):
    """An optional part (Horovod, CHGNet, an MPI launcher) is needed and not installed."""


class TrainingError(HpcvoxError):
    """A training cannot go on (a loss that is not finite, ranks that disagree)."""


class BusyError(HpcvoxError):
    """Another process is writing the same output folder."""


class Rejected(HpcvoxError):
    """One crystal cannot be used.  Recorded with its reason; never stops a run.

    ``code`` is a short stable word (``cif-syntax``, ``disordered``, ``not-cubic`` ...) that
    tables are grouped by; the message is for a person.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    def __reduce__(self) -> tuple[type["Rejected"], tuple[str, str]]:
        return Rejected, (self.code, str(self))


def did_you_mean(name: str, valid: Iterable[str], likeness: float = 0.6) -> str:
    """A question for a message about the unknown ``name``, with a space after it; empty where nothing is like it."""
    there = {one.lower(): one for one in valid}
    near = difflib.get_close_matches(name.lower(), there, n=1, cutoff=likeness)
    part = (one for one in there if len(name) > 2 and name.lower() in one)
    found = near[0] if near else next(part, None)
    return "" if found is None else f"did you mean {there[found]}? "
