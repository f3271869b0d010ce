"""The training loop: the same for every task and any number of ranks."""

import contextlib
import math
import time
from collections.abc import Callable, Sequence
from functools import partial
from operator import itemgetter
from typing import Any, Final, NamedTuple, NoReturn

import numpy as np
import torch
import xxhash
from numpy.typing import NDArray
from torch import nn

from hpcvox.errors import CheckpointError, TrainingError
from hpcvox.interrupt import StopRequest
from hpcvox.progress import Progress
from hpcvox.training import checkpoint
from hpcvox.training.adam import Adam
from hpcvox.training.averages import WeightAverage
from hpcvox.training.comm import Comm, Regroup
from hpcvox.training.data import ORDER, Batch, Loader, Slice, counts, generator, plan
from hpcvox.training.message import Answer, hear, say
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
    seen: int
    """Samples of the epoch that all ranks together have trained on; any number of ranks goes on from there."""
    step: int
    sums: dict[str, list[float]]
    """Numerator and denominator of each figure over the epoch so far."""
    best: float
    """Least held-out value so far of what the exported weights are chosen by, as a rule the loss."""
    stale: int = 0
    """Epochs since then."""
    learning_rate: float = 0
    """Of the last step."""


class NotFiniteError(Exception):
    """The gradient of a step is not finite; holds those of this rank's batches whose loss is not."""

    def __init__(self, batches: Sequence[Batch]) -> None:
        self.batches = batches


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
        adam = Adam(self.parameters, lr=settings.learning_rate, betas=ADAM_BETAS)
        self.optimizer = comm.wrap(adam, self.model)
        self.checkpoints = settings.out / "checkpoints"
        self.batches = comm.size * settings.accumulate  # whose gradients make a step
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

        Raises:
            Exception: one of ``comm.lost``; the state is that after the last whole step, to be saved by :meth:`save`.
        """
        total, done = self.settings.epochs * len(self.train), self._done(self.position)
        with StopRequest() as stop:
            bar = Progress(f"train {self.task.name}", total, "samples", done) if log else None
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
        parts = self._plan(self.train, order, start.seen)
        began = time.perf_counter()
        loader = Loader(partial(self.task.read, epoch=start.epoch), parts)
        self.model.train()
        with contextlib.closing(iter(loader)) as batches:
            steps = zip(*[batches] * settings.accumulate, strict=True)
            for together in steps:
                before = self.position
                answer = self._step(together, stop)
                if bar is not None:
                    a, b = self.position.sums["loss"]
                    shown = {"epoch": f"{start.epoch + 1}/{settings.epochs}", "loss": f"{a / b:.4g}"}
                    bar.advance(self.position.seen - before.seen, **shown)
                if answer.stop:
                    self._save()
                    return False
                if answer.regroup:
                    raise Regroup("other ranks join")
                if settings.checkpoint_steps and self.position.step % settings.checkpoint_steps == 0:
                    self._save()
        elapsed = time.perf_counter() - began
        end = self.position
        figures = {f"train/{name}": a / b for name, (a, b) in end.sums.items()}
        with self._averaged():
            held_out = self.evaluate()
        figures |= {f"held_out/{name}": value for name, value in held_out.items()}
        figures |= {
            "epoch": start.epoch + 1,
            "learning_rate": end.learning_rate,
            "samples_per_s": (end.seen - start.seen) / elapsed,
            "loader_wait_share": loader.waited_s / elapsed,
        }
        value = self.least(held_out)
        better = value < start.best
        self._check_ranks_agree()
        if log is not None:
            log.add(end.step, figures)
            if better:
                with self._averaged():
                    on_best(start.epoch + 1, figures)
        # no rank leaves an epoch behind that rank 0 has not written down
        self.comm.sum(torch.zeros(1), "kept")
        self.position = end._replace(
            epoch=start.epoch + 1,
            seen=0,
            sums={},
            best=min(value, start.best),
            stale=0 if better else start.stale + 1,
        )
        self._save()
        return True

    def _done(self, position: Position) -> int:
        """Samples trained on since the beginning, those of every epoch."""
        return position.epoch * len(self.train) + position.seen

    def _plan(
        self, samples: NDArray[np.int64], order: np.random.Generator | None, seen: int = 0
    ) -> list[Slice]:
        comm, settings = self.comm, self.settings
        together = settings.accumulate if order is not None else 1
        return plan(samples, settings.batch_size, comm.rank, comm.size, order, together, seen)

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

    def _step(self, batches: Sequence[Batch], stop: StopRequest) -> Answer:
        """One step of the optimizer: a whole one, or none."""
        buffers = [buffer.clone() for buffer in self.model.buffers()]
        undone: tuple[type[Exception], ...] = (NotFiniteError, *self.comm.lost)
        try:
            return self._whole_step(batches, stop)
        except undone as error:
            for buffer, value in zip(self.model.buffers(), buffers, strict=True):
                buffer.copy_(value)
            if isinstance(error, NotFiniteError):
                self._end_not_finite(error.batches)
            raise

    def _whole_step(self, batches: Sequence[Batch], stop: StopRequest) -> Answer:
        """What the ranks have to say to each other comes first, then what changes the state of this one."""
        start = self.position
        self.comm.at(f"step {start.step} of epoch {start.epoch + 1}")
        rate = self._learning_rate()
        for group in self.optimizer.param_groups:
            group["lr"] = rate
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
        counted = any(map(counts, batches))
        statistics = self._statistics()
        said = say(local, names, [stop.received != 0, self.comm.joining, counted], statistics)
        total = self.comm.average(self.optimizer, self.parameters, said)
        # of the averaged gradient, and so alike on all ranks
        if not _clipped(self.parameters, self.settings.clip_norm):
            raise NotFiniteError(bad)
        sums = {name: list(pair) for name, pair in start.sums.items()}
        answer = hear(total, names, sums, statistics)
        self.comm.step(self.optimizer)
        if self.average is not None:
            self.average.update(start.step + 1)
        seen = min(start.seen + self.settings.batch_size * self.batches, len(self.train))
        self.position = start._replace(seen=seen, step=start.step + 1, sums=sums, learning_rate=rate)
        return answer

    def _end_not_finite(self, bad: Sequence[Batch]) -> NoReturn:
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

    def _statistics(self) -> list[torch.Tensor]:
        """BatchNorm's, where there are other ranks to share them with."""
        if self.comm.size == 1:
            return []
        return [buffer for buffer in self.model.buffers() if buffer.is_floating_point()]

    def _learning_rate(self) -> float:
        """Of the next step: by the samples behind it, whatever the number of ranks."""
        settings, step = self.settings, self.position.step
        rate = settings.learning_rate * SCALES[settings.scale_learning_rate](self.batches)
        if settings.schedule == "cosine":
            part = self._done(self.position) / (settings.epochs * len(self.train))
            rate *= 0.5 * (1 + math.cos(math.pi * part))
        return rate * min(1.0, (step + 1) / (settings.warmup_steps + 1))

    def _save(self) -> None:
        if self.comm.rank == 0:
            self.save()

    def save(self) -> None:
        """Write a checkpoint, the same whichever rank does."""
        state = {"position": self.position._asdict()}
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
        try:
            self.position = Position(**state["position"])
        except TypeError:
            raise CheckpointError(
                f"{path} was saved by another version of hpcvox: choose another run folder"
            ) from None

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


def _clipped(parameters: list[torch.nn.Parameter], clip_norm: float) -> bool:
    """Cut the norm of the gradients to ``clip_norm`` (0: not); whether it is finite (else they are as they were)."""
    norm = torch.nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
    if not math.isfinite(norm.item()):
        return False
    if clip_norm:
        torch.nn.utils.clip_grads_with_norm_(parameters, clip_norm, norm)
    return True


def _add(sums: dict[str, list[float]], result: Losses) -> None:
    losses = result.per_sample.detach().double()
    pairs = {"loss": (float(losses.sum()), float(len(losses)))}
    for name, ratio in result.figures.items():
        pairs[name] = float(ratio.numerator.detach().double().sum()), float(ratio.denominator.double().sum())
    for name, (a, b) in pairs.items():
        pair = sums.setdefault(name, [0.0, 0.0])
        pair[0] += float(a)
        pair[1] += float(b)
