"""Runs a calculator in a separate process: sends it requests, waits with a time limit, and ends it."""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from hpcvox.errors import Rejected
from hpcvox.process.launcher import of_this_hpcvox

_FOREIGN: Final = ("PMI_", "PMIX_", "OMPI_", "I_MPI_", "GPAW_")
"""Variables that are removed: those of MPI launchers, with which GPAW would think that it is a rank, and of GPAW."""


class EndedError(Rejected):
    """The process has ended by itself."""

    def __init__(self, status: int, words: str) -> None:
        """``status`` is the exit status, ``words`` the last words of the log."""
        super().__init__("failed", f"the calculator's process ended with status {status}: {words}")
        self.status = status
        self.words = words


class Process:
    """A process that answers one request after another; if it does not run (any more), the next request starts it.

    It has a folder of its own, which is removed with it.
    """

    def __init__(self, module: str, scratch: Path) -> None:
        """Args:
        module: the module to run; it answers by :func:`hpcvox.calculators.answering.answer`.
        scratch: where the process's folder is made.
        """
        self._module = module
        self._scratch = scratch
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._unread = b""

    @property
    def folder(self) -> Path:
        """The folder of the process; it exists after the first request."""
        assert self._folder is not None
        return Path(self._folder.name)

    def ask(self, request: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        """Send a request and return the answer.

        Raises:
            Rejected: ``timeout``; ``killed`` if a signal has ended the process.
            EndedError: the process has ended by itself.
        """
        if self._process is None:
            self._start()
        process = self._process
        assert process is not None
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # the process has ended; its status says why
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
        line = self._line(process, time.monotonic() + timeout_s)
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the process and everything that it has started, and remove its files."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            # what could not be written to a process that has ended is tried again when the pipe is closed
            with contextlib.suppress(BrokenPipeError), self._process:  # closes its pipes, and waits for it
                pass
            self._process.wait()
            self._process = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _start(self) -> None:
        self._scratch.mkdir(parents=True, exist_ok=True)
        self._folder = tempfile.TemporaryDirectory(dir=self._scratch, ignore_cleanup_errors=True)
        self._unread = b""
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self._module],
                cwd=self.folder,
                env=_environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )

    def _line(self, process: subprocess.Popen[bytes], ends: float) -> bytes:
        assert process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._unread:
                if not selector.select(max(0.0, ends - time.monotonic())):
                    self.close()
                    raise Rejected("timeout", "the calculator took longer than there was time")
                said = os.read(process.stdout.fileno(), 1 << 16)
                if not said:
                    raise self._ended(process)
                self._unread += said
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def _ended(self, process: subprocess.Popen[bytes]) -> Rejected:
        """The reason why the process has ended; :meth:`ask` will start another one."""
        status = process.wait()
        log = (self.folder / "log").read_text("utf-8", errors="replace")
        self.close()
        if status < 0:
            name = signal.Signals(-status).name
            return Rejected("killed", f"the process was ended by {name}; perhaps there was too little memory")
        said = [line.strip() for line in log.splitlines() if line.strip()]
        return EndedError(status, said[-1][:500] if said else "it said nothing")


def _environment() -> dict[str, str]:
    """The environment of the process: it computes on one thread, is no MPI rank, and imports this hpcvox."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return of_this_hpcvox(
        {**clean, **threads}
    )  # the environment may not lead to hpcvox, because an actor may import it in another way
