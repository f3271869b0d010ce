"""Whole trainings: ranks, resume, checkpoints, refusals.  Real Horovod, started by real launchers."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from training_shards import SMALL_UNET, SMALL_VAE, make_shards

from hpcvox import config
from hpcvox.errors import CheckpointError, ConfigError, HpcvoxError, TrainingError
from hpcvox.outcome import INTERRUPTED
from hpcvox.training import checkpoint, runs
from hpcvox.training.job import train_unet, train_vae
from hpcvox.training.metrics import read_metrics
from hpcvox.training.settings import TrainUNetSettings, TrainVAESettings
from hpcvox.training.vae_task import bin_of, quantile_edges

FAST = ["epochs=2", "batch_size=6", "threads=1", "learning_rate=3e-3", "warmup_steps=2", "species_voxels=256"]
ROOT_MAY = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
MPIRUN = ["mpirun", "--bind-to", "none", "--oversubscribe", "-np"]
HOROVODRUN = [
    str(Path(sys.executable).with_name("horovodrun")),
    "--gloo",
    "--network-interfaces",
    "lo",
    "-np",
]


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    return make_shards(tmp_path_factory.mktemp("data") / "shards")


def settings(kind, shards, out, *more):
    return config.load(kind, None, [f"shards={shards}", f"out={out}", *more])


def command(shards, out, *more):
    return [
        sys.executable,
        "-m",
        "hpcvox",
        "train-unet",
        f"shards={shards}",
        f"out={out}",
        SMALL_UNET,
        *FAST,
        *more,
    ]


def run(arguments, **keywords):
    done = subprocess.run(
        arguments,
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, **ROOT_MAY},
        check=False,
        **keywords,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def unet(shards, tmp_path_factory):
    """A UNet trained by this process alone, to its end."""
    out = tmp_path_factory.mktemp("run") / "unet"
    assert train_unet(settings(TrainUNetSettings, shards, out, SMALL_UNET, *FAST)).exit_status == 0
    return out


def weights(out):
    last = checkpoint.latest(out / "checkpoints")
    assert last is not None
    return load_file(last / "model.safetensors")


def test_a_run_leaves_what_it_promises(unet):
    lines = read_metrics(unet)
    assert [line["epoch"] for line in lines] == [1, 2]
    for name in ("train/loss", "held_out/loss", "held_out/recall", "held_out/mask_f1", "loader_wait_share"):
        assert np.isfinite(lines[-1][name])
    assert lines[-1]["train/loss"] < lines[0]["train/loss"]
    assert list((unet / "tensorboard").glob("events*"))
    model, card = runs.load_model(unet, "unet")
    assert not model.training
    assert (card["grid"], card["voxels"]) == ("periodic", 16)
    assert set(card["elements"]) <= {8, 9, 11, 19, 20, 22, 25, 38, 40, 41, 56, 57}


def test_the_same_run_twice_gives_the_same_bits(shards, unet, tmp_path):
    train_unet(settings(TrainUNetSettings, shards, tmp_path / "again", SMALL_UNET, *FAST))
    for (name, a), (_, b) in zip(weights(unet).items(), weights(tmp_path / "again").items(), strict=True):
        assert torch.equal(a, b), name


@pytest.mark.parametrize("launcher", [MPIRUN, HOROVODRUN], ids=["mpirun", "horovodrun"])
def test_two_ranks_lose_what_one_rank_with_twice_the_batch_loses(shards, tmp_path, launcher):
    # One epoch: rounding grows tenfold in a few steps of Adam, whose steps have one size whatever the gradient.
    more = ["batch_statistics=global", "schedule=constant", "learning_rate=1e-4", "epochs=1"]
    run([*launcher, "2", *command(shards, tmp_path / "two", *more, "batch_size=6")])
    run(command(shards, tmp_path / "one", *more, "batch_size=12"))
    (two,), (one,) = read_metrics(tmp_path / "two"), read_metrics(tmp_path / "one")
    for name in ("train/loss", "train/mask_loss", "train/species_loss"):
        assert two[name] == pytest.approx(one[name], rel=5e-5), name
    assert two["held_out/loss"] == pytest.approx(one["held_out/loss"], rel=2e-3)


def test_batch_norm_by_rank_averages_the_running_statistics_and_ranks_agree_bit_for_bit(shards, tmp_path):
    probe = tmp_path / "probe.py"
    probe.write_text(
        "import sys, json\n"
        "from hpcvox import config\n"
        "from hpcvox.shards.reader import ShardSet\n"
        "from hpcvox.training import job, loop\n"
        "from hpcvox.training.comm import connect\n"
        "from hpcvox.training.settings import TrainUNetSettings\n"
        "settings = config.load(TrainUNetSettings, None, sys.argv[2:])\n"
        "comm = connect()\n"
        "shards = ShardSet.open(settings.shards)\n"
        "train, held_out, _ = job._samples(settings, shards)\n"
        "trainer = loop.Trainer(job.UNetTask(settings, shards, train, comm), settings, shards, train, held_out, comm)\n"
        "trainer.run(None, None)\n"
        "norm = trainer.model.bottom.norm\n"
        "facts = {'digest': loop.state_digest(trainer.model), 'var': norm.running_var.tolist()}\n"
        "open(f'{sys.argv[1]}.{comm.rank}', 'w').write(json.dumps(facts))\n"
        "comm.close()\n"
    )
    arguments = [f"shards={shards}", f"out={tmp_path / 'run'}", SMALL_UNET, *FAST]
    run([*MPIRUN, "2", sys.executable, str(probe), str(tmp_path / "facts"), *arguments])
    first, second = (json.loads((tmp_path / f"facts.{rank}").read_text()) for rank in range(2))
    assert first == second
    assert all(v > 0 for v in first["var"])


def test_ranks_are_launched_by_the_setting(shards, tmp_path):
    said = run(command(shards, tmp_path / "run", "ranks=2", "epochs=1"))
    assert "2 ranks of" in said
    assert said.strip().splitlines()[-1].startswith("trained 1 epochs; held out:")


def test_without_horovod_one_rank_works_and_several_say_what_to_do(shards, tmp_path):
    (tmp_path / "horovod").mkdir()
    (tmp_path / "horovod" / "__init__.py").write_text("raise ImportError('as where it was never built')")
    without = {**os.environ, "PYTHONPATH": str(tmp_path)}
    for ranks, status in ((1, 0), (2, 2)):
        done = subprocess.run(
            command(shards, tmp_path / f"run{ranks}", "epochs=1", f"ranks={ranks}"),
            capture_output=True,
            text=True,
            env=without,
            timeout=240,
            check=False,
        )
        assert done.returncode == status, done.stderr
    assert "needs Horovod" in done.stderr
    assert "make setup" in done.stderr
    assert "ranks=1" in done.stderr


@pytest.fixture(scope="module")
def undisturbed(shards, tmp_path_factory):
    """The run that the interrupted ones must equal: constant rate, a checkpoint every other step."""
    out = tmp_path_factory.mktemp("run") / "undisturbed"
    run(command(shards, out, *LONG))
    return out


LONG = ["epochs=6", "schedule=constant", "checkpoint_steps=2"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGKILL])
def test_interrupted_and_run_again_it_ends_with_the_same_bits(shards, undisturbed, tmp_path, number):
    out = tmp_path / "run"
    process = subprocess.Popen(
        command(shards, out, *LONG), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    _wait_for(lambda: len(list((out / "checkpoints").glob("step-*"))) >= 2)
    process.send_signal(number)
    said = process.communicate(timeout=60)[0]
    if number == signal.SIGKILL:
        assert process.returncode == -signal.SIGKILL
    else:
        assert process.returncode == INTERRUPTED, said
        assert "run the same command again" in said
    assert "going on at epoch" in run(command(shards, out, *LONG))
    for (name, a), (_, b) in zip(weights(undisturbed).items(), weights(out).items(), strict=True):
        assert torch.equal(a, b), name
    timings = {"samples_per_s", "loader_wait_share"}
    for a, b in zip(read_metrics(undisturbed), read_metrics(out), strict=True):
        assert {k: v for k, v in a.items() if k not in timings} == {
            k: v for k, v in b.items() if k not in timings
        }


def test_two_ranks_stop_together_on_a_signal_and_go_on(shards, tmp_path):
    out = tmp_path / "run"
    process = subprocess.Popen(
        command(shards, out, *LONG, "ranks=2"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    _wait_for(lambda: len(list((out / "checkpoints").glob("step-*"))) >= 1)
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=120)[0]
    assert process.returncode == INTERRUPTED, said
    said = run(command(shards, out, *LONG, "ranks=2"))
    assert "going on at epoch" in said
    assert [line["epoch"] for line in read_metrics(out)] == list(range(1, 7))


def test_a_damaged_checkpoint_is_passed_over(shards, undisturbed, tmp_path, capsys):
    out = tmp_path / "run"
    shutil.copytree(undisturbed, out)
    before, last = sorted((out / "checkpoints").glob("step-*"))[-2:]
    data = bytearray((last / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (last / "model.safetensors").write_bytes(data)
    assert checkpoint.latest(out / "checkpoints") == before
    assert "damaged" in capsys.readouterr().err


def test_a_folder_with_another_run_is_refused(shards, unet):
    with pytest.raises(ConfigError, match=r"seed .0 → 1.*choose another out"):
        train_unet(settings(TrainUNetSettings, shards, unet, SMALL_UNET, *FAST, "seed=1"))


def test_a_finished_run_has_nothing_to_do(shards, unet):
    before = weights(unet)
    outcome = train_unet(settings(TrainUNetSettings, shards, unet, SMALL_UNET, *FAST))
    assert outcome.summary.startswith("trained 2 epochs")
    assert all(torch.equal(before[name], value) for name, value in weights(unet).items())


def test_a_loss_that_is_not_finite_stops_the_run_and_names_the_samples(shards, tmp_path):
    wild = [*FAST, "learning_rate=1e30", "warmup_steps=0", "clip_norm=0", "epochs=5"]
    with pytest.raises(TrainingError, match=r"the loss is (nan|inf).*samples: \w+"):
        train_unet(settings(TrainUNetSettings, shards, tmp_path / "run", SMALL_UNET, *wild))


VAE_FAST = [SMALL_VAE, "condition=energy", "bins=4", "epochs=2", "batch_size=6", "threads=1", "examples=3"]


def test_the_vae_trains_on_the_unets_features(shards, unet, tmp_path):
    out = tmp_path / "vae"
    outcome = train_vae(settings(TrainVAESettings, shards, out, f"unet={unet}", *VAE_FAST))
    assert outcome.summary.startswith("trained 2 epochs")
    lines = read_metrics(out)
    assert lines[-1]["train/loss"] < lines[0]["train/loss"]
    for name in ("mse", "dfc", "kld", "coordinate_mae"):
        assert np.isfinite(lines[-1][f"held_out/{name}"])
    _, card = runs.load_model(out, "vae")
    assert card["condition"] == "energy"
    assert len(card["edges"]) == 5
    with np.load(out / "examples.npz", allow_pickle=False) as examples:
        assert examples["density_true"].shape == examples["density_reconstructed"].shape == (3, 16, 16, 16)
    with pytest.raises(CheckpointError, match="holds a vae, and a unet is needed"):
        runs.load_model(out, "unet")


def test_a_condition_that_is_not_there_is_refused_with_those_that_are(shards, unet, tmp_path):
    with pytest.raises(HpcvoxError, match="energy"):
        train_vae(
            settings(TrainVAESettings, shards, tmp_path, f"unet={unet}", SMALL_VAE, "condition=band_gap")
        )


def test_damaged_weights_are_refused(unet, tmp_path):
    shutil.copytree(unet, tmp_path / "unet")
    path = tmp_path / "unet" / runs.WEIGHTS
    path.write_bytes(path.read_bytes()[:-4] + b"\0\1\2\3")
    with pytest.raises(CheckpointError, match="not what model"):
        runs.load_model(tmp_path / "unet")


def test_quantile_bins_hold_equally_many():
    values = np.random.default_rng(0).normal(size=1000)
    edges = quantile_edges(values, 10)
    assert np.bincount(bin_of(values, edges)).tolist() == [100] * 10
    assert bin_of(np.array([-99.0, 99.0]), edges).tolist() == [0, 9]
    with pytest.raises(ConfigError, match="fewer bins"):
        quantile_edges(np.array([1.0, 1.0, 2.0]), 3)


def _wait_for(condition, limit_s=120):
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)
