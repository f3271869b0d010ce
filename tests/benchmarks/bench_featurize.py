"""Featurization from the text of CIFs to durable shards, on two CPUs.

The value is the engine's once Ray and its actors are up; the start is reported beside it.  The peer is
the same work by plain processes, the limit the durable write of the same bytes by as many threads.
"""

import os
import statistics
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from hpcvox import durable
from hpcvox.actors.pool import actor_pool
from hpcvox.crystals.sources import open_source
from hpcvox.featurize.engine import build, finish, tasks_of
from hpcvox.featurize.settings import DensitySettings
from hpcvox.featurize.worker import ShardResult, ShardTask, ShardWorker

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from featurize_sources import write_table

REPOSITORY = Path(__file__).resolve().parents[2]
CPUS = 2
ROUNDS = 3
GENERATED_ROWS = 3787

_workers: list[ShardWorker] = []  # one in each plain process


def measure() -> list[dict[str, Any]]:
    """Entries of the bench table; medians of three rounds that alternate engine, peer and limit."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir=REPOSITORY) as name:
        folder = Path(name)
        source = _source(folder)
        settings = DensitySettings(source=source, out=folder / "engine", actors=CPUS)
        plain = settings.model_copy(update={"out": folder / "plain"})
        figures: dict[str, list[float]] = {"engine": [], "peer": [], "limit": []}
        begun = time.perf_counter()
        with (
            actor_pool(CPUS) as pool,
            pool.workers(partial(ShardWorker, settings)) as workers,
            ProcessPoolExecutor(CPUS, get_context("spawn"), _start, (plain,)) as processes,
        ):
            warm = DensitySettings(source=source, out=settings.out)
            settings.out.mkdir()
            plain.out.mkdir()
            list(workers.run_ordered(_trials(settings)))
            start = time.perf_counter() - begun
            list(processes.map(_work, _trials(plain)))
            for _ in range(ROUNDS):
                _clear(settings.out)
                begun = time.perf_counter()
                tally = build(open_source(source), settings, workers)
                finish(warm, source.name, tally)
                figures["engine"].append(tally.entries / (time.perf_counter() - begun))
                _clear(plain.out)
                begun = time.perf_counter()
                list(processes.map(_work, tasks_of(open_source(source), settings.entries_per_shard)))
                figures["peer"].append(tally.entries / (time.perf_counter() - begun))
                figures["limit"].append(tally.entries / _write_seconds(settings.out, folder / "bytes"))
    engine, peer, limit = (statistics.median(figures[key]) for key in ("engine", "peer", "limit"))
    whole = tally.entries / (start + tally.entries / engine)
    return [
        _entry("pipeline_crystals_per_s", engine, peer, limit),
        _entry("pipeline_with_start_crystals_per_s", whole, peer, limit),
    ]


def _entry(name: str, value: float, peer: float, limit: float) -> dict[str, Any]:
    return {
        "name": name,
        "value": round(value, 1),
        "unit": "crystals/s",
        "peer": round(peer, 1),
        "ratio": round(value / peer, 3),
        "limit": round(limit, 1),
    }


def _source(folder: Path) -> Path:
    shared = Path(os.environ.get("HPCVOX_SHARED", REPOSITORY.parent / "shared"))
    real = shared / "data" / "perov5_val.csv.xz"
    return real if real.exists() else write_table(folder / "perovskites.csv", GENERATED_ROWS)


def _trials(settings: DensitySettings) -> list[ShardTask]:
    """One task a CPU that writes nothing, so that all code is loaded and compiled."""
    first = next(tasks_of(open_source(settings.source), settings.entries_per_shard))
    return [first._replace(trial=True)] * CPUS


def _start(settings: DensitySettings) -> None:
    _workers[:] = [ShardWorker(settings)]


def _work(task: ShardTask) -> ShardResult:
    return _workers[0](task)


def _clear(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def _write_seconds(shards: Path, folder: Path) -> float:
    """Time to write the bytes of the shards aside, sync and rename them, CPUS files at a time."""
    folder.mkdir(exist_ok=True)
    files = {path.name: path.read_bytes() for path in sorted(shards.glob("*.h5"))}
    begun = time.perf_counter()
    with ThreadPoolExecutor(CPUS) as threads:
        list(threads.map(lambda name: durable.write_bytes(folder / name, files[name]), files))
    seconds = time.perf_counter() - begun
    _clear(folder)
    return seconds


if __name__ == "__main__":
    for entry in measure():
        print(entry)
