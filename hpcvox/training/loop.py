"""The training loop: the same for every task and any number of ranks."""

import contextlib
import math
import time
from collections.abc import Callable, Sequence
from functools import partial
from operator import itemgetter
from typing import Any, Final, NamedTuple

import numpy as np
import torch
import xxhash
from numpy.typing import NDArray
from torch import nn

from hpcvox.errors import CheckpointError, TrainingError
from hpcvox.interrupt import StopRequest
from hpcvox.progress import Progress
from hpcvox.training import checkpoint
from hpcvox.training.averages import WeightAverage
from hpcvox.training.comm import Comm
from hpcvox.training.data import ORDER, Batch, Loader, Slice, counts, generator, plan
from hpcvox.training.metrics import MetricsLog
from hpcvox.training.norm import stand_in, use_global_statistics
from hpcvox.training.settings import TrainSettings
from hpcvox.training.task import Losses, Task

ADAM_BETAS = (0.9, 0.999)

SCALES: Final = {"none": lambda batches: 1.0, "linear": float, "sqrt": math.sqrt}
"""What the learning rate is multiplied by, given the batches that make a step."""


class Position(NamedTuple):
    """Where a run is: what a checkpoint must hold beside weights and optimizer state."""

    epoch: int
    step_in_epoch: int
    step: int
    sums: dict[str, list[float]]
    """Numerator and denominator of each figure over the epoch so far."""
    best: float
    """Least held-out value so far of what the exported weights are chosen by, as a rule the loss."""
    stale: int = 0
    """Epochs since then."""


