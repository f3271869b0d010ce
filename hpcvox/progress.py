"""Progress of long work: a bar on a terminal, a line now and then in a log file."""

import sys
import time
from types import TracebackType
from typing import Self

from tqdm import tqdm

from hpcvox.terminal import say

LOG_INTERVAL_S = 10.0


class Progress:
    """Counts finished work and shows the rate, the time left and figures of the caller.

    On a terminal it shows a bar; elsewhere (a SLURM log, CI) it prints a line every ten seconds and one at the end.
    """

    def __init__(self, label: str, total: int | None, unit: str, done: int = 0) -> None:
        self.label, self.total, self.unit = label, total, unit
        self.done = done
        self._initial = done
        self._figures: dict[str, object] = {}
        self._start = self._spoken = time.monotonic()
        self._bar = (
            tqdm(desc=label, total=total, unit=f" {unit}", initial=done, dynamic_ncols=True)
            if sys.stderr.isatty()
            else None
        )

    def advance(self, count: int = 1, **figures: object) -> None:
        """Count ``count`` more units as done; show ``figures`` beside the rate."""
        self.done += count
        self._figures.update(figures)
        if self._bar is not None:
            self._bar.set_postfix(self._figures, refresh=False)
            self._bar.update(count)
        elif time.monotonic() - self._spoken >= LOG_INTERVAL_S:
            self._speak()

    def known(self, count: int) -> None:
        """Leave the next ``count`` units out of the rate, because an earlier run has done them."""
        self._initial += count
        if self._bar is not None:
            self._bar.initial += count

    def close(self) -> None:
        """Show the final state."""
        if self._bar is not None:
            self._bar.close()
        else:
            self._speak()

    def _speak(self) -> None:
        now = time.monotonic()
        self._spoken = now
        elapsed = max(now - self._start, 1e-9)
        rate = (self.done - self._initial) / elapsed
        total = "" if self.total is None else f"/{self.total}"
        left = "" if not self.total or rate <= 0 else f", {(self.total - self.done) / rate:.0f} s left"
        figures = "".join(f", {name} {value}" for name, value in self._figures.items())
        say(f"{self.label}: {self.done}{total} {self.unit}, {rate:.3g}/s{left}{figures}", error=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
