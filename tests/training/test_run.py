"""A training of one process: what it leaves, that it is the same each time, and what its settings do."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from hpcvox.errors import CheckpointError, ConfigError, TrainingError
from hpcvox.networks.unet.card import UNetCard
from hpcvox.networks.unet.settings import TrainUNetSettings
from hpcvox.training.folder import checkpoint, runs
from hpcvox.training.folder.card import WEIGHTS
from hpcvox.training.folder.metrics import read_metrics
from hpcvox.training.job import run as train
from tests.support.training_runs import (
    FAST,
    command,
    last_checkpoint,
    run,
    settings,
    weights,
)
from tests.support.voxel_shards import SMALL_UNET

pytestmark = pytest.mark.slow


def test_a_run_leaves_what_it_promises(unet: Path) -> None:
    lines = read_metrics(unet)
    assert [line["epoch"] for line in lines] == [1, 2]
    for name in ("train/loss", "held_out/loss", "held_out/recall", "held_out/mask_f1", "loader_wait_share"):
        assert np.isfinite(lines[-1][name])
    assert lines[-1]["train/loss"] < lines[0]["train/loss"]
    assert list((unet / "tensorboard").glob("events*"))
    model, card = runs.load_model(unet, UNetCard)
    assert not model.training
    assert (card.grid, card.voxels) == ("periodic", 16)
    assert set(card.elements) <= {8, 9, 11, 19, 20, 22, 25, 38, 40, 41, 56, 57}


def test_the_same_run_twice_gives_the_same_bits(shards: Path, unet: Path, tmp_path: Path) -> None:
    train(settings(TrainUNetSettings, shards, tmp_path / "again", SMALL_UNET, *FAST))
    for (name, a), (_, b) in zip(weights(unet).items(), weights(tmp_path / "again").items(), strict=True):
        assert torch.equal(a, b), name
    # its card is in it, and says nothing of how fast it was
    assert (tmp_path / "again" / WEIGHTS).read_bytes() == (unet / WEIGHTS).read_bytes()


def test_a_folder_with_another_run_is_refused(shards: Path, unet: Path) -> None:
    with pytest.raises(ConfigError, match=r"seed .0 → 1.*choose another out"):
        train(settings(TrainUNetSettings, shards, unet, SMALL_UNET, *FAST, "seed=1"))


def test_a_finished_run_has_nothing_to_do(
    shards: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It ends before a rank is started; where a byte of it is another, the usual way, which changes nothing either."""
    out = tmp_path / "run"
    given = settings(TrainUNetSettings, shards, out, SMALL_UNET, *FAST)
    train(given)
    capsys.readouterr()

    def said_again() -> str:
        outcome = train(given)
        return capsys.readouterr().out + outcome.summary

    before = weights(out)
    said = run(command(shards, out, "ranks=2"))
    assert said.startswith("nothing to do: trained 2 epochs; held out: ")
    assert len(said.splitlines()) == 1
    log = (out / "metrics.jsonl").read_text()
    (out / "metrics.jsonl").write_text(log + "\n")
    assert "going on at epoch 3" in said_again()
    assert (out / "metrics.jsonl").read_text() == log
    assert all(torch.equal(before[name], value) for name, value in weights(out).items())
    assert "nothing to do" in said_again()
    torn = last_checkpoint(out) / checkpoint.MODEL
    torn.unlink()  # another file: the weights above are in this one
    torn.write_bytes(b"torn")
    assert "going on at epoch" in said_again(), "it has a checkpoint to go on from again"
    assert all(torch.equal(before[name], value) for name, value in weights(out).items())
    assert "nothing to do" in said_again()


