"""Whole trainings: ranks, resume, checkpoints, refusals.  Real Horovod, started by real launchers."""

import contextlib
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import psutil
import pytest
import torch
from safetensors.torch import load_file

from hpcvox.errors import CheckpointError, ConfigError, HpcvoxError, TrainingError
from hpcvox.outcome import INTERRUPTED
from hpcvox.shards.reader import ShardSet
from hpcvox.training import checkpoint, runs
from hpcvox.training.bins import bin_of, class_edges, quantile_edges
from hpcvox.training.card import WEIGHTS
from hpcvox.training.job import train_unet, train_vae
from hpcvox.training.loop import Trainer
from hpcvox.training.metrics import MetricsLog, read_metrics
from hpcvox.training.settings import TrainUNetSettings, TrainVAESettings
from tests.support.training_runs import (
    FAST,
    MPIRUN,
    ROOT_MAY,
    command,
    last_checkpoint,
    run,
    settings,
    wait_for,
    weights,
)
from tests.support.voxel_shards import SMALL_UNET, SMALL_VAE

HOROVODRUN = [
    str(Path(sys.executable).with_name("horovodrun")),
    "--gloo",
    "--network-interfaces",
    "lo",
    "-np",
]
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]


@pytest.fixture(scope="module")
def unet(shards: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A UNet trained by this process alone, to its end."""
    out = tmp_path_factory.mktemp("run") / "unet"
    assert train_unet(settings(TrainUNetSettings, shards, out, SMALL_UNET, *FAST)).exit_status == 0
    return out


def test_a_run_leaves_what_it_promises(unet: Path) -> None:
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


def test_the_same_run_twice_gives_the_same_bits(shards: Path, unet: Path, tmp_path: Path) -> None:
    train_unet(settings(TrainUNetSettings, shards, tmp_path / "again", SMALL_UNET, *FAST))
    for (name, a), (_, b) in zip(weights(unet).items(), weights(tmp_path / "again").items(), strict=True):
        assert torch.equal(a, b), name


@pytest.fixture(scope="module")
def one_rank(shards: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What several ranks must equal."""
    out = tmp_path_factory.mktemp("run") / "one"
    run(command(shards, out, *EXACT, "batch_size=12"))
    return out


# One epoch: rounding grows tenfold in a few steps of Adam, whose steps have one size whatever the gradient.
EXACT = ["batch_statistics=global", "schedule=constant", "learning_rate=1e-4", "epochs=1"]


@pytest.mark.parametrize(
    ("launcher", "backend"),
    [(MPIRUN, "horovod"), (HOROVODRUN, "horovod"), (MPIRUN, "torch"), (TORCHRUN, "auto")],
    ids=["mpirun", "horovodrun", "mpirun-torch", "torchrun"],
)
def test_two_ranks_lose_what_one_rank_with_twice_the_batch_loses(
    shards: Path, one_rank: Path, tmp_path: Path, launcher: list[str], backend: str
) -> None:
    of_python = command(shards, tmp_path / "two", *EXACT, "batch_size=6", f"backend={backend}")
    run([*launcher, *(of_python[1:] if launcher is TORCHRUN else ("2", *of_python))])
    (two,), (one,) = read_metrics(tmp_path / "two"), read_metrics(one_rank)
    for name in ("train/loss", "train/mask_loss", "train/species_loss"):
        assert two[name] == pytest.approx(one[name], rel=5e-5), name
    assert two["held_out/loss"] == pytest.approx(one["held_out/loss"], rel=2e-3)


@pytest.mark.parametrize("backend", ["horovod", "torch"])
@pytest.mark.parametrize("more", [[], ["accumulate=2", "batch_size=3", "compression=float16", "ema=0.9"]])
def test_batch_norm_by_rank_averages_the_running_statistics_and_ranks_agree_bit_for_bit(
    shards: Path, tmp_path: Path, backend: str, more: list[str]
) -> None:
    probe = tmp_path / "probe.py"
    probe.write_text(
        "import sys, json\n"
        "from hpcvox import config\n"
        "from hpcvox.shards.reader import ShardSet\n"
        "from hpcvox.training import agreement, loop\n"
        "from hpcvox.training.unet_task import RECIPE\n"
        "from hpcvox.training.comm import connect\n"
        "from hpcvox.training.settings import TrainUNetSettings\n"
        "settings = config.load(TrainUNetSettings, None, sys.argv[2:])\n"
        "comm = connect(settings)\n"
        "shards = ShardSet.open(settings.shards)\n"
        "train, held_out = RECIPE.split(settings, shards, RECIPE.usable(settings, shards))\n"
        "task = RECIPE.make(settings, shards, train, comm)\n"
        "trainer = loop.Trainer(task, settings, shards.ids, train, held_out, comm)\n"
        "trainer.run(None, None)\n"
        "norm = trainer.model.bottom.norm\n"
        "facts = {'digest': agreement.state_digest(trainer.model), 'var': norm.running_var.tolist()}\n"
        "open(f'{sys.argv[1]}.{comm.rank}', 'w').write(json.dumps(facts))\n"
        "comm.close()\n"
    )
    arguments = [
        f"shards={shards}",
        f"out={tmp_path / 'run'}",
        SMALL_UNET,
        *FAST,
        f"backend={backend}",
        *more,
    ]
    run([*MPIRUN, "2", sys.executable, str(probe), str(tmp_path / "facts"), *arguments])
    first, second = (json.loads((tmp_path / f"facts.{rank}").read_text()) for rank in range(2))
    assert first == second
    assert all(v > 0 for v in first["var"])


def test_ranks_are_launched_by_the_setting(shards: Path, tmp_path: Path) -> None:
    said = run(command(shards, tmp_path / "run", "ranks=2", "epochs=1"))
    assert "2 ranks of" in said
    assert said.strip().splitlines()[-1].startswith("trained 1 epochs; held out:")
    assert re.search(r"^ +train +held out +best\nepoch +1 +1 +1\n", said, re.MULTILINE)
    assert re.search(r"^recall( +[\d.e-]+){3}$", said, re.MULTILINE)


def test_without_horovod_torch_joins_the_ranks_unless_horovod_was_asked_for(
    shards: Path, tmp_path: Path
) -> None:
    (tmp_path / "horovod").mkdir()
    (tmp_path / "horovod" / "__init__.py").write_text("raise ImportError('as where it was never built')")
    without = {**os.environ, "PYTHONPATH": str(tmp_path)}
    for ranks, backend, status in ((1, "horovod", 0), (2, "auto", 0), (2, "horovod", 2)):
        done = subprocess.run(
            command(
                shards, tmp_path / f"{backend}{ranks}", "epochs=1", f"ranks={ranks}", f"backend={backend}"
            ),
            capture_output=True,
            text=True,
            env=without,
            timeout=240,
            check=False,
        )
        assert done.returncode == status, done.stderr
    for said in ("as where it was never built", "make setup", "backend=torch", "ranks=1"):
        assert said in done.stderr


@pytest.fixture(scope="module")
def undisturbed(shards: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run that the interrupted ones must equal: constant rate, a checkpoint every other step."""
    out = tmp_path_factory.mktemp("run") / "undisturbed"
    run(command(shards, out, *LONG))
    return out


def without_timings(out: Path) -> list[dict[str, Any]]:
    """The curve of a run, as far as it must not depend on the machine."""
    timings = {"samples_per_s", "loader_wait_share"}
    return [{k: v for k, v in line.items() if k not in timings} for line in read_metrics(out)]


LONG = ["epochs=6", "schedule=constant", "checkpoint_steps=2", "ema=0.95"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGKILL])
def test_interrupted_and_run_again_it_ends_with_the_same_bits(
    shards: Path, undisturbed: Path, tmp_path: Path, number: signal.Signals
) -> None:
    out = tmp_path / "run"
    process = subprocess.Popen(
        command(shards, out, *LONG), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    wait_for(lambda: len(list((out / "checkpoints").glob("step-*"))) >= 2)
    process.send_signal(number)
    said = process.communicate(timeout=60)[0]
    if number == signal.SIGKILL:
        assert process.returncode == -signal.SIGKILL
    else:
        assert process.returncode == INTERRUPTED, said
        assert "run the same command again" in said
    assert "going on at epoch" in run(command(shards, out, *LONG))
    for file in (checkpoint.MODEL, checkpoint.OPTIMIZER, checkpoint.AVERAGE):
        ends = [last_checkpoint(folder) / file for folder in (undisturbed, out)]
        assert ends[0].read_bytes() == ends[1].read_bytes(), file
    assert without_timings(out) == without_timings(undisturbed)


def stopped_and_run_again(
    shards: Path, out: Path, patched: contextlib.AbstractContextManager[object]
) -> list[dict[str, Any]]:
    """The curve of a run that ``patched``, a context, ends once one epoch is logged, and that is then run again."""
    given = settings(TrainUNetSettings, shards, out, SMALL_UNET, *FAST, *LONG, "checkpoint_steps=1")
    with patched, pytest.raises(KeyboardInterrupt):
        train_unet(given)
    assert len(read_metrics(given.out)) == 1
    train_unet(given)
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
    assert stopped_and_run_again(shards, tmp_path / "run", patched) == without_timings(undisturbed)


def test_stopped_before_its_checkpoint_an_epoch_is_logged_once(
    shards: Path, undisturbed: Path, tmp_path: Path
) -> None:
    add = MetricsLog.add

    def adds_and_ends(log: MetricsLog, step: int, figures: dict[str, Any]) -> None:
        add(log, step, figures)
        raise KeyboardInterrupt

    patched = mock.patch.object(MetricsLog, "add", adds_and_ends)
    assert stopped_and_run_again(shards, tmp_path / "run", patched) == without_timings(undisturbed)


@pytest.mark.parametrize("limit", [0, 20_000], ids=["a file's first byte", "the weights"])
def test_a_full_disk_ends_it_with_the_last_checkpoint_as_it_was(
    shards: Path, undisturbed: Path, tmp_path: Path, limit: int
) -> None:
    out = tmp_path / "run"
    process = subprocess.Popen(
        command(shards, out, *LONG), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    wait_for(lambda: len(list((out / "checkpoints").glob("step-*"))) >= 2)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (limit, limit))
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2, said
    assert f"error: {out} cannot be written to: " in said
    assert "free space, then run the same command again" in said
    assert "Traceback" not in said
    assert checkpoint.latest(out / "checkpoints") == max((out / "checkpoints").glob("step-*"))
    assert not list((out / "checkpoints").glob(".*"))
    run(command(shards, out, *LONG))
    assert without_timings(out) == without_timings(undisturbed)


def test_two_ranks_stop_together_on_a_signal_and_go_on(shards: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    process = subprocess.Popen(
        command(shards, out, *LONG, "ranks=2"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    wait_for(lambda: len(list((out / "checkpoints").glob("step-*"))) >= 1)
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=120)[0]
    assert process.returncode == INTERRUPTED, said
    said = run(command(shards, out, *LONG, "ranks=2"))
    assert "going on at epoch" in said
    assert [line["epoch"] for line in read_metrics(out)] == list(range(1, 7))


def test_a_damaged_checkpoint_is_passed_over(
    shards: Path, undisturbed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    shutil.copytree(undisturbed, out)
    before, last = sorted((out / "checkpoints").glob("step-*"))[-2:]
    data = bytearray((last / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (last / "model.safetensors").write_bytes(data)
    assert checkpoint.latest(out / "checkpoints") == before
    assert "damaged" in capsys.readouterr().err


def test_a_folder_with_another_run_is_refused(shards: Path, unet: Path) -> None:
    with pytest.raises(ConfigError, match=r"seed .0 → 1.*choose another out"):
        train_unet(settings(TrainUNetSettings, shards, unet, SMALL_UNET, *FAST, "seed=1"))


def test_a_finished_run_has_nothing_to_do(shards: Path, unet: Path) -> None:
    """It ends before a rank is started; where a byte of it is another, the usual way, which changes nothing either."""
    before = weights(unet)
    said = run(command(shards, unet, "ranks=2"))
    assert said.startswith("nothing to do: trained 2 epochs; held out: ")
    assert len(said.splitlines()) == 1
    log = (unet / "metrics.jsonl").read_text()
    (unet / "metrics.jsonl").write_text(log + "\n")
    assert "going on at epoch 3" in run(command(shards, unet))
    assert (unet / "metrics.jsonl").read_text() == log
    assert all(torch.equal(before[name], value) for name, value in weights(unet).items())
    assert "nothing to do" in run(command(shards, unet))
    torn = last_checkpoint(unet) / checkpoint.MODEL
    torn.unlink()  # another file: the weights above are in this one
    torn.write_bytes(b"torn")
    assert "going on at epoch" in run(command(shards, unet)), "it has a checkpoint to go on from again"
    assert all(torch.equal(before[name], value) for name, value in weights(unet).items())
    assert "nothing to do" in run(command(shards, unet))


def test_a_loss_that_is_not_finite_stops_the_run_and_names_the_samples(shards: Path, tmp_path: Path) -> None:
    wild = [*FAST, "learning_rate=1e30", "warmup_steps=0", "clip_norm=0", "epochs=5"]
    with pytest.raises(
        TrainingError, match=r"the loss is not finite at epoch 1, step \d+, rank 0; samples: \w+"
    ):
        train_unet(settings(TrainUNetSettings, shards, tmp_path / "run", SMALL_UNET, *wild))
    assert all(torch.isfinite(value).all() for value in weights(tmp_path / "run").values())


@pytest.mark.parametrize("backend", ["horovod", "torch"])
def test_two_ranks_end_together_where_the_loss_of_one_is_not_finite(
    shards: Path, tmp_path: Path, backend: str
) -> None:
    wild = ["learning_rate=1e30", "warmup_steps=0", "clip_norm=0", "epochs=5", f"backend={backend}"]
    done = subprocess.run(
        [*MPIRUN, "2", *command(shards, tmp_path / "run", *wild)],
        capture_output=True, text=True, timeout=240, env={**os.environ, **ROOT_MAY}, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert re.search(r"is not finite at epoch 1, step \d+", done.stderr), done.stderr
    assert all(torch.isfinite(value).all() for value in weights(tmp_path / "run").values())


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["horovod", "torch"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_rank_that_dies_or_hangs_ends_the_run_in_time(
    shards: Path, tmp_path: Path, backend: str, number: signal.Signals
) -> None:
    # as in an allocation, where nobody ends the ranks of another node
    more = [*LONG, "epochs=1000", f"backend={backend}", "stall_s=8"]
    apart = ["--mca", "orte_abort_on_non_zero_status", "0"]
    process = subprocess.Popen(
        [*MPIRUN[:-1], *apart, "-np", "2", *command(shards, tmp_path / "run", *more)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, **ROOT_MAY},
    )  # fmt: skip
    wait_for(lambda: len(list((tmp_path / "run" / "checkpoints").glob("step-*"))) >= 1)
    of_rank = {
        child.environ()["OMPI_COMM_WORLD_RANK"]: child
        for child in psutil.Process(process.pid).children(recursive=True)
    }
    of_rank["1"].send_signal(number)
    try:
        of_rank["0"].wait(60)
    finally:
        every: list[psutil.Process | subprocess.Popen[str]] = [*of_rank.values(), process]
        for left in every:
            with contextlib.suppress(psutil.NoSuchProcess):
                left.kill()
    said = process.communicate(timeout=60)[0]
    assert re.search(r"rank 0 gives up after step \d+ of epoch \d+: another rank has ended", said), said
    again = command(shards, tmp_path / "run", *LONG, f"backend={backend}", "stall_s=8", "ranks=2")
    assert "going on at epoch" in run(again)


def test_accumulated_batches_make_the_step_of_their_sum(shards: Path, tmp_path: Path) -> None:
    # BatchNorm knows no batch but its own: without it in the way the gradients are the same
    exact = [*FAST, "epochs=1", "schedule=constant", "learning_rate=1e-4", "species_voxels=0"]
    for name, more in (("one", ["batch_size=12"]), ("two", ["batch_size=6", "accumulate=2"])):
        train_unet(settings(TrainUNetSettings, shards, tmp_path / name, SMALL_UNET, *exact, *more))
    (one,), (two,) = read_metrics(tmp_path / "one"), read_metrics(tmp_path / "two")
    assert one["step"] == two["step"]
    assert two["train/loss"] == pytest.approx(one["train/loss"], rel=0.05)


def test_a_rank_without_a_held_out_sample_judges_with_the_others(shards: Path, tmp_path: Path) -> None:
    said = run([*MPIRUN, "2", *command(shards, tmp_path / "run", "held_out_fraction=0.005", "epochs=1")])
    assert " 1 held out" in said
    assert np.isfinite(read_metrics(tmp_path / "run")[-1]["held_out/loss"])


def test_scaled_learning_rate(shards: Path, tmp_path: Path) -> None:
    rates = {}
    for scale in ("none", "linear", "sqrt"):
        more = [*FAST, "epochs=1", "schedule=constant", "accumulate=4", "batch_size=2", "warmup_steps=0"]
        out = tmp_path / scale
        train_unet(
            settings(TrainUNetSettings, shards, out, SMALL_UNET, *more, f"scale_learning_rate={scale}")
        )
        rates[scale] = read_metrics(out)[0]["learning_rate"]
    assert rates == {"none": 3e-3, "linear": pytest.approx(12e-3), "sqrt": pytest.approx(6e-3)}


def test_a_run_ends_early_where_nothing_becomes_better(shards: Path, tmp_path: Path) -> None:
    still = [*FAST, "epochs=50", "learning_rate=1e-30", "patience=2"]
    outcome = train_unet(settings(TrainUNetSettings, shards, tmp_path / "run", SMALL_UNET, *still))
    losses = [line["held_out/loss"] for line in read_metrics(tmp_path / "run")]
    best = losses.index(min(losses))
    assert len(losses) == best + 3 < 50
    assert "ended early" in outcome.summary


def test_bfloat16_trains_as_float32_does_to_its_precision(shards: Path, unet: Path, tmp_path: Path) -> None:
    train_unet(settings(TrainUNetSettings, shards, tmp_path / "run", SMALL_UNET, *FAST, "precision=bfloat16"))
    half, full = (read_metrics(folder)[-1]["held_out/loss"] for folder in (tmp_path / "run", unet))
    assert half != full
    assert half == pytest.approx(full, rel=0.1)


def test_the_kept_model_is_the_mean_of_the_weights(shards: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    train_unet(settings(TrainUNetSettings, shards, out, SMALL_UNET, *FAST, "epochs=1", "ema=0.9"))
    kept, own = load_file(out / WEIGHTS), weights(out)
    means = load_file(last_checkpoint(out) / checkpoint.AVERAGE)
    for name, mean in means.items():
        assert torch.equal(kept[name], mean), name
        assert not torch.equal(own[name], mean), name


VAE_FAST = [SMALL_VAE, "condition=energy", "bins=4", "epochs=2", "batch_size=6", "threads=1", "examples=3"]


def test_the_vae_trains_on_the_unets_features(shards: Path, unet: Path, tmp_path: Path) -> None:
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


def test_a_condition_that_is_not_there_is_refused_with_those_that_are(
    shards: Path, unet: Path, tmp_path: Path
) -> None:
    with pytest.raises(HpcvoxError, match="energy"):
        train_vae(
            settings(TrainVAESettings, shards, tmp_path, f"unet={unet}", SMALL_VAE, "condition=band_gap")
        )


def test_damaged_weights_are_refused(unet: Path, tmp_path: Path) -> None:
    shutil.copytree(unet, tmp_path / "unet")
    path = tmp_path / "unet" / WEIGHTS
    path.write_bytes(path.read_bytes()[:-4] + b"\0\1\2\3")
    with pytest.raises(CheckpointError, match="not what model"):
        runs.load_model(tmp_path / "unet")


def test_quantile_bins_hold_equally_many() -> None:
    values = np.random.default_rng(0).normal(size=1000)
    edges = quantile_edges(values, 10)
    assert np.bincount(bin_of(values, edges)).tolist() == [100] * 10
    assert bin_of(np.array([-99.0, 99.0]), edges).tolist() == [0, 9]
    with pytest.raises(ConfigError, match="fewer bins"):
        quantile_edges(np.array([1.0, 1.0, 2.0]), 3)


def test_classes_are_conditions_each_with_a_bin_of_its_own(shards: Path, unet: Path, tmp_path: Path) -> None:
    edges = class_edges(np.array([3.0, 0.0, 1.0, 1.0, 0.0]))
    assert bin_of(np.array([0.0, 1.0, 3.0, -1.0, 7.0]), edges).tolist() == [0, 1, 2, 0, 2]
    assert bin_of(np.array([5.0]), class_edges(np.array([5.0, 5.0]))).tolist() == [0]
    with pytest.raises(ConfigError, match="bins=0 is for a condition that numbers classes"):
        class_edges(np.arange(101.0))
    more = (f"unet={unet}", *VAE_FAST, "bins=0", "epochs=1")
    train_vae(settings(TrainVAESettings, shards, tmp_path / "vae", *more))
    _, card = runs.load_model(tmp_path / "vae", "vae")
    energies = ShardSet.open(shards).target("energy")
    assert 1 < card["conditions"] == len(card["edges"]) - 1 <= len(np.unique(energies))
    assert np.isclose(card["edges"], energies[:, None]).any(0)[[0, -1]].all()


def test_a_process_that_launches_others_loads_neither_torch_nor_horovod() -> None:
    loaded = "import hpcvox.training.job, hpcvox.studies.worker, sys; print(*sys.modules, sep='\\n')"
    said = run([sys.executable, "-c", loaded]).split()
    assert not {"torch", "horovod", "numba"} & set(said)
