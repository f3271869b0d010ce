"""A request to stop (Ctrl-C, a signal of SLURM), noted until the work at hand can answer it."""

import signal
from types import FrameType, TracebackType
from typing import Self

from hpcvox.process.launcher import launched_ranks, step_ranks

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)


class StopRequest:
    """While active, the signals are noted instead of ending the process.

    One of several ranks that has noted one goes on doing so: its launcher and SLURM may both ask it, and the second
    word must not end it on its way out, when its state is saved.
    """

    def __init__(self) -> None:
        self.received: int = 0
        self._before: dict[signal.Signals, object] = {}

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.received = number

    def __enter__(self) -> Self:
        for number in SIGNALS:
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.received and (launched_ranks() > 1 or step_ranks() > 1):
            return
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
