"""Trainings of several ranks, started by real launchers and joined by Horovod or torch.distributed."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import psutil
import pytest
import torch

from hpcvox.networks.unet.settings import TrainUNetSettings
from hpcvox.networks.vae.card import PRIOR
from hpcvox.process.outcome import INTERRUPTED
from hpcvox.training.folder.metrics import read_metrics
from hpcvox.training.job import run as train
from hpcvox.training.ranks.comm import Alone
from tests.support.generated_runs import random_networks
from tests.support.rank_probe import fit_prior
from tests.support.training_runs import (
    FAST,
    LONG,
    MPIRUN,
    ROOT_MAY,
    command,
    run,
    settings,
    wait_for,
    weights,
)
from tests.support.voxel_shards import SMALL_UNET

pytestmark = pytest.mark.slow

HOROVODRUN = [
    str(Path(sys.executable).with_name("horovodrun")),
    "--gloo",
    "--network-interfaces",
    "lo",
    "-np",
]


TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]


# One epoch: rounding grows tenfold in a few steps of Adam, whose steps have one size whatever the gradient.
EXACT = ["batch_statistics=global", "schedule=constant", "learning_rate=1e-4", "epochs=1"]


@pytest.fixture(scope="module")
def one_rank(shards: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What several ranks must equal."""
    out = tmp_path_factory.mktemp("run") / "one"
    given = settings(TrainUNetSettings, shards, out, SMALL_UNET, *FAST, *EXACT, "batch_size=12")
    assert train(given).exit_status == 0
    return out


def assert_same_losses(several: Path, alone: Path) -> None:
    """A run of several ranks has lost what one rank loses that takes their batches as one."""
    (two,), (one,) = read_metrics(several), read_metrics(alone)
    for name in ("train/loss", "train/mask_loss", "train/species_loss"):
        assert two[name] == pytest.approx(one[name], rel=5e-5), name
    assert two["held_out/loss"] == pytest.approx(one["held_out/loss"], rel=2e-3)


@pytest.mark.parametrize(
    ("launcher", "backend"),
    [([*HOROVODRUN, "2", sys.executable], "horovod"), (TORCHRUN, "auto")],
    ids=["horovodrun", "torchrun"],
)
def test_two_ranks_lose_what_one_rank_with_twice_the_batch_loses(
    shards: Path, one_rank: Path, tmp_path: Path, launcher: list[str], backend: str
) -> None:
    of_python = command(shards, tmp_path / "two", *EXACT, "batch_size=6", f"backend={backend}")
    run([*launcher, *of_python[1:]])
    assert_same_losses(tmp_path / "two", one_rank)


class Probed(NamedTuple):
    """What two ranks have left that were joined one way."""

    cases: tuple[str, ...]
    """Of settings they have trained by, whose facts are files."""
    folder: Path
    networks: Path
    """A UNet and a VAE, to which they have fitted a prior; ``folder/one`` has the same ones without it."""


@pytest.fixture(scope="module", params=["horovod", "torch"])
def probed(shards: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Probed:
    """Trained by two ranks."""
    folder = tmp_path_factory.mktemp("probed")
    networks = random_networks(folder / "networks")
    shutil.copytree(networks, folder / "one")
    variants = {
        "plain": [],
        "accumulated": ["accumulate=2", "batch_size=3", "compression=float16", "ema=0.9"],
        "exact": [*EXACT, "batch_size=6"],
        "one held out": ["held_out_fraction=0.005", "epochs=1"],
    }
    cases = {
        name: [
            f"shards={shards}",
            f"out={folder / name}",
            SMALL_UNET,
            *FAST,
            f"backend={request.param}",
            *more,
        ]
        for name, more in variants.items()
    }
    probe = [sys.executable, "-m", "tests.support.rank_probe"]
    run([*MPIRUN, "2", *probe, str(folder), json.dumps(cases), str(networks)])
    return Probed(tuple(cases), folder, networks)


def facts(probed: Probed, case: str) -> list[Any]:
    """What the network of each rank is like."""
    return [json.loads((probed.folder / f"{case}.{rank}").read_text()) for rank in range(2)]


def test_two_ranks_of_mpirun_lose_what_one_rank_with_twice_the_batch_loses(
    probed: Probed, one_rank: Path
) -> None:
    assert_same_losses(probed.folder / "exact", one_rank)


def test_a_rank_without_a_held_out_sample_judges_with_the_others(probed: Probed) -> None:
    assert [of_rank["held_out"] for of_rank in facts(probed, "one held out")] == [1, 1]
    assert np.isfinite(read_metrics(probed.folder / "one held out")[-1]["held_out/loss"])


def test_batch_norm_by_rank_averages_the_running_statistics_and_ranks_agree_bit_for_bit(
    probed: Probed,
) -> None:
    for name in probed.cases:
        first, second = facts(probed, name)
        assert first == second, name
        assert all(v > 0 for v in first["var"]), name


def test_two_ranks_fit_the_prior_that_one_fits_to_the_byte(probed: Probed) -> None:
    one = probed.folder / "one"
    assert not (one / "vae" / PRIOR).exists()
    fit_prior(one, Alone())
    assert (one / "vae" / PRIOR).read_bytes() == (probed.networks / "vae" / PRIOR).read_bytes()


def test_without_horovod_torch_joins_the_ranks_unless_horovod_was_asked_for(
    shards: Path, tmp_path: Path
) -> None:
    (tmp_path / "horovod").mkdir()
    (tmp_path / "horovod" / "__init__.py").write_text("raise ImportError('as where it was never built')")
    here = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))
    without = {**os.environ, "PYTHONPATH": here}
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
        by_torch = "Horovod is not installed: torch.distributed joins the 2 ranks" in done.stdout
        assert by_torch == ((ranks, backend) == (2, "auto"))
    for said in ("as where it was never built", "make setup", "backend=torch", "ranks=1"):
        assert said in done.stderr


