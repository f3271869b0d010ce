"""Shuffled batches out of a shard set, beside bare reads of the same bytes and beside h5py's own indexing.

The files lie in the page cache, so that the readers are measured and not the disk.
"""

import contextlib
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from hpcvox.shards.layout import SET
from hpcvox.shards.reading import shard_set
from hpcvox.shards.reading.shard_file import ShardFile
from hpcvox.shards.reading.shard_set import ShardSet
from tests.benchmarks.bench_training import make_shards

ARRAYS = ("density", "species")
SHARDS = 320  # as many as 80,000 crystals make; the virtual dataset of h5py looks for its rows in all of them
SAMPLES = 8  # in each
BATCH = 16
ROUNDS = 11

Gather = Callable[[np.ndarray], object]


def measure() -> list[dict[str, object]]:
    """``gather_vs_preadv`` and ``gather_vs_h5py_fancy``: rate of the reader over those of the others."""
    shard_set.FEW_ROWS = 0  # as later reads are
    batches = np.random.default_rng(0).permutation(SHARDS * SAMPLES).reshape(-1, BATCH)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "shards"
        make_shards(folder, SHARDS, SAMPLES)
        shards = ShardSet.open(folder)
        out = {n: np.empty((BATCH, *shards.array_shape(n)), shards.array_dtype(n)) for n in ARRAYS}

        def ours(batch: np.ndarray) -> None:
            for name in ARRAYS:
                shards.read_array(name, batch, out[name])

        with h5py.File(folder / SET, "r", locking=False) as file:

            def fancy(batch: np.ndarray) -> list[np.ndarray]:
                order = np.argsort(batch)  # h5py takes rows in ascending order alone
                back = np.argsort(order)
                return [file[name][batch[order]][back] for name in ARRAYS]

            ours(batches[0])
            for read, name in zip(fancy(batches[0]), ARRAYS, strict=True):
                assert (read == out[name]).all()
            slow = _seconds(fancy, batches[:4]) / 4
        with contextlib.ExitStack() as opened:
            reads = _reads(folder, batches, out, opened)
            value, bare = [], []
            for _ in range(ROUNDS):
                value.append(_seconds(ours, batches))
                begun = time.perf_counter()
                for descriptor, row, offset in reads:
                    os.preadv(descriptor, row, offset)
                bare.append(time.perf_counter() - begun)
    rate = batches.size / statistics.median(value)
    peer = batches.size / statistics.median(bare)
    return [
        {
            "name": "gather_samples_per_s",
            "value": rate,
            "unit": "samples/s",
            "peer": peer,
            "ratio": rate / peer,
        },
        {"name": "gather_vs_preadv", "value": rate / peer, "unit": "", "limit": 0.8},
        {"name": "gather_vs_h5py_fancy", "value": rate * slow / BATCH, "unit": "times", "limit": 50},
    ]


def _seconds(gather: Gather, batches: np.ndarray) -> float:
    begun = time.perf_counter()
    for batch in batches:
        gather(batch)
    return time.perf_counter() - begun


def _reads(
    folder: Path, batches: np.ndarray, out: dict[str, np.ndarray], opened: contextlib.ExitStack
) -> list[tuple[int, list[memoryview], int]]:
    """What ``preadv`` takes to read the rows of ``batches`` into ``out``, in the order of the reader."""
    files = []
    for path in sorted(folder.glob("shard-*.h5")):
        with ShardFile(path) as shard:
            files.append((opened.enter_context(path.open("rb")).fileno(), shard.arrays))
    reads = []
    for batch in batches.tolist():
        for name in ARRAYS:
            for row, sample in zip(out[name], batch, strict=True):
                descriptor, arrays = files[sample // SAMPLES]
                reads.append((descriptor, [row.data], arrays[name].bytes(sample % SAMPLES)[0]))
    return reads