def test_a_loss_that_is_not_finite_stops_the_run_and_names_the_samples(shards: Path, tmp_path: Path) -> None:
    wild = [*FAST, "learning_rate=1e30", "warmup_steps=0", "clip_norm=0", "epochs=5"]
    with pytest.raises(
        TrainingError, match=r"the loss is not finite at epoch 1, step \d+, rank 0; samples: \w+"
    ):
        train(settings(TrainUNetSettings, shards, tmp_path / "run", SMALL_UNET, *wild))
    assert all(torch.isfinite(value).all() for value in weights(tmp_path / "run").values())


def test_accumulated_batches_make_the_step_of_their_sum(shards: Path, tmp_path: Path) -> None:
    # BatchNorm knows no batch but its own: without it in the way the gradients are the same
    exact = [*FAST, "epochs=1", "schedule=constant", "learning_rate=1e-4", "species_voxels=0"]
    for name, more in (("one", ["batch_size=12"]), ("two", ["batch_size=6", "accumulate=2"])):
        train(settings(TrainUNetSettings, shards, tmp_path / name, SMALL_UNET, *exact, *more))
    (one,), (two,) = read_metrics(tmp_path / "one"), read_metrics(tmp_path / "two")
    assert one["step"] == two["step"]
    assert two["train/loss"] == pytest.approx(one["train/loss"], rel=0.05)


def test_scaled_learning_rate(shards: Path, tmp_path: Path) -> None:
    rates = {}
    for scale in ("none", "linear", "sqrt"):
        more = [*FAST, "epochs=1", "schedule=constant", "accumulate=4", "batch_size=2", "warmup_steps=0"]
        out = tmp_path / scale
        train(settings(TrainUNetSettings, shards, out, SMALL_UNET, *more, f"scale_learning_rate={scale}"))
        rates[scale] = read_metrics(out)[0]["learning_rate"]
    assert rates == {"none": 3e-3, "linear": pytest.approx(12e-3), "sqrt": pytest.approx(6e-3)}


def test_a_run_ends_early_where_nothing_becomes_better(shards: Path, tmp_path: Path) -> None:
    still = [*FAST, "epochs=50", "learning_rate=1e-30", "patience=2"]
    outcome = train(settings(TrainUNetSettings, shards, tmp_path / "run", SMALL_UNET, *still))
    losses = [line["held_out/loss"] for line in read_metrics(tmp_path / "run")]
    best = losses.index(min(losses))
    assert len(losses) == best + 3 < 50
    assert "ended early" in outcome.summary


def test_bfloat16_trains_as_float32_does_to_its_precision(shards: Path, unet: Path, tmp_path: Path) -> None:
    train(settings(TrainUNetSettings, shards, tmp_path / "run", SMALL_UNET, *FAST, "precision=bfloat16"))
    half, full = (read_metrics(folder)[-1]["held_out/loss"] for folder in (tmp_path / "run", unet))
    assert half != full
    assert half == pytest.approx(full, rel=0.1)


def test_the_kept_model_is_the_mean_of_the_weights(shards: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    train(settings(TrainUNetSettings, shards, out, SMALL_UNET, *FAST, "epochs=1", "ema=0.9"))
    kept, own = load_file(out / WEIGHTS), weights(out)
    means = load_file(last_checkpoint(out) / checkpoint.AVERAGE)
    for name, mean in means.items():
        assert torch.equal(kept[name], mean), name
        assert not torch.equal(own[name], mean), name


def test_damaged_weights_are_refused(unet: Path, tmp_path: Path) -> None:
    shutil.copytree(unet, tmp_path / "unet")
    path = tmp_path / "unet" / WEIGHTS
    path.write_bytes(path.read_bytes()[:-4] + b"\0\1\2\3")
    with pytest.raises(CheckpointError, match="is damaged"):
        runs.load_model(tmp_path / "unet")


def test_a_process_that_launches_others_loads_neither_torch_nor_horovod() -> None:
    loaded = "import hpcvox.training.job, hpcvox.studies.job, sys; print(*sys.modules, sep='\\n')"
    said = run([sys.executable, "-c", loaded]).split()
    assert not {"torch", "horovod", "numba"} & set(said)
