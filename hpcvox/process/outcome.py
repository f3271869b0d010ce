"""What a job returns to its caller: its last line and its exit status."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from hpcvox.terminal import counted

COMPLETE = 0
COMPLETE_WITH_REJECTS = 4
"""Exit status of a job that handled every input and rejected some of them (a table lists these)."""

INTERRUPTED = 75
"""Exit status (EX_TEMPFAIL) of a job that was told to stop and saved its state; run again, it goes on."""


class Outcome(NamedTuple):
    """The last line of a job (what was written where) and its exit status."""

    summary: str
    exit_status: int = COMPLETE

    @classmethod
    def of_inputs(cls, told: Iterable[str], rejects: object) -> "Outcome":
        """The outcome of a job that has handled every input.

        Args:
            told: the parts of its last line.
            rejects: anything that is true if the job rejected an input.
        """
        return cls("; ".join(told), COMPLETE_WITH_REJECTS if rejects else COMPLETE)

    def passing_over(self, passed_over: str) -> "Outcome":
        """This outcome with the files of the source that were not read (``crystals.sources.source``) in its line."""
        return self._replace(summary=f"{self.summary}; passed over: {passed_over}") if passed_over else self


def remarks_told(by_code: Mapping[str, int]) -> str:
    """The part of a job's last line that counts remarks on samples by code, in the order of ``by_code``."""
    return "with a remark: " + ", ".join(f"{code} {count:,}" for code, count in by_code.items())


def rejects_told(by_code: Mapping[str, int], table: Path) -> str:
    """The part of a job's last line that counts the rejects of ``table`` by code, in the order of ``by_code``."""
    reasons = ", ".join(f"{code} {count:,}" for code, count in by_code.items())
    return f"{counted(sum(by_code.values()), 'reject')} ({reasons}), see {table}"
