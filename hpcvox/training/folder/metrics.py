"""The figures of a run: for each epoch a line of JSON and points for TensorBoard."""

import io
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from hpcvox.files import durable, regular
from hpcvox.training.folder.card import METRICS

TRAIN: Final = "train/"
"""Prefix of the keys of figures measured in training."""
HELD_OUT: Final = "held_out/"
"""Prefix of the keys of figures measured on held-out samples."""


@dataclass(frozen=True)
class Epoch:
    """A line of ``metrics.jsonl``; a key that a line of another version lacks is None."""

    step: int | None
    train: Mapping[str, float]
    """Figures by name."""
    held_out: Mapping[str, float]
    epoch: int | None
    learning_rate: float | None
    samples_per_s: float | None
    loader_wait_share: float | None
    """Share of the time in which the training waited for data."""

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> Self:
        """The epoch of a line as :func:`metrics_of` reads it."""
        plain: dict[str, Any] = {field.name: line.get(field.name) for field in fields(cls)}
        plain |= {"train": _of(line, TRAIN), "held_out": _of(line, HELD_OUT)}
        return cls(**plain)

    def figures(self) -> dict[str, Any]:
        """All values but the step, by their keys in the file."""
        return {
            **{TRAIN + name: value for name, value in self.train.items()},
            **{HELD_OUT + name: value for name, value in self.held_out.items()},
            "epoch": self.epoch,
            "learning_rate": self.learning_rate,
            "samples_per_s": self.samples_per_s,
            "loader_wait_share": self.loader_wait_share,
        }


class MetricsLog:
    """Writes ``metrics.jsonl`` and ``tensorboard/`` of a run; first removes all after ``epochs`` and ``step``."""

    def __init__(self, folder: Path, epochs: int, step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.path = folder / METRICS
        # the run goes on from a checkpoint and computes again what was logged after it
        kept = [line for line in read_metrics(folder) if line["epoch"] <= epochs]
        durable.write_text(self.path, "".join(json.dumps(line) + "\n" for line in kept))
        self._file = self.path.open("a", encoding="utf-8")
        self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1 if step else None)

    def add(self, epoch: Epoch) -> None:
        """Write the figures of an epoch, and sync them to disk."""
        figures = epoch.figures()
        self._file.write(json.dumps({"step": epoch.step, **figures}) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        for name, value in figures.items():
            self._board.add_scalar(name, value, epoch.step)
        self._board.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._board.close()


class Metrics(NamedTuple):
    """The lines of ``metrics.jsonl``."""

    lines: list[dict[str, Any]]
    torn: int  # number of lines that cannot be read and are left out: a kill during a write leaves one


def metrics_of(folder: Path) -> Metrics:
    """The readable lines of ``metrics.jsonl`` in ``folder``, and how many are torn; no lines if there is no file."""
    lines, torn = [], 0
    try:
        file = io.TextIOWrapper(regular.open_regular(folder / METRICS), "utf-8", "replace")
    except FileNotFoundError:
        return Metrics([], 0)
    with file:
        for text in file:
            if not text.strip():
                continue
            try:
                line = json.loads(text)
            except (ValueError, RecursionError):
                line = None
            if isinstance(line, dict):
                lines.append(line)
            else:
                torn += 1
    return Metrics(lines, torn)


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """The readable lines of ``metrics.jsonl`` in ``folder``."""
    return metrics_of(folder).lines


def table(lines: list[dict[str, Any]], least: Callable[[dict[str, float]], float]) -> str:
    """A table of figures: in training and held out after the last epoch, and held out after the best epoch.

    Args:
        lines: the lines of ``metrics.jsonl``.
        least: computes from the held-out figures of an epoch the value that is least in the best epoch.
    """
    best = min(lines, key=lambda line: least(_of(line, HELD_OUT)))
    names = list(_of(lines[-1], HELD_OUT))
    width = max(map(len, ("epoch", *names)))
    rows = [f"{'':{width}}  {'train':>11} {'held out':>11} {'best':>11}"]
    rows.append(f"{'epoch':{width}}  {lines[-1]['epoch']:>11} {lines[-1]['epoch']:>11} {best['epoch']:>11}")
    for name in names:
        keys = (lines[-1], TRAIN + name), (lines[-1], HELD_OUT + name), (best, HELD_OUT + name)
        rows.append(f"{name:{width}}  " + " ".join(f"{line[key]:>11.5g}" for line, key in keys))
    return "\n".join(rows)


def _of(line: Mapping[str, Any], side: str) -> dict[str, float]:
    """The figures of an epoch whose keys begin with ``side``, by name."""
    return {key.removeprefix(side): value for key, value in line.items() if key.startswith(side)}
