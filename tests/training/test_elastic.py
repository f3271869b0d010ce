"""Ranks that come and go, started by horovodrun's elastic launch; over the nodes of a job: slurm/test_trainings.py."""

import contextlib
import itertools
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from hpcvox.training.metrics import read_metrics
from tests.support.training_runs import FAST
from tests.support.voxel_shards import SMALL_UNET

pytestmark = pytest.mark.slow
ELASTIC = [
    str(Path(sys.executable).with_name("horovodrun")),
    *("--gloo", "--network-interfaces", "lo", "-np", "1", "--min-np", "1", "--max-np", "2"),
    *("--blacklist-cooldown-range", "3", "6", "--host-discovery-script"),
]
EPOCHS = 150


class Elastic:
    """A training on one machine that goes by two names, each with one slot."""

    def __init__(self, folder: Path, shards: Path, *more: str) -> None:
        self.out, self.log, self.hosts = folder / "run", folder / "log", folder / "hosts"
        self.hosts.write_text("localhost:1\n")
        script = folder / "discover"
        script.write_text(f"#!/bin/sh\ncat {self.hosts}\n")
        script.chmod(0o755)
        program = [sys.executable, "-m", "hpcvox", "train-unet", SMALL_UNET, *FAST]
        given = [f"shards={shards}", f"out={self.out}", f"epochs={EPOCHS}", *more]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*ELASTIC, str(script), *program, *given], stdout=log, stderr=subprocess.STDOUT
            )

    def said(self) -> str:
        return self.log.read_text()

    def rank_on(self, host: str) -> psutil.Process | None:
        """The process of the rank on ``host``."""
        for child in psutil.Process(self.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if child.environ().get("HOROVOD_HOSTNAME") == host and child.cmdline()[0] == sys.executable:
                    return child
        return None

    def until(self, condition: Callable[[], object], limit_s: float = 90) -> None:
        end = time.monotonic() + limit_s
        while not condition():
            assert time.monotonic() < end, self.said()
            assert self.process.poll() is None, self.said()
            time.sleep(0.05)

    def epochs(self) -> list[int]:
        return [line["epoch"] for line in read_metrics(self.out)]

    def stop(self) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            children = psutil.Process(self.process.pid).children(recursive=True)
            family: list[subprocess.Popen[bytes] | psutil.Process] = [self.process, *children]
            for one in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.kill()
        self.process.wait()


@pytest.mark.parametrize("killed", ["localhost", "127.0.0.1"], ids=["the first rank", "the rank that joined"])
def test_a_rank_joins_and_one_is_killed_and_the_rest_goes_on(
    shards: Path, tmp_path: Path, killed: str
) -> None:
    run = Elastic(tmp_path, shards, "ema=0.9", "checkpoint_steps=5")
    try:
        run.until(lambda: len(run.epochs()) >= 3)
        run.hosts.write_text("localhost:1\n127.0.0.1:1\n")
        run.until(lambda: "2 ranks of" in run.said())
        joined = len(run.epochs())
        run.until(lambda: len(run.epochs()) >= joined + 3)
        rank = run.rank_on(killed)
        assert rank is not None
        rank.kill()
        run.until(lambda: run.said().count("1 ranks of") == 2)  # at the beginning, and alone again
        run.until(lambda: run.said().count("2 ranks of") == 2)  # it comes back after its rest
        assert run.process.wait(180) == 0, run.said()
    finally:
        run.stop()
    assert run.epochs() == list(range(1, EPOCHS + 1))
    assert f"trained {EPOCHS} epochs; held out:" in run.said()
    lines = read_metrics(run.out)
    assert lines[-1]["train/loss"] < lines[0]["train/loss"] / 2
    steps = [b["step"] - a["step"] for a, b in itertools.pairwise(lines)]
    assert max(steps) <= 8, "an epoch has no step twice"
