"""Notes a request to stop (Ctrl-C, a signal of SLURM) until the running work can act on it."""

import signal
from types import FrameType, TracebackType
from typing import Self

from hpcvox.process.launcher import launched_ranks, step_ranks

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)


class StopRequest:
    """A context in which signals do not end the process; ``received`` is the number of the last signal, else 0.

    One of several ranks goes on noting signals after the context, once it has received one: its launcher and SLURM may
    both send one, and the second must not end it while it saves its state.
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
