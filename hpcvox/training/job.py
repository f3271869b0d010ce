"""``train-unet`` and ``train-vae``: from a shard set to a run folder."""

import os
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hpcvox import config, durable
from hpcvox.descriptors.grids import is_orthogonal
from hpcvox.errors import ConfigError, ShardError
from hpcvox.models.unet import UNet
from hpcvox.outcome import INTERRUPTED, Outcome
from hpcvox.shards.reader import ShardSet
from hpcvox.shards.split import split
from hpcvox.training import launch, runs
from hpcvox.training.comm import Comm, connect, launched_ranks
from hpcvox.training.data import Slice, load
from hpcvox.training.loop import Trainer
from hpcvox.training.metrics import MetricsLog, read_metrics
from hpcvox.training.settings import TrainSettings, TrainUNetSettings, TrainVAESettings
from hpcvox.training.task import Task
from hpcvox.training.unet_task import UNetTask
from hpcvox.training.vae_task import VAETask, quantile_edges

MAY_CHANGE = {"epochs", "ranks", "threads", "checkpoint_steps", "keep_checkpoints", "examples", "out"}
"""Settings with which a run may go on though they differ from those it began with."""

LET_GO_S = 30.0
"""Time that the ranks of a run whose launcher was killed may take to save their state and end."""


def train_unet(settings: TrainUNetSettings) -> Outcome:
    """Train the UNet; resumes where ``out`` already holds a part of this run."""
    return _train(settings, "train-unet", _unet_task)


def train_vae(settings: TrainVAESettings) -> Outcome:
    """Train the VAE against the features of a trained UNet; resumes likewise."""
    return _train(settings, "train-vae", _vae_task)


def _unet_task(settings: Any, shards: ShardSet, train: NDArray[np.int64], comm: Comm) -> Task:
    return UNetTask(settings, shards, train, comm)


def _vae_task(settings: Any, shards: ShardSet, train: NDArray[np.int64], comm: Comm) -> Task:
    unet, card = runs.load_model(settings.unet, "unet")
    assert isinstance(unet, UNet)
    if (card["grid"], card["voxels"]) != (shards.grid, shards.voxels):
        raise ConfigError(
            f"{settings.unet} was trained on {card['voxels']}³ {card['grid']} voxels, "
            f"and {settings.shards} holds {shards.voxels}³ {shards.grid} ones"
        )
    values = shards.target(settings.condition)
    return VAETask(settings, shards, values, quantile_edges(values[train], settings.bins), unet)


def _train(settings: TrainSettings, verb: str, make_task: Any) -> Outcome:
    if settings.ranks > 1 and launched_ranks() == 1:
        return _launch(settings, verb)
    comm = connect()
    try:
        if comm.rank == 0:
            with durable.sole_writer(settings.out, LET_GO_S):
                return _train_rank(settings, comm, make_task)
        return _train_rank(settings, comm, make_task)
    finally:
        comm.close()


def _launch(settings: TrainSettings, verb: str) -> Outcome:
    ShardSet.open(settings.shards)  # refuse a wrong path before ranks are started
    settings.out.mkdir(parents=True, exist_ok=True)
    path = settings.out / "launch.yaml"
    config.save(settings, path)
    # rank 0 says the last line
    return Outcome("", launch.run_ranks(verb, path, settings.ranks))


