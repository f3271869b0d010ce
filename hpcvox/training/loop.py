"""The training loop, which is the same for every task and any number of ranks."""

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from operator import itemgetter
from typing import Any, NamedTuple, NoReturn

import torch

from hpcvox.errors import CheckpointError, TrainingError
from hpcvox.process.interrupt import StopRequest
from hpcvox.progress import Progress
from hpcvox.shards.selection import Samples
from hpcvox.training.averages import WeightAverage
from hpcvox.training.data import ORDER, Batch, Loader, Slice, counts, generator, plan
from hpcvox.training.folder import checkpoint
from hpcvox.training.folder.metrics import Epoch, MetricsLog
from hpcvox.training.order import KINDS, STORED, Order, kind_for, order_of
from hpcvox.training.ranks.agreement import check_ranks_agree
from hpcvox.training.ranks.comm import Comm, Regroup
from hpcvox.training.ranks.message import Answer
from hpcvox.training.schedule import learning_rate
from hpcvox.training.settings import TrainSettings
from hpcvox.training.step import NotFiniteError, Stepper, Sums, add
from hpcvox.training.task import Task


class Position(NamedTuple):
    """The position in a run, which a checkpoint holds together with weights and optimizer state."""

    epoch: int
    seen: int
    """Samples of this epoch that all ranks together have trained on; any number of ranks can go on from there."""
    step: int
    sums: Sums
    """Numerator and denominator of each figure over the epoch so far."""
    best: float
    """Least held-out value so far of the figure that chooses the exported weights, usually the loss."""
    stale: int = 0
    """Epochs since the best one."""
    learning_rate: float = 0
    """Learning rate of the last step."""
    order: str = STORED
    """How this run has the orders of its epochs; those of older versions, which do not say it, stored them."""

    def kept(self) -> dict[str, Any]:
        """What a checkpoint says of it; older versions can read it wherever they would train in the same order."""
        return {name: value for name, value in self._asdict().items() if (name, value) != ("order", STORED)}


