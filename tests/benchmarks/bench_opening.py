"""What each rank does before its first batch: open a set, split it, read a target and one crystal's sites.

Beside it the same set without its index, whose shards are read one after the other.
"""

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from hpcvox.shards.layout import CELL, SET, ArraySpec, shard_name
from hpcvox.shards.manifest import ShardLine
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.shards.split import split
from hpcvox.shards.writing.buffer import Provenance, ShardBuffer
from hpcvox.shards.writing.closing import close_set

SHARDS, SAMPLES = 100, 1000
ROUNDS = 5
SPECTRUM = ArraySpec("spectrum", (8,), "float32", "1", ("value",), "stands for any array: none is read here")


def measure() -> list[dict[str, object]]:
    """``open_100k_ms``: milliseconds, beside those without an index."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        close_set(
            folder,
            list(_shards(folder)),
            descriptor="spectrum",
            grid="periodic",
            settings={},
            code_version="0",
            source="random",
            n_entries=SHARDS * SAMPLES,
        )
        value = statistics.median(_opened_ms(folder) for _ in range(ROUNDS))
        (folder / SET).unlink()
        peer = statistics.median(_opened_ms(folder) for _ in range(ROUNDS))
    return [{"name": "open_100k_ms", "value": value, "unit": "ms", "peer": peer, "ratio": value / peer}]


def _opened_ms(folder: Path) -> float:
    begun = time.perf_counter()
    shards = ShardSet.open(folder)
    held_out = split(shards.formulas, 0, 0.1)
    assert np.isfinite(shards.target("energy")[~held_out]).all()
    assert shards.ids[77_777] == "crystal-77777"
    assert len(shards.sites(77_777)[0]) == 5
    return 1e3 * (time.perf_counter() - begun)


def _shards(folder: Path) -> Iterator[ShardLine]:
    rng = np.random.default_rng(0)
    for index in range(SHARDS):
        buffer = ShardBuffer((SPECTRUM, CELL), SAMPLES)
        first = index * SAMPLES
        for entry in range(first, first + SAMPLES):
            buffer.slot()["cell"][:] = np.eye(3)
            formula = f"A{rng.integers(5000)}B"
            numbers, frac = np.full(5, 8, np.uint8), rng.random((5, 3))
            buffer.commit(
                entry, f"crystal-{entry}", formula, f"x.csv:row {entry}", numbers, frac, {"energy": 1.0}
            )
        provenance = Provenance("spectrum", "periodic", {}, "0", "00ff", first, SAMPLES)
        yield buffer.write(folder / shard_name(index), provenance)