class Trainer:
    """Trains ``task`` on the samples ``train``, evaluates on ``held_out`` after every epoch."""

    def __init__(
        self, task: Task, settings: TrainSettings, ids: Sequence[str],
        train: NDArray[np.int64], held_out: NDArray[np.int64], comm: Comm,
        least: Callable[[dict[str, float]], float] = itemgetter("loss"),
    ) -> None:  # fmt: skip
        self.least = least
        self.task, self.settings, self.ids, self.comm = task, settings, ids, comm
        self.train, self.held_out = train, held_out
        self.model = task.model
        if settings.batch_statistics == "global" and comm.size > 1:
            use_global_statistics(self.model, comm)
        self.parameters = list(self.model.parameters())
        adam = torch.optim.Adam(self.parameters, lr=settings.learning_rate, betas=ADAM_BETAS)
        self.optimizer = comm.wrap(adam, self.model)
        self.checkpoints = settings.out / "checkpoints"
        self.batches = comm.size * settings.accumulate  # whose gradients make a step
        self.steps_per_epoch = math.ceil(len(train) / (settings.batch_size * self.batches))
        self.average: WeightAverage | None = None
        self.position = Position(0, 0, 0, {}, math.inf)
        self._resume()

    @property
    def stopped_early(self) -> bool:
        """Whether the held-out loss has not become lower for as long as the settings allow."""
        return 0 < self.settings.patience <= self.position.stale

    def run(self, log: MetricsLog | None, on_best: Any) -> bool:
        """Train to the last epoch; False where a signal stopped it (the state is saved).

        ``log`` and ``on_best(epoch, figures)`` are used on rank 0 alone.
        """
        total = self.settings.epochs * self.steps_per_epoch
        with StopRequest() as stop:
            bar = Progress(f"train {self.task.name}", total, "steps", self.position.step) if log else None
            try:
                while self.position.epoch < self.settings.epochs and not self.stopped_early:
                    if not self._epoch(stop, bar, log, on_best):
                        return False
            finally:
                if bar is not None:
                    bar.close()
        return True

    def _epoch(self, stop: StopRequest, bar: Progress | None, log: MetricsLog | None, on_best: Any) -> bool:
        settings, start = self.settings, self.position
        order = generator(settings.seed, ORDER, start.epoch)
        parts = self._plan(self.train, order)[start.step_in_epoch * settings.accumulate :]
        sums = {name: list(pair) for name, pair in start.sums.items()}
        step = start.step
        began = time.perf_counter()
        loader = Loader(partial(self.task.read, epoch=start.epoch), parts)
        self.model.train()
        with contextlib.closing(iter(loader)) as batches:
            steps = zip(*[batches] * settings.accumulate, strict=True)
            for done, together in enumerate(steps, start.step_in_epoch + 1):
                self._set_learning_rate(step)
                stopping = self._step(together, sums, stop)
                step += 1
                self.position = start._replace(step_in_epoch=done, step=step, sums=sums)
                if bar is not None:
                    loss = sums["loss"][0] / sums["loss"][1]
                    bar.advance(epoch=f"{start.epoch + 1}/{settings.epochs}", loss=f"{loss:.4g}")
                if stopping:
                    self._save()
                    return False
                if settings.checkpoint_steps and step % settings.checkpoint_steps == 0:
                    self._save()
        elapsed = time.perf_counter() - began
        figures = {f"train/{name}": a / b for name, (a, b) in sums.items()}
        with self._averaged():
            held_out = self.evaluate()
        figures |= {f"held_out/{name}": value for name, value in held_out.items()}
        figures |= {
            "epoch": start.epoch + 1,
            "learning_rate": self._learning_rate(step - 1),
            "samples_per_s": len(parts) * settings.batch_size * self.comm.size / elapsed,
            "loader_wait_share": loader.waited_s / elapsed,
        }
        value = self.least(held_out)
        better = value < start.best
        stale = 0 if better else start.stale + 1
        self.position = Position(start.epoch + 1, 0, step, {}, min(value, start.best), stale)
        self._check_ranks_agree()
        if log is not None:
            log.add(step, figures)
            if better:
                with self._averaged():
                    on_best(start.epoch + 1, figures)
        self._save()
        return True

    def _plan(self, samples: NDArray[np.int64], order: np.random.Generator | None) -> list[Slice]:
        comm, settings = self.comm, self.settings
        together = settings.accumulate if order is not None else 1
        return plan(samples, settings.batch_size, comm.rank, comm.size, order, together)

    def _averaged(self) -> contextlib.AbstractContextManager[None]:
        """The weights that are evaluated and kept are in the model."""
        return self.average.in_place() if self.average is not None else contextlib.nullcontext()

    def evaluate(self) -> dict[str, float]:
        """Loss and figures over the held-out samples, each sample once, over all ranks."""
        sums: dict[str, list[float]] = {}
        self.model.eval()
        with torch.no_grad():
            for batch in Loader(partial(self.task.read, epoch=-1), self._plan(self.held_out, None)):
                result = self._losses(batch)
                for name in ("loss", *result.figures):
                    sums.setdefault(name, [0.0, 0.0])  # of a rank without a sample, too
                if counts(batch):
                    _add(sums, result)
        names = sorted(sums)
        table = torch.tensor([sums[name] for name in names], dtype=torch.float64)
        total = self.comm.sum(table, "evaluate")
        return {name: float(a / b) for name, (a, b) in zip(names, total, strict=True)}

    def _losses(self, batch: Batch) -> Losses:
        if self.settings.precision == "float32":
            return self.task.losses(batch)
        with torch.autocast("cpu", torch.bfloat16):
            result = self.task.losses(batch)
        return result._replace(per_sample=result.per_sample.float())

    def _step(self, batches: Sequence[Batch], sums: dict[str, list[float]], stop: StopRequest) -> bool:
        """One step of the optimizer; whether some rank was asked to stop."""
        self.comm.at(f"step {self.position.step} of epoch {self.position.epoch + 1}")
        before = [buffer.clone() for buffer in self.model.buffers()]
        local: dict[str, list[float]] = {}
        names = ["loss"]
        bad: list[Batch] = []
        self.optimizer.zero_grad()
        for batch in batches:
            with contextlib.nullcontext() if counts(batch) else stand_in(self.model):
                result = self._losses(batch)
            loss = (result.per_sample * batch.share).sum()
            if not math.isfinite(loss.item()):
                bad.append(batch)
            loss.backward()  # type: ignore[no-untyped-call]
            names = ["loss", *sorted(result.figures)]
            if counts(batch):
                _add(local, result)
        if not self.comm.step(self.optimizer, self.parameters, self.settings.clip_norm):
            for buffer, value in zip(self.model.buffers(), before, strict=True):
                buffer.copy_(value)
            self._end_not_finite(bad)
        if self.average is not None:
            self.average.update(self.position.step + 1)
        shared = [*np.ravel([local.get(name, [0.0, 0.0]) for name in names]), float(stop.received != 0)]
        return self._share(shared, any(map(counts, batches)), names, sums)

    def _end_not_finite(self, bad: Sequence[Batch]) -> None:
        """All ranks end together: the gradient of a step is not finite, and nothing was changed by it."""
        ranks = torch.zeros(self.comm.size)
        ranks[self.comm.rank] = float(bool(bad))
        guilty = torch.nonzero(self.comm.sum(ranks, "not_finite")).flatten().tolist()
        self._save()
        self.comm.sum(ranks, "saved")  # a launcher ends all ranks when the first has ended
        where = f"epoch {self.position.epoch + 1}, step {self.position.step + 1}"
        advice = (
            f"The state before it is in {self.checkpoints}: lower learning_rate, or look at these samples"
        )
        if bad:
            ids = [self.ids[index] for batch in bad for index in batch.indices]
            raise TrainingError(
                f"the loss is not finite at {where}, rank {self.comm.rank}; samples: {', '.join(ids)}. {advice}"
            )
        told = f"the loss of rank {', '.join(map(str, guilty))} is" if guilty else "the gradient is"
        raise TrainingError(f"{told} not finite at {where}. {advice}")

    def _share(
        self, local: Sequence[float], counted: bool, names: list[str], sums: dict[str, list[float]]
    ) -> bool:
        """One message a step: figures, a request to stop, and BatchNorm's running statistics.

        These are averaged over the ranks that had a sample.
        """
        head = torch.tensor([*local, counted], dtype=torch.float64)
        if self.comm.size > 1:
            buffers = [b for b in self.model.buffers() if b.is_floating_point()]
            flat = torch.cat([head, *(b.flatten().double() * counted for b in buffers)])
            flat = self.comm.sum(flat, "step")
            head, rest = flat[: len(head)], flat[len(head) :] / flat[len(head) - 1]
            for buffer, mean in zip(buffers, torch.split(rest, [b.numel() for b in buffers]), strict=True):
                buffer.copy_(mean.view_as(buffer))
        for name, (a, b) in zip(names, head[:-2].view(-1, 2).tolist(), strict=True):
            pair = sums.setdefault(name, [0.0, 0.0])
            pair[0] += a
            pair[1] += b
        return bool(head[-2] > 0)

    def _learning_rate(self, step: int) -> float:
        settings = self.settings
        rate = settings.learning_rate * SCALES[settings.scale_learning_rate](self.batches)
        if settings.schedule == "cosine":
            rate *= 0.5 * (1 + math.cos(math.pi * step / (settings.epochs * self.steps_per_epoch)))
        return rate * min(1.0, (step + 1) / (settings.warmup_steps + 1))

    def _set_learning_rate(self, step: int) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = self._learning_rate(step)

    def _save(self) -> None:
        if self.comm.rank == 0:
            state = {"position": self.position._asdict(), "ranks": self.comm.size}
            means = self.average.weights if self.average is not None else None
            checkpoint.save(self.checkpoints, self.position.step, self.model, self.optimizer, state, means)
            checkpoint.prune(self.checkpoints, self.settings.keep_checkpoints)

    def _resume(self) -> None:
        """Go on from the newest whole checkpoint, which rank 0 chooses."""
        path = checkpoint.latest(self.checkpoints) if self.comm.rank == 0 else None
        step = int(path.name.removeprefix(checkpoint.PREFIX)) if path is not None else -1
        mine = torch.tensor([step if self.comm.rank == 0 else 0])
        step = int(self.comm.sum(mine, "resume")[0])
        if step < 0:
            self.comm.broadcast(self.model.state_dict().items())
        if self.settings.ema:
            self.average = WeightAverage(self.model, self.settings.ema)
        if step < 0:
            return
        path = self.checkpoints / f"{checkpoint.PREFIX}{step:08d}"
        means = self.average.weights if self.average is not None else None
        state = checkpoint.load(path, self.model, self.optimizer, means)
        position = Position(**state["position"])
        if position.step_in_epoch and state["ranks"] != self.comm.size:
            raise CheckpointError(
                f"{path} was saved within an epoch by {state['ranks']} ranks and cannot go on with {self.comm.size}: "
                f"run it with {state['ranks']} ranks to the end of the epoch"
            )
        self.position = position

    def _check_ranks_agree(self) -> None:
        """The weights of all ranks are the same, bit for bit, or the run ends."""
        digest = state_digest(self.model)
        first = self.comm.sum(torch.tensor([digest if self.comm.rank == 0 else 0]), "digest")
        differ = self.comm.sum((first != digest).long(), "differ")
        if int(differ[0]):
            raise TrainingError(
                f"{int(differ[0])} ranks have other weights than rank 0: the run cannot be trusted"
            )


def state_digest(model: nn.Module) -> int:
    """A checksum (62 bits) of weights and running statistics."""
    digest = xxhash.xxh3_64()
    for _, value in sorted(model.state_dict().items()):
        digest.update(value.detach().contiguous().numpy().tobytes())
    return digest.intdigest() >> 2


def _add(sums: dict[str, list[float]], result: Losses) -> None:
    losses = result.per_sample.detach().double()
    pairs = {"loss": (float(losses.sum()), float(len(losses)))}
    for name, ratio in result.figures.items():
        pairs[name] = float(ratio.numerator.detach().double().sum()), float(ratio.denominator.double().sum())
    for name, (a, b) in pairs.items():
        pair = sums.setdefault(name, [0.0, 0.0])
        pair[0] += float(a)
        pair[1] += float(b)