class Trainer:
    """Trains ``task`` on the samples ``train``, and evaluates it on ``held_out`` after every epoch."""

    def __init__(
        self, task: Task, settings: TrainSettings, ids: Sequence[str],
        train: Samples, held_out: Samples, comm: Comm,
        least: Callable[[dict[str, float]], float] = itemgetter("loss"),
    ) -> None:  # fmt: skip
        self.least = least
        self.task, self.settings, self.ids, self.comm = task, settings, ids, comm
        self.train, self.held_out = train, held_out
        self.model = task.model
        self.stepper = Stepper(task, settings, comm)
        self.checkpoints = settings.out / "checkpoints"
        self.batches = comm.size * settings.accumulate  # number of batches in a step, over all ranks
        self.average: WeightAverage | None = None
        self.position = Position(0, 0, 0, {}, math.inf, order=kind_for(len(train)))
        self._resume()

    @property
    def stopped_early(self) -> bool:
        """Whether the held-out figure has not improved for as many epochs as ``patience`` allows."""
        return 0 < self.settings.patience <= self.position.stale

    def run(self, log: MetricsLog | None, on_best: Any) -> bool:
        """Train to the last epoch; False if a signal stopped the run, whose state is then saved.

        Args:
            log: takes the figures of every epoch; used on rank 0 only.
            on_best: called as ``on_best(epoch, figures)`` after each best epoch so far; used on rank 0 only.

        Raises:
            Exception: one of ``comm.lost``; the state is that after the last complete step, and :meth:`save` saves it.
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
        random = generator(settings.seed, ORDER, start.epoch)
        order = order_of(start.order, len(self.train), random)
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
                    # the launcher ends all ranks as soon as the first has ended
                    self.comm.sum(torch.zeros(1), "saved")
                    return False
                if answer.regroup:
                    raise Regroup("other ranks join")
                if settings.checkpoint_steps and self.position.step % settings.checkpoint_steps == 0:
                    self._save()
        elapsed = time.perf_counter() - began
        seen = self.position.seen - start.seen
        self._end_epoch(seen / elapsed, loader.waited_s / elapsed, log, on_best)
        return True

    def _end_epoch(
        self, samples_per_s: float, loader_wait_share: float, log: MetricsLog | None, on_best: Any
    ) -> None:
        """Evaluate, write the figures, and save the state at the beginning of the next epoch."""
        end = self.position
        with self._averaged():
            held_out = self.evaluate()
        epoch = Epoch(
            step=end.step,
            train={name: a / b for name, (a, b) in end.sums.items()},
            held_out=held_out,
            epoch=end.epoch + 1,
            learning_rate=end.learning_rate,
            samples_per_s=samples_per_s,
            loader_wait_share=loader_wait_share,
        )
        value = self.least(held_out)
        better = value < end.best
        check_ranks_agree(self.model, self.comm)
        if log is not None:
            log.add(epoch)
            if better:
                with self._averaged():
                    on_best(end.epoch + 1, epoch.figures())
        # no rank goes on to the next epoch before rank 0 has written this one
        self.comm.sum(torch.zeros(1), "kept")
        self.position = end._replace(
            epoch=end.epoch + 1,
            seen=0,
            sums={},
            best=min(value, end.best),
            stale=0 if better else end.stale + 1,
        )
        self._save()

    def _done(self, position: Position) -> int:
        """Number of samples trained on since the beginning of the run, over all epochs."""
        return position.epoch * len(self.train) + position.seen

    def _plan(self, samples: Samples, order: Order | None, seen: int = 0) -> Iterator[Slice]:
        comm, settings = self.comm, self.settings
        together = settings.accumulate if order is not None else 1
        return plan(samples, settings.batch_size, comm.rank, comm.size, order, together, seen)

    def _averaged(self) -> contextlib.AbstractContextManager[None]:
        """A context in which the model has the weights that are evaluated and exported (the mean, if there is one)."""
        return self.average.in_place() if self.average is not None else contextlib.nullcontext()

    def evaluate(self) -> dict[str, float]:
        """Loss and figures over all held-out samples, each of which one rank evaluates once."""
        sums: Sums = {}
        self.model.eval()
        with torch.no_grad():
            for batch in Loader(partial(self.task.read, epoch=-1), self._plan(self.held_out, None)):
                result = self.stepper.losses(batch)
                for name in ("loss", *result.figures):
                    sums.setdefault(name, [0.0, 0.0])  # also on a rank without a sample
                if counts(batch):
                    add(sums, result)
        names = sorted(sums)
        table = torch.tensor([sums[name] for name in names], dtype=torch.float64)
        total = self.comm.sum(table, "evaluate")
        return {name: float(a / b) for name, (a, b) in zip(names, total, strict=True)}

    def _step(self, batches: Sequence[Batch], stop: StopRequest) -> Answer:
        """Take one step of the optimizer; if it cannot be completed, the position does not change."""
        start = self.position
        self.comm.at(f"step {start.step} of epoch {start.epoch + 1}")
        done = self._done(start) / (self.settings.epochs * len(self.train))
        rate = learning_rate(self.settings, self.batches, start.step, done)
        sums = {name: list(pair) for name, pair in start.sums.items()}
        try:
            answer = self.stepper.take(batches, rate, stop, sums)
        except NotFiniteError as error:
            self._end_not_finite(error.batches)
        if self.average is not None:
            self.average.update(start.step + 1)
        seen = min(start.seen + self.settings.batch_size * self.batches, len(self.train))
        self.position = start._replace(seen=seen, step=start.step + 1, sums=sums, learning_rate=rate)
        return answer

    def _end_not_finite(self, bad: Sequence[Batch]) -> NoReturn:
        """End all ranks together, because the gradient of a step is not finite; the step has changed nothing."""
        ranks = torch.zeros(self.comm.size)
        ranks[self.comm.rank] = float(bool(bad))
        guilty = torch.nonzero(self.comm.sum(ranks, "not_finite")).flatten().tolist()
        self._save()
        self.comm.sum(ranks, "saved")  # as above
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

    def _save(self) -> None:
        if self.comm.rank == 0:
            self.save()

    def save(self) -> None:
        """Write a checkpoint; any rank can do it, with the same result."""
        state = {"position": self.position.kept()}
        means = self.average.weights if self.average is not None else None
        checkpoint.save(
            self.checkpoints, self.position.step, self.model, self.stepper.optimizer, state, means
        )
        checkpoint.prune(self.checkpoints, self.settings.keep_checkpoints)

    def _resume(self) -> None:
        """Go on from the newest undamaged checkpoint, which rank 0 chooses."""
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
        state = checkpoint.load(path, self.model, self.stepper.optimizer, means)
        try:
            self.position = Position(**state["position"])
            if self.position.order not in KINDS:
                raise TypeError
        except TypeError:
            raise CheckpointError(
                f"{path} was saved by another version of hpcvox: choose another run folder"
            ) from None
