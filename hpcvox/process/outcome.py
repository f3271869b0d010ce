"""What a job tells its caller when it is done."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from hpcvox.terminal import counted

COMPLETE = 0
COMPLETE_WITH_REJECTS = 4
"""Exit status of a job that handled every input, some of which had to be rejected (and are listed)."""

INTERRUPTED = 75
"""Exit status of a job that was told to stop and saved its state: run it again and it goes on (EX_TEMPFAIL)."""


class Outcome(NamedTuple):
    """The last line of a job (what was written where) and its exit status."""

    summary: str
    exit_status: int = COMPLETE

    @classmethod
    def of_inputs(cls, told: Iterable[str], rejects: object) -> "Outcome":
        """Of a job that has handled every input; ``rejects`` says, by its truth, whether it had to reject any."""
        return cls("; ".join(told), COMPLETE_WITH_REJECTS if rejects else COMPLETE)

    def passing_over(self, passed_over: str) -> "Outcome":
        """The same, and what of its source was no input (see ``crystals.sources.source``)."""
        return self._replace(summary=f"{self.summary}; passed over: {passed_over}") if passed_over else self


def remarks_told(by_code: Mapping[str, int]) -> str:
    """The part of a summary that counts the remarks on samples by their codes, in the order of ``by_code``."""
    return "with a remark: " + ", ".join(f"{code} {count:,}" for code, count in by_code.items())


def rejects_told(by_code: Mapping[str, int], table: Path) -> str:
    """The part of a summary that counts the rejects of ``table`` by their codes, in the order of ``by_code``."""
    reasons = ", ".join(f"{code} {count:,}" for code, count in by_code.items())
    return f"{counted(sum(by_code.values()), 'reject')} ({reasons}), see {table}"
