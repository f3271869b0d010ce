"""Trainings that are interrupted, struck or out of disk: run again, they end as if nothing had happened."""

import contextlib
import resource
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from hpcvox.networks.unet.settings import TrainUNetSettings
from hpcvox.process.outcome import INTERRUPTED
from hpcvox.process.settings_files import CONFIG
from hpcvox.training import order
from hpcvox.training.folder import checkpoint, finished
from hpcvox.training.folder.metrics import Epoch, MetricsLog, read_metrics
from hpcvox.training.job import run as train
from hpcvox.training.loop import Trainer
from tests.support.training_runs import (
    FAST,
    LONG,
    command,
    last_checkpoint,
    run,
    settings,
    wait_for,
)
from tests.support.voxel_shards import SMALL_UNET

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def undisturbed(shards: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run that the interrupted ones must equal: constant rate, a checkpoint every other step."""
    out = tmp_path_factory.mktemp("run") / "undisturbed"
    assert train(settings(TrainUNetSettings, shards, out, SMALL_UNET, *FAST, *LONG)).exit_status == 0
    return out


def without_timings(out: Path) -> list[dict[str, Any]]:
    """The curve of a run, as far as it must not depend on the machine."""
    timings = {"samples_per_s", "loader_wait_share"}
    return [{k: v for k, v in line.items() if k not in timings} for line in read_metrics(out)]


def assert_same_ends(one: Path, other: Path) -> None:
    """Two runs have ended with the same bits, by the same curve."""
    for file in (checkpoint.MODEL, checkpoint.OPTIMIZER, checkpoint.AVERAGE):
        assert (last_checkpoint(one) / file).read_bytes() == (last_checkpoint(other) / file).read_bytes(), (
            file
        )
    assert without_timings(one) == without_timings(other)


def newest(out: Path) -> str:
    """Name of the newest checkpoint of a run; they are in order."""
    return max((path.name for path in (out / "checkpoints").glob("step-*")), default="")


def test_interrupted_again_and_again_it_ends_with_the_same_bits(
    shards: Path, undisturbed: Path, tmp_path: Path
) -> None:
    """By each of the signals that a job may get, one after the other."""
    out = tmp_path / "run"
    signals = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGKILL)
    for number in signals:
        before = newest(out)
        process = subprocess.Popen(
            command(shards, out, *LONG), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        wait_for(lambda before=before: newest(out) > before)  # type: ignore[misc]
        process.send_signal(number)
        said = process.communicate(timeout=60)[0]
        if number == signal.SIGKILL:
            assert process.returncode == -signal.SIGKILL
        else:
            assert process.returncode == INTERRUPTED, said
            assert "run the same command again" in said
        assert ("going on at epoch" in said) == (number != signals[0])
    assert "going on at epoch" in run(command(shards, out, *LONG))
    assert_same_ends(undisturbed, out)


BEGINNING = 3
"""Epochs of a run that is stopped once and early; at a constant rate their number changes none of them."""


def stopped_and_run_again(
    shards: Path, out: Path, patched: contextlib.AbstractContextManager[object]
) -> list[dict[str, Any]]:
    """The curve of a run that ``patched``, a context, ends once one epoch is logged, and that is then run again."""
    shorter = ["checkpoint_steps=1", f"epochs={BEGINNING}"]
    given = settings(TrainUNetSettings, shards, out, SMALL_UNET, *FAST, *LONG, *shorter)
    with patched, pytest.raises(KeyboardInterrupt):
        train(given)
    assert len(read_metrics(given.out)) == 1
    train(given)
    return without_timings(given.out)


def test_stopped_between_the_last_step_of_an_epoch_and_its_evaluation_it_goes_on_there(
    shards: Path, undisturbed: Path, tmp_path: Path
) -> None:
    evaluate, times = Trainer.evaluate, iter(range(9))

    def fails_the_second_time(trainer: Trainer) -> dict[str, float]:
        if next(times) == 1:
            raise KeyboardInterrupt
        return evaluate(trainer)

    patched = mock.patch.object(Trainer, "evaluate", fails_the_second_time)
    expected = without_timings(undisturbed)[:BEGINNING]
    assert stopped_and_run_again(shards, tmp_path / "run", patched) == expected


@contextlib.contextmanager
def stopped_with_orders_from(few: int) -> Iterator[None]:
    """A training is stopped after its first epoch, by a version that computes orders of more than ``few`` samples."""
    add = MetricsLog.add

    def adds_and_ends(log: MetricsLog, epoch: Epoch) -> None:
        add(log, epoch)
        raise KeyboardInterrupt

    with mock.patch.object(order, "FEW", few), mock.patch.object(MetricsLog, "add", adds_and_ends):
        yield


def test_a_run_keeps_the_kind_of_order_that_it_began_with(
    shards: Path, undisturbed: Path, tmp_path: Path
) -> None:
    """A run of an older version, whose checkpoints say nothing of it, goes on in the orders that it drew and stored."""
    with mock.patch.object(order, "FEW", 0):
        train(
            settings(
                TrainUNetSettings, shards, tmp_path / "new", SMALL_UNET, *FAST, *LONG, f"epochs={BEGINNING}"
            )
        )
        older = stopped_and_run_again(shards, tmp_path / "older", stopped_with_orders_from(2**18))
    assert older == without_timings(undisturbed)[:BEGINNING]
    new = without_timings(tmp_path / "new")
    assert new != older
    assert stopped_and_run_again(shards, tmp_path / "newer", stopped_with_orders_from(0)) == new
    said = [(last_checkpoint(tmp_path / name) / "state.json").read_text() for name in ("older", "newer")]
    assert ["order" in text for text in said] == [False, True]


def test_stopped_before_its_checkpoint_an_epoch_is_logged_once(
    shards: Path, undisturbed: Path, tmp_path: Path
) -> None:
    add = MetricsLog.add

    def adds_and_ends(log: MetricsLog, epoch: Epoch) -> None:
        add(log, epoch)
        raise KeyboardInterrupt

    patched = mock.patch.object(MetricsLog, "add", adds_and_ends)
    expected = without_timings(undisturbed)[:BEGINNING]
    assert stopped_and_run_again(shards, tmp_path / "run", patched) == expected


def test_a_full_disk_ends_it_with_the_last_checkpoint_as_it_was(
    shards: Path, undisturbed: Path, tmp_path: Path
) -> None:
    """Full at a file's first byte, and in the midst of the weights."""
    out = tmp_path / "run"
    for limit in (0, 20_000):
        before = newest(out)
        process = subprocess.Popen(
            command(shards, out, *LONG), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        wait_for(lambda before=before: newest(out) > before)  # type: ignore[misc]
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (limit, limit))
        _, said = process.communicate(timeout=60)
        assert process.returncode == 2, said
        assert f"error: {out} cannot be written to: " in said
        assert "free space, then run the same command again" in said
        assert "Traceback" not in said
        assert last_checkpoint(out).name == newest(out)
        assert not list((out / "checkpoints").glob(".*"))
    run(command(shards, out, *LONG))
    assert without_timings(out) == without_timings(undisturbed)


def test_a_damaged_checkpoint_is_passed_over_and_the_run_goes_on_from_the_one_before(
    shards: Path, undisturbed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    shutil.copytree(undisturbed, out)
    for record in (finished.RECORD, CONFIG):  # which name the other folder
        (out / record).unlink()
    before, last = sorted((out / "checkpoints").glob("step-*"))[-2:]
    data = bytearray((last / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (last / "model.safetensors").write_bytes(data)
    assert checkpoint.latest(out / "checkpoints") == before
    assert "damaged" in capsys.readouterr().err
    assert train(settings(TrainUNetSettings, shards, out, SMALL_UNET, *FAST, *LONG)).exit_status == 0
    assert_same_ends(undisturbed, out)
