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

from hpcvox.networks.unet.settings import TrainUNetSettings
from hpcvox.training.folder.metrics import read_metrics
from hpcvox.training.job import run as train
from tests.support.training_runs import FAST, settings
from tests.support.voxel_shards import SMALL_UNET

pytestmark = pytest.mark.slow
ELASTIC = [
    str(Path(sys.executable).with_name("horovodrun")),
    *("--gloo", "--network-interfaces", "lo", "-np", "1", "--min-np", "1", "--max-np", "2"),
    *("--blacklist-cooldown-range", "3", "6", "--host-discovery-script"),
]
LASTS_S = 40
"""About how long the training takes: a rank that was killed rests for 3 to 6 s of it, and there are two."""


class Elastic:
    """A training on one machine that goes by two names, each with one slot."""

    def __init__(self, folder: Path, shards: Path, epochs: int, *more: str) -> None:
        self.out, self.log, self.hosts = folder / "run", folder / "log", folder / "hosts"
        self.hosts.write_text("localhost:1\n")
        script = folder / "discover"
        script.write_text(f"#!/bin/sh\ncat {self.hosts}\n")
        script.chmod(0o755)
        program = [sys.executable, "-m", "hpcvox", "train-unet", SMALL_UNET, *FAST]
        given = [f"shards={shards}", f"out={self.out}", f"epochs={epochs}", *more]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*ELASTIC, str(script), *program, *given], stdout=log, stderr=subprocess.STDOUT
            )

    def said(self) -> str:
        return self.log.read_text()

    def formed(self, ranks: int) -> int:
        """How often so many ranks have formed a group."""
        return self.said().count(f" {ranks} rank{'s' * (ranks > 1)} of")

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


def epochs_of(seconds: float, shards: Path, out: Path) -> int:
    """How many epochs take so long on this machine, as busy as it is now; enough where it was busy for a moment."""
    for epochs in (1, 6):  # what the first one loads is loaded
        begun = time.monotonic()
        train(settings(TrainUNetSettings, shards, out, SMALL_UNET, *FAST, f"epochs={epochs}"))
    return max(80, int(seconds / ((time.monotonic() - begun) / 5)))


def test_a_rank_joins_and_each_is_killed_in_turn_and_the_rest_goes_on(shards: Path, tmp_path: Path) -> None:
    """First the rank that joined, and when it has come back the one that was there before it."""
    epochs = epochs_of(LASTS_S, shards, tmp_path / "timed")
    run = Elastic(tmp_path, shards, epochs, "ema=0.9", "checkpoint_steps=5")
    try:
        run.until(lambda: len(run.epochs()) >= 3)
        run.hosts.write_text("localhost:1\n127.0.0.1:1\n")
        run.until(lambda: run.formed(2) == 1)
        for number, killed in enumerate(("127.0.0.1", "localhost"), start=2):
            together = len(run.epochs())
            run.until(lambda together=together: len(run.epochs()) >= together + 3)  # type: ignore[misc]
            rank = run.rank_on(killed)
            assert rank is not None
            rank.kill()
            for ranks in (1, 2):  # alone, as at the beginning; and with the other again, after its rest
                run.until(lambda ranks=ranks, number=number: run.formed(ranks) == number)  # type: ignore[misc]
        assert run.process.wait(180) == 0, run.said()
    finally:
        run.stop()
    assert run.epochs() == list(range(1, epochs + 1))
    assert f"trained {epochs} epochs; held out:" in run.said()
    lines = read_metrics(run.out)
    assert lines[-1]["train/loss"] < lines[0]["train/loss"] / 2
    steps = [b["step"] - a["step"] for a, b in itertools.pairwise(lines)]
    assert max(steps) <= 8, "an epoch has no step twice"
