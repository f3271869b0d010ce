"""Small shard sets of random samples for the tests of the format: targets that come and go, and rejects."""

from pathlib import Path

import numpy as np

from hpcvox.shards.layout import density_arrays, shard_name
from hpcvox.shards.manifest import Manifest, ShardLine
from hpcvox.shards.writing.buffer import Provenance, ShardBuffer

N = 8
PER_SHARD = (5, 0, 3)


def write_shard(
    folder: Path,
    index: int,
    samples: int,
    dtype: str = "float16",
    capacity: int = 4,
    first: int = 0,
) -> ShardLine:
    """A shard of random samples, one target that only even samples have, and one reject, from entry ``first`` on."""
    rng = np.random.default_rng(index)
    buffer = ShardBuffer(density_arrays(N, dtype), capacity)
    for i in range(samples):
        slot = buffer.slot()
        slot["density"][:] = rng.random((N, N, N), np.float32)
        slot["species"][:] = rng.integers(0, 3, (N, N, N))
        slot["mask"][:] = np.packbits(slot["species"] > 0, axis=-1)
        slot["cell"][:] = np.eye(3) * (4 + i)
        sites = 1 + i
        targets = {"energy/atom": float(i)} if i % 2 == 0 else {"gap": 1.5}
        numbers = np.full(sites, index + 1, np.uint8)
        buffer.commit(
            first + i,
            f"s{index}-{i}",
            f"F{i}",
            f"a.csv:row {i}",
            numbers,
            rng.random((sites, 3)),
            targets,
        )
    buffer.reject(first + samples, "bäd", "a.csv:row 9", "cif-syntax", "no\0data \udcff" + "x" * 2000)
    provenance = Provenance("density", "periodic", {"voxels": N}, "0.1.0", "00ff", first, samples + 1)
    return buffer.write(folder / shard_name(index), provenance)


def write_set(folder: Path, dtype: str = "float16") -> Path:
    """A set of three shards, the second of which has rejects only."""
    folder.mkdir(exist_ok=True)
    firsts = [sum(PER_SHARD[:i]) + i for i in range(len(PER_SHARD))]
    lines = tuple(write_shard(folder, i, m, dtype, first=firsts[i]) for i, m in enumerate(PER_SHARD))
    samples = sum(PER_SHARD)
    Manifest(
        "density",
        "periodic",
        {"voxels": N},
        "0.1.0",
        "a.csv",
        samples + 3,
        samples,
        3,
        {"cif-syntax": 3},
        lines,
    ).save(folder)
    return folder
