"""Ends a rank that waits for others too long; MPI itself would let it wait forever."""

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from typing import NoReturn

from hpcvox.errors import HpcvoxError
from hpcvox.terminal import say


class Watchdog:
    """A thread that watches how long this rank has been waiting for others."""

    def __init__(self, rank: int, stall_s: float) -> None:
        self.where = "no step"
        """How far the rank is, for the message."""
        self._rank, self._stall_s = rank, stall_s
        self._since: float | None = None
        self._stopped = threading.Event()
        threading.Thread(target=self._look, name="watchdog", daemon=True).start()

    @contextlib.contextmanager
    def waiting(self, lost: type[Exception] | tuple[()]) -> Iterator[None]:
        """A context in which this rank waits for others; after ``stall_s`` seconds the process is ended.

        Args:
            lost: exceptions by which a library reports lost ranks; they end the process at once.
        """
        self._since = time.monotonic()
        try:
            yield
        except lost as error:
            self.give_up(f" ({(str(error).splitlines() or ['no reason given'])[0]})")
        finally:
            self._since = None

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()

    def give_up(self, reason: str = "") -> NoReturn:
        """End this process at once; an orderly exit would wait for the other ranks, too."""
        say(
            f"error: rank {self._rank} gives up after {self.where}: another rank has ended, or kept this one waiting "
            f"for stall_s={self._stall_s:g} s{reason}. Run the same command again: it goes on from the last checkpoint",
            error=True,
        )
        os._exit(HpcvoxError.exit_status)

    def _look(self) -> None:
        while not self._stopped.wait(min(1.0, self._stall_s / 4)):
            since = self._since
            if since is not None and time.monotonic() - since > self._stall_s:
                self.give_up()
