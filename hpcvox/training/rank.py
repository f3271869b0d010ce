"""Runs one rank of a training, from the shard set to the run folder."""

import contextlib
import errno
import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from hpcvox import __version__, config
from hpcvox.errors import TrainingError
from hpcvox.files import durable, earlier
from hpcvox.process.outcome import INTERRUPTED, Outcome
from hpcvox.process.settings_files import CONFIG
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.terminal import counted, say
from hpcvox.training.folder import finished, inputs, runs
from hpcvox.training.folder.card import WEIGHTS, Run
from hpcvox.training.folder.metrics import Epoch, MetricsLog, read_metrics, table
from hpcvox.training.loop import Trainer
from hpcvox.training.network import find
from hpcvox.training.ranks.comm import Comm, connect
from hpcvox.training.ranks.device import place
from hpcvox.training.samples import refuse_other
from hpcvox.training.settings import TrainSettings
from hpcvox.training.task import Recipe, Task

FEW = 30
"""A training with fewer samples warns that it cannot learn much."""

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Error numbers of a full file system or an exceeded quota."""

LET_GO_S = 30.0
"""Seconds in which the ranks of a killed launcher must save their state and end."""


def run(settings: TrainSettings, recipe: Recipe) -> Outcome:
    """Train on this rank, together with the other ranks that a launcher has started."""
    trainer: Trainer | None = None
    while True:
        comm = connect(settings)
        try:
            comm.device = place(settings.device, comm)
            with _writer(settings, comm):
                if trainer is not None and comm.rank == 0:
                    trainer.save()  # the newest state of the remaining ranks
                trainer = _trainer(settings, comm, recipe)
                return _run(settings, trainer, recipe)
        except comm.lost as error:
            at = f"step {trainer.position.step}" if trainer is not None else "no step"
            say(f"rank {comm.rank} of {comm.size} forms a group anew after {at}: {error}")
        finally:
            comm.close()


@contextlib.contextmanager
def _writer(settings: TrainSettings, comm: Comm) -> Iterator[None]:
    """A context in which rank 0 has the run folder locked, so that no other run writes to it.

    Raises:
        TrainingError: the disk is full.
    """
    if comm.rank != 0:
        yield
        return
    with durable.sole_writer(settings.out, LET_GO_S):
        try:
            yield
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            raise TrainingError(
                f"{settings.out} cannot be written to: {error}. The last checkpoint there is unchanged: free space, "
                "then run the same command again, and it goes on from there"
            ) from error


def _trainer(settings: TrainSettings, comm: Comm, recipe: Recipe) -> Trainer:
    torch.set_num_threads(settings.threads or max(1, len(os.sched_getaffinity(0)) // comm.local_size))
    torch.manual_seed(settings.seed)
    shards = ShardSet.open(settings.shards)
    refuse_other(shards, find(settings.network).descriptor)
    if comm.rank == 0:
        if any((settings.out / "checkpoints").glob("step-*")):
            config.claim(settings, settings.out, new=inputs.others(settings))
        else:
            config.save(settings, settings.out / CONFIG)
            (settings.out / inputs.RECORD).unlink(missing_ok=True)
        inputs.note(settings)
    usable = recipe.usable(settings, shards)
    train, held_out = recipe.split(settings, shards, usable)
    task = recipe.make(settings, shards, train, comm)
    if comm.rank == 0:
        without = len(usable) - int(np.count_nonzero(usable))
        if len(train) < FEW:
            say(
                f"warning: {counted(len(train), 'sample')} to train on: the network can learn these by heart and "
                "little else; from some hundreds on its figures begin to mean something",
                error=True,
            )
        left_out = f", {without} without a value of the target left out" if without else ""
        say(
            f"train {task.name}: {counted(len(train), 'sample')} to train on, {len(held_out)} held out{left_out}; "
            f"{sum(p.numel() for p in task.model.parameters()):,} weights; {counted(comm.size, 'rank')} of "
            f"{counted(torch.get_num_threads(), 'thread')} on {comm.device.type}; "
            f"BatchNorm by {settings.batch_statistics}"
        )
    trainer = Trainer(task, settings, shards.ids, train, held_out, comm, recipe.least)
    if comm.rank == 0 and trainer.position.step:
        say(f"going on at epoch {trainer.position.epoch + 1}, step {trainer.position.step}")
    return trainer


def _run(settings: TrainSettings, trainer: Trainer, recipe: Recipe) -> Outcome:
    task = trainer.task

    def together() -> bool:
        return recipe.together(task, settings.out, trainer.train, trainer.comm)

    if trainer.comm.rank != 0:
        complete = trainer.run(None, None) and together()
        return Outcome("", 0 if complete else INTERRUPTED)
    with MetricsLog(settings.out, trainer.position.epoch, trainer.position.step) as log:
        complete = trainer.run(log, lambda epoch, figures: _export(settings, task, epoch, figures))
    complete = complete and together()
    said = _summary(settings, not complete, trainer.stopped_early)
    if complete:
        task.finish(settings.out, trainer.held_out)
        say(table(read_metrics(settings.out), recipe.least))
        finished.write(settings, said)
        earlier.whole(settings.out)
    return Outcome(said, 0 if complete else INTERRUPTED)


def _export(settings: TrainSettings, task: Task, epoch: int, figures: dict[str, Any]) -> None:
    run = Run(
        hpcvox=__version__,
        shards=str(settings.shards),
        seed=settings.seed,
        held_out_fraction=settings.held_out_fraction,
        epoch=epoch,
        # without the speed, so that the same training gives the same file
        metrics={name: value for name, value in figures.items() if "/" in name},
    )
    runs.export(settings.out, task.model, task.card(run))


def _summary(settings: TrainSettings, interrupted: bool, early: bool) -> str:
    lines = read_metrics(settings.out)
    if interrupted:
        return (
            f"interrupted after {counted(lines[-1]['epoch'] if lines else 0, 'whole epoch')}; state saved in "
            f"{settings.out / 'checkpoints'}: run the same command again to go on"
        )
    last = Epoch.of(lines[-1])
    held_out = ", ".join(f"{name} {value:.4g}" for name, value in last.held_out.items())
    why = f", ended early (patience={settings.patience})" if early else ""
    return (
        f"trained {counted(last.epoch or 0, 'epoch')}{why}; held out: {held_out}; model in {settings.out / WEIGHTS}, "
        f"curves: tensorboard --logdir {settings.out}"
    )
