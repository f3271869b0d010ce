"""``backend=torch`` with ``ranks=2`` on one machine: ranks that no launcher brings together."""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from hpcvox.errors import HpcvoxError
from hpcvox.process.launcher import RANK
from hpcvox.process.outcome import INTERRUPTED
from hpcvox.training.folder.metrics import read_metrics
from tests.support.training_runs import LONG, checkpoints, command, wait_for

pytestmark = pytest.mark.slow


def started(shards: Path, out: Path, *more: str) -> subprocess.Popen[str]:
    """A training that has come to a further checkpoint, in a folder that has modules of somebody else's."""
    (out.parent / "yaml.py").write_text("raise SystemExit('a module of the data')")
    given = command(shards, out, *LONG, "backend=torch", "ranks=2", *more)
    before = len(checkpoints(out))
    launch = [given[0], "-P", *given[1:]]
    process = subprocess.Popen(
        launch,
        cwd=out.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    wait_for(lambda: len(checkpoints(out)) > before or process.poll() is not None)
    assert process.poll() is None, process.communicate()[0]
    return process


def ranks_of(process: subprocess.Popen[str]) -> dict[str, psutil.Process]:
    """Those that train, by their number."""
    found = {}
    for child in psutil.Process(process.pid).children(recursive=True):
        with contextlib.suppress(psutil.Error, KeyError):
            found[child.environ()[RANK]] = child
    return found


def test_nobody_else_reaches_them_and_they_stop_together_on_a_signal_and_go_on(
    shards: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    process = started(shards, out, "epochs=1000")
    everyone = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    listening = [
        c.laddr.ip for one in everyone for c in one.net_connections() if c.status == psutil.CONN_LISTEN
    ]
    assert set(listening) == {"127.0.0.1"}
    assert len(ranks_of(process)) == 2
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=120)[0]
    assert process.returncode == INTERRUPTED, said
    assert "state saved" in said
    assert not list(out.glob(".ranks-*"))
    process = started(shards, out, "epochs=1000")
    ranks_of(process)["1"].kill()
    began = time.monotonic()
    said = process.communicate(timeout=120)[0]
    assert process.returncode == HpcvoxError.exit_status
    assert time.monotonic() - began < 60
    assert "going on at epoch" in said
    assert "2 ranks of train-unet ended with status" in said
    done = [line["epoch"] for line in read_metrics(out)]
    assert done == list(range(1, len(done) + 1))
