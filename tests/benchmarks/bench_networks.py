"""How near the steps of UNet and VAE come to what a CPU can do, and what other ways of computing them bring.

The limit is the best rate of floating-point operations seen on one thread: a product of large matrices, or a
convolution of the networks' kind (oneDNN, as in the steps).
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from hpcvox import config
from hpcvox.networks.unet.card import UNetCard
from hpcvox.networks.unet.model import UNet
from hpcvox.networks.unet.settings import TrainUNetSettings, UNetSettings
from hpcvox.networks.unet.task import UNetTask
from hpcvox.networks.vae.settings import TrainVAESettings
from hpcvox.networks.vae.task import VAETask
from hpcvox.shards.reading.densities import grid_voxels
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.training.data import Slice
from hpcvox.training.folder import runs
from hpcvox.training.ranks.comm import Alone
from tests.benchmarks.bench_training import make_shards
from tests.support.cards import training_on

BATCH, ROUNDS = 8, 3


def measure() -> list[dict[str, Any]]:
    """``*_step_share``: the step's floating-point operations a second over the limit; then each way over float32."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        limit = _limit()
        entries = [{"name": "flops_limit", "value": limit / 1e9, "unit": "GFLOP/s"}]
        with tempfile.TemporaryDirectory() as place:
            for name, task in _tasks(Path(place)):
                entries += _step(name, task, limit)
        return entries
    finally:
        torch.set_num_threads(threads)


def _tasks(folder: Path) -> list[tuple[str, Any]]:
    make_shards(folder / "shards")
    shards = ShardSet.open(folder / "shards")
    samples = np.arange(shards.n_samples)
    unet = UNet(UNetSettings())
    card = UNetCard(
        run=training_on(folder / "shards"), model=unet.settings, grid=shards.grid, voxels=grid_voxels(shards)
    )
    runs.export(folder, unet, card)
    given = [f"shards={folder / 'shards'}"]
    one = config.load(TrainUNetSettings, None, given)
    other = config.load(TrainVAESettings, None, [*given, f"unet={folder}"])
    return [
        ("unet", UNetTask(one, shards, samples, Alone())),
        ("vae", VAETask(other, shards, samples, Alone())),
    ]


def _step(name: str, task: Any, limit: float) -> list[dict[str, Any]]:
    batch = task.read(Slice(np.arange(BATCH), np.ones(BATCH, np.float32)), 0)
    task.model.train()

    def step() -> None:
        task.model.zero_grad()
        task.losses(batch).per_sample.mean().backward()

    def bfloat16() -> None:
        with torch.autocast("cpu", torch.bfloat16):
            step()

    with FlopCounterMode(display=False) as counter:
        step()
    flops = counter.get_total_flops()
    seconds = {"float32": _seconds(step), "bfloat16": _seconds(bfloat16)}
    plain = batch
    task.model.to(memory_format=torch.channels_last_3d)
    batch = plain._replace(x=plain.x.to(memory_format=torch.channels_last_3d))
    seconds["channels_last"] = _seconds(step)
    task.model.to(memory_format=torch.contiguous_format)
    batch = plain
    if isinstance(task.model, UNet):  # the VAE's parts are called one by one
        with mock.patch.object(task.model, "forward", torch.compile(task.model.forward)):
            seconds["compiled"] = _seconds(step)
    base = seconds.pop("float32")
    return [
        {
            "name": f"{name}_step_share",
            "value": flops / base / limit,
            "unit": f"{BATCH / base:.1f}/s",
        },
        *(
            {"name": f"{name}_{way}", "value": base / taken, "unit": "times float32"}
            for way, taken in seconds.items()
        ),
    ]


def _limit() -> float:
    """The most floating-point operations a second on this thread."""
    square = torch.randn(1536, 1536)
    convolution, x = nn.Conv3d(64, 64, 3, padding=1, bias=False), torch.randn(4, 64, 16, 16, 16)
    rates = []
    for operations, work in (
        (2 * len(square) ** 3, lambda: square @ square),
        (2 * x.numel() * 64 * 27, lambda: convolution(x)),
    ):
        with torch.inference_mode():
            rates.append(operations / _seconds(work, 7))
    return max(rates)


def _seconds(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    work()
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return statistics.median(times)
