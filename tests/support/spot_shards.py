"""Small shard sets of spots for the tests of R3DVS: fields of a few waves, with targets."""

from pathlib import Path

import numpy as np

from hpcvox.descriptors.r3dvs import Spots, diffraction_spots
from hpcvox.featurize.r3dvs import R3dvsSampler
from hpcvox.featurize.settings import R3dvsSettings
from hpcvox.shards.layout import shard_name
from hpcvox.shards.manifest import Manifest
from hpcvox.shards.writing.buffer import Provenance, ShardBuffer

RESOLUTION = 0.8
POINTS = 24


def made_field(index: int) -> tuple[np.ndarray, np.ndarray]:
    """A density (1, M, M, M) in e/Å³ and its cell (3, 3) in Å: three Gaussian atoms in an oblique box."""
    random = np.random.default_rng([7, index])
    lattice = np.diag(random.uniform(4, 6, 3)) + np.tril(random.uniform(-0.8, 0.8, (3, 3)), -1)
    places = np.stack(np.meshgrid(*3 * [np.arange(POINTS) / POINTS], indexing="ij"), -1)
    field = np.zeros((POINTS, POINTS, POINTS))
    for charge in random.uniform(1, 12, 3):
        d = (places - random.random(3) + 0.5) % 1 - 0.5
        squared = ((d @ lattice) ** 2).sum(-1)
        field += charge * np.exp(-squared / 0.5)
    return field[None], lattice


def made_spots(index: int) -> Spots:
    """R3DVS spots of :func:`made_field`."""
    return diffraction_spots(*made_field(index), RESOLUTION)


def make_spots(folder: Path, count: int) -> Path:
    """A shard set of ``count`` fields, each a material of its own.

    Its targets: ``roughness``, 10 (Σ|s(g)|²)^½, which is a functional of the field alone, and ``seldom``, which
    every third has.
    """
    folder.mkdir(parents=True)
    settings = R3dvsSettings(field="file", resolution=RESOLUTION)
    buffer = ShardBuffer(R3dvsSampler(settings).arrays, count)
    for index in range(count):
        spots = made_spots(index)
        slot = buffer.slot()
        slot["mean"][:] = spots.mean
        slot["cell"][:] = made_field(index)[1]
        targets = {"roughness": 10 * float(np.sqrt((spots.amplitude**2).sum()))}
        if index % 3 == 0:
            targets["seldom"] = float(index)
        numbers, frac = np.array([1 + index % 90], np.uint8), np.zeros((1, 3))
        ragged = {"g": spots.g, "amplitude": spots.amplitude.T}
        buffer.commit(index, f"m-{index}", f"M{index}", "made", numbers, frac, targets, ragged)
    kept = {"resolution": RESOLUTION, "channels": 1}
    line = buffer.write(folder / shard_name(0), Provenance("r3dvs", "", kept, "0", "made", 0, count))
    Manifest("r3dvs", "", kept, "0", "made", count, count, 0, {}, (line,)).save(folder)
    return folder
