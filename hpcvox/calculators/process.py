"""The process in which a calculator works: asked, waited for no longer than there is time, and ended."""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, TypedDict

from hpcvox.calculators.field import by_signal, environment
from hpcvox.errors import Rejected


class Request(TypedDict, total=False):
    """What a process is asked: one geometry; without ``numbers``, what the calculator computes at all."""

    calculator: str
    parameters: dict[str, Any]
    numbers: list[int]  # (n,)
    cell: list[list[float]]  # (3, 3), rows in Å
    positions: list[list[float]]  # (n, 3), Å
    moments: list[float]  # (n,), Bohr magnetons; empty: no spin
    properties: list[str]  # energy, and of forces, stress those that are needed


class CalculatorProcess:
    """A process that answers one request after another; one that is not there (any more) is started by the next."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._unread = b""

    def ask(self, request: Request, timeout_s: float) -> dict[str, Any]:
        """The answer: eV, eV/Å, eV/Å^3; or the calculator's own words of why there is none, as ``error``.

        Raises:
            Rejected: ``timeout``; ``killed``, by a signal; ``failed``, where the process has ended by itself.
        """
        if self._process is None:
            self._start()
        process = self._process
        assert process is not None
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has ended: its status says why
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
        line = self._line(process, time.monotonic() + timeout_s)
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the process, and whatever it has started; its files go with it."""
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
        with Path(self._folder.name, "log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "hpcvox.calculators.serving"],
                cwd=self._folder.name,
                env=environment(),
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
        """Why the process is not there any more; :meth:`ask` starts another."""
        assert self._folder is not None
        status = process.wait()
        log = Path(self._folder.name, "log").read_text("utf-8", errors="replace")
        self.close()
        if status < 0:
            return by_signal(-status)
        said = [line.strip() for line in log.splitlines() if line.strip()]
        last = said[-1][:500] if said else "it said nothing"
        return Rejected("failed", f"the calculator's process ended with status {status}: {last}")
