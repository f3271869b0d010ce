"""What a run tells: a line of JSON and TensorBoard points an epoch."""

import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from hpcvox.files import durable, regular
from hpcvox.training.folder.card import METRICS


class MetricsLog:
    """``metrics.jsonl`` and ``tensorboard/`` of a run that goes on after ``epochs`` and ``step``, nothing doubled."""

    def __init__(self, folder: Path, epochs: int, step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.path = folder / METRICS
        # what was logged after the checkpoint that the run goes on from is computed again
        kept = [line for line in read_metrics(folder) if line["epoch"] <= epochs]
        durable.write_text(self.path, "".join(json.dumps(line) + "\n" for line in kept))
        self._file = self.path.open("a", encoding="utf-8")
        self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1 if step else None)

    def add(self, step: int, figures: dict[str, Any]) -> None:
        """Log ``figures`` at ``step``, durably."""
        self._file.write(json.dumps({"step": step, **figures}) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        for name, value in figures.items():
            self._board.add_scalar(name, value, step)
        self._board.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._board.close()


class Metrics(NamedTuple):
    """What ``metrics.jsonl`` holds."""

    lines: list[dict[str, Any]]
    torn: int  # lines that cannot be read, which are left out: a kill while writing leaves one


def metrics_of(folder: Path) -> Metrics:
    """The whole lines of ``metrics.jsonl`` in ``folder``, and how many are torn; none where it is not there."""
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
    """The whole lines of ``metrics.jsonl`` in ``folder``."""
    return metrics_of(folder).lines


def table(lines: list[dict[str, Any]], least: Callable[[dict[str, float]], float]) -> str:
    """A row for each figure: trained on and held out after the last epoch, and held out after the best one.

    Args:
        least: of the held-out figures of an epoch, what the exported weights have the least of.
    """
    best = min(lines, key=lambda line: least(_held_out(line)))
    names = list(_held_out(lines[-1]))
    width = max(map(len, ("epoch", *names)))
    rows = [f"{'':{width}}  {'train':>11} {'held out':>11} {'best':>11}"]
    rows.append(f"{'epoch':{width}}  {lines[-1]['epoch']:>11} {lines[-1]['epoch']:>11} {best['epoch']:>11}")
    for name in names:
        keys = (lines[-1], f"train/{name}"), (lines[-1], f"held_out/{name}"), (best, f"held_out/{name}")
        rows.append(f"{name:{width}}  " + " ".join(f"{line[key]:>11.5g}" for line, key in keys))
    return "\n".join(rows)


def _held_out(line: dict[str, Any]) -> dict[str, float]:
    """The held-out figures of an epoch by their names."""
    return {
        name.removeprefix("held_out/"): value for name, value in line.items() if name.startswith("held_out/")
    }
