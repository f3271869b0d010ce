"""Ends a rank that waits for others that will never come: MPI itself would let it wait for ever."""

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from typing import NoReturn

from hpcvox.errors import HpcvoxError
from hpcvox.terminal import say


class Watchdog:
    """Looks from a thread of its own how long this rank has been waiting."""

    def __init__(self, rank: int, stall_s: float) -> None:
        self.where = "no step"
        """What the rank has done so far, for the message."""
        self._rank, self._stall_s = rank, stall_s
        self._since: float | None = None
        self._stopped = threading.Event()
        threading.Thread(target=self._look, name="watchdog", daemon=True).start()

    @contextlib.contextmanager
    def waiting(self, lost: type[Exception] | tuple[()]) -> Iterator[None]:
        """This rank may not be in here for longer than ``stall_s``.

        ``lost`` is what a library says of ranks gone, where that is the end of the others.
        """
        self._since = time.monotonic()
        try:
            yield
        except lost as error:
            self.give_up(f" ({(str(error).splitlines() or ['no reason given'])[0]})")
        finally:
            self._since = None

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()

    def give_up(self, reason: str = "") -> NoReturn:
        """End this process at once: what would leave in good order waits for the others, too."""
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
