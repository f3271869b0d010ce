"""A step of the optimizer: it computes losses and gradients, exchanges messages with the ranks, changes the weights."""

import contextlib
import math
from collections.abc import Sequence

import torch

from hpcvox.process.interrupt import StopRequest
from hpcvox.training.adam import Adam
from hpcvox.training.data import Batch, counts
from hpcvox.training.ranks.comm import Comm
from hpcvox.training.ranks.device import on_device
from hpcvox.training.ranks.message import Answer, hear, say
from hpcvox.training.ranks.norm import stand_in, use_global_statistics
from hpcvox.training.settings import TrainSettings
from hpcvox.training.task import Losses, Task

ADAM_BETAS = (0.9, 0.999)

Sums = dict[str, list[float]]
"""Numerator and denominator of each figure."""


class NotFiniteError(Exception):
    """The gradient of a step is not finite; holds the batches of this rank whose loss is not finite."""

    def __init__(self, batches: Sequence[Batch]) -> None:
        self.batches = batches


class Stepper:
    """Takes steps of Adam on the network of ``task``, together with the other ranks."""

    def __init__(self, task: Task, settings: TrainSettings, comm: Comm) -> None:
        self.task, self.settings, self.comm = task, settings, comm
        self.model = task.model
        if settings.batch_statistics == "global" and comm.size > 1:
            use_global_statistics(self.model, comm)
        self.parameters = list(self.model.parameters())
        adam = Adam(self.parameters, lr=settings.learning_rate, betas=ADAM_BETAS)
        self.optimizer = comm.wrap(adam, self.model)

    def losses(self, batch: Batch) -> Losses:
        """Compute the losses of a batch, in the precision of the settings, on the device of this rank."""
        batch = on_device(batch, self.comm.device)
        if self.settings.precision == "float32":
            return self.task.losses(batch)
        with torch.autocast(self.comm.device.type, torch.bfloat16):
            result = self.task.losses(batch)
        return result._replace(per_sample=result.per_sample.float())

    def take(self, batches: Sequence[Batch], rate: float, stop: StopRequest, sums: Sums) -> Answer:
        """Take one step with the learning rate ``rate``, completely or not at all.

        Args:
            batches: the batches of this rank, whose gradients are added up.
            rate: the learning rate.
            stop: notes whether this rank shall stop after the step; it may change during the step.
            sums: the figures of all ranks are added to these.

        Raises:
            NotFiniteError: the gradient is not finite, on all ranks; nothing was changed.
            Exception: one of ``comm.lost``; nothing was changed.
        """
        buffers = [buffer.clone() for buffer in self.model.buffers()]
        undone: tuple[type[Exception], ...] = (NotFiniteError, *self.comm.lost)
        try:
            return self._take(batches, rate, stop, sums)
        except undone:
            for buffer, value in zip(self.model.buffers(), buffers, strict=True):
                buffer.copy_(value)
            raise

    def _take(self, batches: Sequence[Batch], rate: float, stop: StopRequest, sums: Sums) -> Answer:
        """Exchange all messages first, and change the state of this rank only after that."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        local: Sums = {}
        names = ["loss"]
        bad: list[Batch] = []
        self.optimizer.zero_grad()
        for batch in batches:
            with contextlib.nullcontext() if counts(batch) else stand_in(self.model):
                result = self.losses(batch)
            loss = (result.per_sample * batch.share.to(self.comm.device)).sum()
            if not math.isfinite(loss.item()):
                bad.append(batch)
            loss.backward()  # type: ignore[no-untyped-call]
            names = ["loss", *sorted(result.figures)]
            if counts(batch):
                add(local, result)
        counted = any(map(counts, batches))
        statistics = self._statistics()
        said = say(local, names, [stop.received != 0, self.comm.joining, counted], statistics)
        total = self.comm.average(self.optimizer, self.parameters, said)
        # computed from the averaged gradient, and so the same on all ranks
        if not _clipped(self.parameters, self.settings.clip_norm):
            raise NotFiniteError(bad)
        answer = hear(total, names, sums, statistics)
        self.comm.step(self.optimizer)
        return answer

    def _statistics(self) -> list[torch.Tensor]:
        """BatchNorm's running statistics, if there are other ranks to average them with; else none."""
        if self.comm.size == 1:
            return []
        return [buffer for buffer in self.model.buffers() if buffer.is_floating_point()]


def add(sums: Sums, result: Losses) -> None:
    """Add the figures of a batch to ``sums``."""
    losses = result.per_sample.detach().double()
    pairs = {"loss": (float(losses.sum()), float(len(losses)))}
    for name, ratio in result.figures.items():
        pairs[name] = float(ratio.numerator.detach().double().sum()), float(ratio.denominator.double().sum())
    for name, (a, b) in pairs.items():
        pair = sums.setdefault(name, [0.0, 0.0])
        pair[0] += float(a)
        pair[1] += float(b)


def _clipped(parameters: list[torch.nn.Parameter], clip_norm: float) -> bool:
    """Scale the gradients down to the norm ``clip_norm`` (0: do not); return whether their norm is finite.

    If it is not, the gradients do not change.
    """
    norm = torch.nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
    if not math.isfinite(norm.item()):
        return False
    if clip_norm:
        torch.nn.utils.clip_grads_with_norm_(parameters, clip_norm, norm)
    return True
