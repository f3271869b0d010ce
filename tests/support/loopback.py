"""Servers of the tests: scripts that are processes of their own on a port of the loopback."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tests.support.paths import ROOT


def free_port() -> int:
    """A port of the loopback that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def serving(module: str, documents: Path, ready: str, log: Path, **environment: str) -> Iterator[str]:
    """The base URL of ``python -m MODULE PORT DOCUMENTS``, which answers at the path ``ready``; killed at the end."""
    port = free_port()
    with log.open("wb") as handle:
        process = subprocess.Popen(
            [sys.executable, "-m", module, str(port), str(documents)],
            cwd=ROOT,
            stdout=handle,
            stderr=handle,
            env={**os.environ, **environment},
        )
    url = f"http://127.0.0.1:{port}"
    try:
        ends = time.monotonic() + 120
        while True:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}{ready}", timeout=5):
                break
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < ends, log.read_text()
            time.sleep(0.1)
        yield url
    finally:
        process.kill()
        process.wait()
