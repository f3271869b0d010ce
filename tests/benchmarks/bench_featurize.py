"""Featurization from the text of CIFs to durable shards, on two CPUs and on one.

The engine is timed once Ray and its actors are up; the start is reported beside it.  The peer is the same work
by plain processes, the limit the durable write of the same bytes by as many threads.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hpcvox.actors.campaign import Part, parts_of
from hpcvox.actors.cluster import cluster
from hpcvox.actors.pool import ActorPool, Workers
from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal, Entry
from hpcvox.crystals.sources.source import open_source
from hpcvox.featurize.job import Tally, build, finish
from hpcvox.featurize.sampler import sampler
from hpcvox.featurize.settings import DensitySettings
from hpcvox.featurize.worker import THREADS, ShardResult, ShardWorker
from hpcvox.files import durable
from tests.support.crystal_sources import write_table

REPOSITORY = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("HPCVOX_SHARED", REPOSITORY.parent / "shared")) / "data"
CPUS = 2
ROUNDS = 3
GENERATED_ROWS = 7572
LARGE_CELLS = 8192

_workers: list[ShardWorker] = []  # one in each plain process


def measure() -> list[dict[str, Any]]:
    """``pipeline_…``: the engine from source to finished set; ``ray_overhead``: its shards' time over plain processes'.

    ``actors_1_to_2``: how many times as fast two actors are, beside two plain processes to one; what the source
    costs is left out, since here its reader takes its time from the same two CPUs.  It is of crystals of all
    sizes where they are to be had; ``actors_1_to_2_small_cells`` is of perovskites, of which two actors make
    shards about as fast as a disk takes them.  ``shard_write_share``: rate of one process over that of the
    slower half of its work alone.
    """
    with tempfile.TemporaryDirectory(prefix="bench-", dir=REPOSITORY) as name:
        folder = Path(name)
        settings = DensitySettings(source=_source(folder), out=folder / "engine", actors=CPUS)
        plain = settings.model_copy(update={"out": folder / "plain"})
        for out in (settings.out, plain.out):
            out.mkdir()
        return [*_pipeline(settings, plain, _large_cells(folder)), *_one_process(plain)]


def _pipeline(settings: DensitySettings, plain: DensitySettings, large_cells: Path) -> list[dict[str, Any]]:
    """Medians of rounds that alternate all that is compared."""
    source, per_shard = settings.source, settings.entries_per_shard
    tasks = list(parts_of(open_source(source), per_shard))
    large = list(parts_of(open_source(large_cells), per_shard // 4))
    figures: dict[str, list[float]] = {}

    def timed(name: str, out: Path, work: Callable[[], object]) -> None:
        _clear(out)
        figures.setdefault(name, []).append(_seconds(work))

    begun = time.perf_counter()
    # The second Ray actor sleeps while one of a pool of its own works: room for three on two CPUs.
    with (
        cluster(CPUS + 1),
        ActorPool(lambda: CPUS).workers(partial(ShardWorker, settings), THREADS) as both,
    ):
        list(both.run_ordered(_trials(tasks)))
        start = time.perf_counter() - begun
        with (
            ActorPool(lambda: 1).workers(partial(ShardWorker, settings), THREADS) as one,
            ProcessPoolExecutor(CPUS, get_context("spawn"), _start, (plain,)) as processes,
            ProcessPoolExecutor(1, get_context("spawn"), _start, (plain,)) as process,
        ):
            list(one.run_ordered(_trials(tasks)))
            for pool in (processes, process):
                list(pool.map(_work, _trials(tasks)))
            for _ in range(ROUNDS):
                timed("engine", settings.out, lambda: _engine(settings, both))
                figures.setdefault("limit", []).append(_write_seconds(settings.out, CPUS))
                timed("peer", plain.out, lambda: _processes(plain, processes))
                timed("actors", settings.out, lambda: list(both.run_ordered(tasks)))
                timed("processes", plain.out, lambda: list(processes.map(_work, tasks)))
                timed("actor", settings.out, lambda: list(one.run_ordered(tasks)))
                timed("process", plain.out, lambda: list(process.map(_work, tasks)))
                timed("actors large", settings.out, lambda: list(both.run_ordered(large)))
                timed("processes large", plain.out, lambda: list(processes.map(_work, large)))
                timed("actor large", settings.out, lambda: list(one.run_ordered(large)))
                timed("process large", plain.out, lambda: list(process.map(_work, large)))
            _clear(plain.out)
    seconds = {name: statistics.median(times) for name, times in figures.items()}
    entries = sum(len(part.items) for part in tasks)
    engine, peer, limit = (entries / seconds[name] for name in ("engine", "peer", "limit"))
    whole = entries / (start + seconds["engine"])
    return [
        _entry("pipeline_crystals_per_s", engine, peer, limit),
        _entry("pipeline_with_start_crystals_per_s", whole, peer, limit),
        {
            "name": "ray_overhead",
            "value": seconds["actors"] / seconds["processes"] - 1,
            "unit": "",
            "limit": 0.05,
        },
        {**_gain("actors_1_to_2", figures, " large"), "limit": 1.9},
        _gain("actors_1_to_2_small_cells", figures, ""),
    ]


def _one_process(settings: DensitySettings) -> list[dict[str, Any]]:
    """``shard_write_share``, all in this process; medians of alternating rounds."""
    tasks = list(parts_of(open_source(settings.source), settings.entries_per_shard))
    worker, filler = ShardWorker(settings), sampler(settings)
    slot = {spec.name: np.empty(spec.shape, spec.dtype) for spec in filler.arrays}

    def computed() -> None:
        for part in tasks:
            for entry in part.items:
                for crystal in parse(entry):
                    assert isinstance(crystal, Crystal)
                    filler.fill(filler.prepare(crystal), (entry.index, 0), slot)

    worker(tasks[0]._replace(trial=True))
    computed()
    times: dict[str, list[float]] = {"whole": [], "write": [], "compute": []}
    with ThreadPoolExecutor(THREADS) as threads:  # as an actor has
        for _ in range(ROUNDS):
            _clear(settings.out)
            times["whole"].append(_seconds(lambda: list(threads.map(worker, tasks))))
            times["write"].append(_write_seconds(settings.out, 1))
            times["compute"].append(_seconds(computed))
    whole, write, compute = (statistics.median(each) for each in times.values())
    entries = sum(len(part.items) for part in tasks)
    bound = entries / max(write, compute)
    return [
        {
            "name": "shard_write_share",
            "value": entries / whole / bound,
            "unit": "of a bound",
            "limit": 0.8,
        },
        {"name": "shard_write_us", "value": whole / entries * 1e6, "unit": "µs/crystal", "peer": 1e6 / bound},
    ]


def _gain(name: str, figures: dict[str, list[float]], kind: str) -> dict[str, Any]:
    """Of the fastest rounds: two at once lose twice to whatever else the machine does."""
    seconds = {each: min(times) for each, times in figures.items()}
    gain = seconds[f"actor{kind}"] / seconds[f"actors{kind}"]
    peer = seconds[f"process{kind}"] / seconds[f"processes{kind}"]
    return {"name": name, "value": gain, "unit": "times", "peer": peer, "ratio": gain / peer}


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
    table = folder / "perovskites.csv"
    real = [DATA / f"perov5_{part}.csv.xz" for part in ("val", "test")]
    if not all(path.exists() for path in real):
        return write_table(table, GENERATED_ROWS)
    pd.concat(map(pd.read_csv, real)).to_csv(table, index=False)
    return table


def _large_cells(folder: Path) -> Path:
    table = folder / "large_cells.csv"
    real = DATA / "mp_unlabelled_80k.csv.xz"
    if not real.exists():
        return write_table(table, GENERATED_ROWS)
    pd.read_csv(real, nrows=LARGE_CELLS).to_csv(table, index=False)
    return table


def _trials(tasks: list[Part[Entry]]) -> list[Part[Entry]]:
    """One task a CPU that writes nothing, so that all code is loaded and compiled."""
    return [tasks[0]._replace(trial=True)] * CPUS


def _engine(settings: DensitySettings, workers: Workers[Part[Entry], ShardResult]) -> None:
    """The engine's whole work: source, shards, manifest."""
    finish(settings, settings.source.name, build(open_source(settings.source), settings, workers))


def _processes(settings: DensitySettings, processes: ProcessPoolExecutor) -> None:
    """The same by plain processes."""
    results = list(processes.map(_work, parts_of(open_source(settings.source), settings.entries_per_shard)))
    lines = [result.line for result in results if result.line is not None]
    finish(settings, settings.source.name, Tally(lines, sum(line.entries for line in lines), 0))


def _start(settings: DensitySettings) -> None:
    _workers[:] = [ShardWorker(settings)]


def _work(part: Part[Entry]) -> ShardResult:
    return _workers[0](part)


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _clear(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def _write_seconds(shards: Path, threads: int) -> float:
    """Time to write the bytes of the shards aside, sync and rename them, ``threads`` files at a time."""
    files = {path.name: path.read_bytes() for path in sorted(shards.glob("shard-*.h5"))}
    with tempfile.TemporaryDirectory(dir=shards.parent) as folder, ThreadPoolExecutor(threads) as pool:
        begun = time.perf_counter()
        list(pool.map(lambda name: durable.write_bytes(Path(folder) / name, files[name]), files))
        return time.perf_counter() - begun


if __name__ == "__main__":
    for entry in measure():
        print(entry)