class Stopped(NamedTuple):
    """A run of ``ranks=2`` that got a signal and was run again."""

    out: Path
    status: int
    said: str
    """By the run that got the signal."""
    then: str
    """Said by the next one."""


@pytest.fixture(scope="module")
def stopped(shards: Path, tmp_path_factory: pytest.TempPathFactory) -> Stopped:
    """Stopped once it had a checkpoint."""
    out = tmp_path_factory.mktemp("stopped") / "run"
    again = command(shards, out, *LONG, "ranks=2")
    process = subprocess.Popen(again, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wait_for(lambda: len(list((out / "checkpoints").glob("step-*"))) >= 1)
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=120)[0]
    return Stopped(out, process.returncode, said, run(again))


def test_ranks_are_launched_by_the_setting(stopped: Stopped) -> None:
    said = stopped.then
    assert "2 ranks of" in said
    assert said.strip().splitlines()[-1].startswith("trained 8 epochs; held out:")
    assert re.search(r"^ +train +held out +best\nepoch +8 +8 +[1-8]\n", said, re.MULTILINE)
    assert re.search(r"^recall( +[\d.e-]+){3}$", said, re.MULTILINE)


def test_two_ranks_stop_together_on_a_signal_and_go_on(stopped: Stopped) -> None:
    assert stopped.status == INTERRUPTED, stopped.said
    assert "going on at epoch" in stopped.then
    assert [line["epoch"] for line in read_metrics(stopped.out)] == list(range(1, 9))


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


def test_a_rank_that_dies_or_hangs_ends_the_run_in_time(shards: Path, tmp_path: Path) -> None:
    """By each of the backends, one after the other."""
    out, same = tmp_path / "run", [*LONG, "stall_s=8"]
    for number, (backend, struck) in enumerate(
        product(("horovod", "torch"), (signal.SIGKILL, signal.SIGSTOP))
    ):
        said = with_a_rank_struck(
            command(shards, out, *same, f"backend={backend}", "epochs=1000"), out, struck
        )
        gives_up = r"rank 0 gives up after step \d+ of epoch \d+: another rank has ended"
        assert re.search(gives_up, said), f"{backend}, {struck.name}: {said}"
        assert ("going on at epoch" in said) == (number > 0), f"{backend}, {struck.name}: {said}"
    ended = max(line["epoch"] for line in [{"epoch": 0}, *read_metrics(out)])
    again = run(command(shards, out, *same, "backend=torch", f"epochs={ended + 1}", "ranks=2"))
    assert "going on at epoch" in again


def with_a_rank_struck(arguments: list[str], out: Path, number: signal.Signals) -> str:
    """What two ranks say that train to ``out``, the second of which gets a signal once there is a checkpoint more."""
    before = set((out / "checkpoints").glob("step-*"))
    # as in an allocation, where nobody ends the ranks of another node
    apart = ["--mca", "orte_abort_on_non_zero_status", "0"]
    process = subprocess.Popen(
        [*MPIRUN[:-1], *apart, "-np", "2", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, **ROOT_MAY},
    )  # fmt: skip
    wait_for(lambda: set((out / "checkpoints").glob("step-*")) - before)
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
    return process.communicate(timeout=60)[0]