def _train_rank(settings: TrainSettings, comm: Comm, make_task: Any) -> Outcome:
    torch.set_num_threads(settings.threads or max(1, len(os.sched_getaffinity(0)) // comm.local_size))
    torch.manual_seed(settings.seed)
    shards = ShardSet.open(settings.shards)
    if not is_orthogonal(shards.cells):
        raise ShardError(
            f"{settings.shards} has oblique cells, and these networks see coordinates along right angles: "
            "featurize with shapes=cubic or shapes=orthogonal"
        )
    if comm.rank == 0:
        if any((settings.out / "checkpoints").glob("step-*")):
            config.claim(settings, settings.out, MAY_CHANGE)
        else:
            config.save(settings, settings.out / "config.yaml")
    train, held_out, without = _samples(settings, shards)
    task = make_task(settings, shards, train, comm)
    if comm.rank == 0:
        left_out = f", {without} without the condition left out" if without else ""
        print(
            f"train {task.name}: {len(train)} samples to train on, {len(held_out)} held out (by material){left_out}; "
            f"{sum(p.numel() for p in task.model.parameters()):,} weights; {comm.size} ranks of "
            f"{torch.get_num_threads()} threads; BatchNorm by {settings.batch_statistics}",
            flush=True,
        )
    trainer = Trainer(task, settings, shards, train, held_out, comm)
    if comm.rank == 0 and trainer.position.step:
        print(f"going on at epoch {trainer.position.epoch + 1}, step {trainer.position.step}", flush=True)
    if comm.rank != 0:
        complete = trainer.run(None, None)
        return Outcome("", 0 if complete else INTERRUPTED)
    with MetricsLog(settings.out, trainer.position.step) as log:
        complete = trainer.run(log, lambda epoch, figures: _export(settings, shards, task, epoch, figures))
    if complete and isinstance(task, VAETask):
        _examples(settings, shards, held_out)
    return Outcome(_summary(settings, not complete), 0 if complete else INTERRUPTED)


def _samples(settings: TrainSettings, shards: ShardSet) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Training and held-out samples, and how many have no value of the condition."""
    usable = np.ones(shards.n_samples, bool)
    if isinstance(settings, TrainVAESettings):
        usable = np.isfinite(shards.target(settings.condition))
    held_out = split(shards.formulas, settings.seed, settings.held_out_fraction)
    train, test = np.flatnonzero(usable & ~held_out), np.flatnonzero(usable & held_out)
    if not (len(train) and len(test)):
        raise ShardError(
            f"{settings.shards} has {len(train)} samples to train on and {len(test)} held out: "
            "both are needed; featurize more crystals or change held_out_fraction"
        )
    return train, test, int((~usable).sum())


def _export(
    settings: TrainSettings, shards: ShardSet, task: Task, epoch: int, figures: dict[str, Any]
) -> None:
    card = {
        "model": settings.model.model_dump(mode="json"),  # type: ignore[attr-defined]
        "grid": shards.grid,
        "voxels": shards.voxels,
        "shards": str(settings.shards),
        "seed": settings.seed,
        "held_out_fraction": settings.held_out_fraction,
        **task.card(),
        "epoch": epoch,
        "metrics": figures,
    }
    runs.export(settings.out, task.name, task.model, card)


def _examples(settings: TrainSettings, shards: ShardSet, held_out: NDArray[np.int64]) -> None:
    """Write densities of held-out crystals before and after the exported VAE, for reports."""
    assert isinstance(settings, TrainVAESettings)
    model, card = runs.load_model(settings.out, "vae")
    chosen = held_out[np.linspace(0, len(held_out) - 1, min(settings.examples, len(held_out))).astype(int)]
    if not len(chosen):
        return
    batch = load(shards, Slice(chosen, np.ones(len(chosen), np.float32)), 0, None)
    unet, _ = runs.load_model(settings.unet, "unet")
    task = VAETask(settings, shards, shards.target(settings.condition), np.array(card["edges"]), unet)  # type: ignore[arg-type]
    condition = torch.nn.functional.one_hot(task.bins[torch.from_numpy(chosen)], settings.bins).float()
    with torch.no_grad():
        mean, _ = model.encode(batch.x, condition)  # type: ignore[operator]
        decoded = model.decode(mean, condition)  # type: ignore[operator]
    with durable.written_aside(settings.out / "examples.npz") as part, part.open("wb") as handle:
        np.savez_compressed(
            handle,
            density_true=batch.x[:, 0].numpy().astype(np.float16),
            density_reconstructed=decoded[:, 0].numpy().astype(np.float16),
            ids=np.array([shards.ids[i].encode() for i in chosen]),
        )


def _summary(settings: TrainSettings, interrupted: bool) -> str:
    lines = read_metrics(settings.out)
    if interrupted:
        return (
            f"interrupted after {lines[-1]['epoch'] if lines else 0} whole epochs; state saved in "
            f"{settings.out / 'checkpoints'}: run the same command again to go on"
        )
    last = lines[-1]
    held_out = ", ".join(
        f"{name.removeprefix('held_out/')} {value:.4g}"
        for name, value in last.items()
        if name.startswith("held_out/")
    )
    return (
        f"trained {last['epoch']} epochs; held out: {held_out}; model in {settings.out / runs.WEIGHTS}, "
        f"curves: tensorboard --logdir {settings.out}"
    )
