"""What a rank does before its first step, for sets of other sizes: open, split, take a target, plan, read a batch.

All shards of a set are one file by many names, for their bytes do not matter here.  Their tables are in ``set.h5``; of
more than :data:`WRITTEN` samples only the formulas are there: what is not read is a hole in a sparse file.
``python -m tests.benchmarks.bench_start 10000000`` measures sets of other sizes, in ``TMPDIR``.
"""

import os
import statistics
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np

from hpcvox.networks.maps import MapKind
from hpcvox.networks.unet.settings import TrainUNetSettings
from hpcvox.networks.voxels import load
from hpcvox.shards.contained import names
from hpcvox.shards.layout import SET, density_arrays, shard_name
from hpcvox.shards.manifest import Manifest, ShardLine, shards_digest
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.shards.writing.buffer import Provenance, ShardBuffer
from hpcvox.shards.writing.virtual import write_set_file
from hpcvox.training.data import ORDER, generator, plan
from hpcvox.training.order import kind_for, order_of
from hpcvox.training.samples import by_material, having

PER_SHARD = 5000
SIZES = (100_000, 1_000_000)
WRITTEN = 1_000_000
RANKS, BATCH, VOXELS = 8, 16, 8
ROUNDS = 5
AT_MOST = 200
"""MB that a rank may have for this."""


class Started(NamedTuple):
    """What a start took."""

    first_ms: float
    """The first time, when the split is computed."""
    ms: float
    """Each time after that."""
    mb: float
    """Most memory in those, beyond that of a process that has read another set."""


def measure() -> list[dict[str, object]]:
    """``start_…``: milliseconds and MB of a large set, beside those of a small one."""
    few, many = (measured(size) for size in SIZES)
    return [
        {
            "name": "start_1m_ms",
            "value": many.ms,
            "unit": "ms",
            "peer": few.ms,
            "ratio": many.ms / few.ms,
            "limit": 2,
        },
        {"name": "start_1m_mb", "value": many.mb, "unit": "MB", "peer": few.mb, "limit": AT_MOST},
        {
            "name": "split_1m_ms",
            "value": many.first_ms - many.ms,
            "unit": "ms",
            "peer": few.first_ms - few.ms,
        },
    ]


def measured(samples: int) -> Started:
    """A start with a set of so many samples, in a process of its own."""
    with tempfile.TemporaryDirectory() as place:
        sets = [make(Path(place) / name, size) for name, size in (("one", PER_SHARD), ("set", samples))]
        first = _in_own_process(*sets)
        again = [_in_own_process(*sets) for _ in range(ROUNDS)]
    return Started(first[0], *(statistics.median(one[k] for one in again) for k in (0, 1)))


def make(folder: Path, samples: int) -> Path:
    """A shard set of empty maps with 5,000 formulas."""
    folder.mkdir()
    buffer = ShardBuffer(density_arrays(VOXELS, "float16"), PER_SHARD)
    numbers, frac = np.array([8], np.uint8), np.zeros((1, 3))
    for number in range(PER_SHARD):
        buffer.slot()["cell"][:] = 4 * np.eye(3)
        origin = f"x.csv:row {number}"
        buffer.commit(0, f"crystal-{number}", f"A{number}B2", origin, numbers, frac, {"energy": number / 7})
    # shards of no entries may all begin at the first one, and so be the same file
    provenance = Provenance("density", "periodic", {"voxels": VOXELS, "sigma": 0.3}, "0", "00ff", 0, 0)
    first = folder / shard_name(0)
    line = buffer.write(first, provenance)
    lines = tuple(line._replace(file=shard_name(k)) for k in range(samples // PER_SHARD))
    for other in lines[1:]:
        os.link(first, folder / other.file)
    write_set_file(folder, lines if samples <= WRITTEN else lines[:1])
    if samples > WRITTEN:
        _enlarge(folder / SET, lines)
    settings = provenance.settings
    Manifest("density", "periodic", settings, "0", "x", 0, PER_SHARD * len(lines), 0, {}, lines).save(folder)
    return folder


def _enlarge(path: Path, lines: tuple[ShardLine, ...]) -> None:
    """Make of the ``set.h5`` of one shard that of many: its formulas again and again, and holes in all other tables."""
    n = sum(line.samples for line in lines)
    small = path.rename(path.with_suffix(".small"))
    with h5py.File(small, "r") as source, h5py.File(path, "w", libver=("earliest", "v110")) as file:
        for name in source.attrs:
            file.attrs.create(name, source.attrs[name], dtype=source.attrs.get_id(name).dtype)
        file.attrs["shards_digest"] = np.bytes_(shards_digest(lines))
        file.create_group("targets")
        made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        made.set_layout(h5py.h5d.CONTIGUOUS)
        made.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        made.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
        for name in set(names(source)) - set(source.attrs["arrays"].decode().split(",")):
            rows = source[name]
            space = h5py.h5s.create_simple((n, *rows.shape[1:]))
            table = h5py.Dataset(h5py.h5d.create(file.id, name.encode(), rows.id.get_type(), space, made))
            if name == "targets/energy":
                table.attrs["missing"] = rows.attrs["missing"]
            if name == "formula":
                block = np.tile(rows[:], 200)
                for start in range(0, n, len(block)):
                    table[start : start + len(block)] = block[: n - start]
    small.unlink()


def _in_own_process(small: Path, large: Path) -> tuple[float, float]:
    with ProcessPoolExecutor(1, get_context("spawn")) as own:
        return own.submit(_start_of_both, small, large).result()


def _start_of_both(small: Path, large: Path) -> tuple[float, float]:
    """Milliseconds and MB of the start with a large set, in a process that has started with a small one."""
    start(small)
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here
    before = _kb("VmRSS")
    begun = time.perf_counter()
    start(large)
    return 1e3 * (time.perf_counter() - begun), (_kb("VmHWM") - before) / 1e3


def start(folder: Path) -> None:
    """Do what a rank does up to its first batch."""
    settings = TrainUNetSettings(shards=folder)
    shards = ShardSet.open(folder)
    assert not MapKind.of_shards(shards).oblique
    train, held_out = by_material(settings, shards, having(shards, "energy"))
    assert len(train) + len(held_out) == shards.n_samples
    order = order_of(kind_for(len(train)), len(train), generator(settings.seed, ORDER, 0))
    part = next(plan(train, BATCH, RANKS - 1, RANKS, order))
    batch = load(shards, part, 0, settings.seed)
    assert shards.ids[int(batch.indices[0])].startswith("crystal-") or shards.n_samples > WRITTEN
    assert len(shards.sites(int(batch.indices[0]))[0]) == 1


def _kb(what: str) -> int:
    """A figure of this process's memory in kB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{what}:"))


if __name__ == "__main__":
    for given in sys.argv[1:]:
        print(given, measured(int(given)), flush=True)
