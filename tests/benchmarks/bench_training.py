"""How long a training step waits for its data."""

import tempfile
from pathlib import Path

import numpy as np

from hpcvox import config
from hpcvox.descriptors.density import voxelize
from hpcvox.networks.unet.settings import TrainUNetSettings
from hpcvox.shards.layout import density_arrays, shard_name
from hpcvox.shards.manifest import ShardLine
from hpcvox.shards.writing.buffer import Provenance, ShardBuffer
from hpcvox.shards.writing.closing import close_set
from hpcvox.training.folder.metrics import read_metrics
from hpcvox.training.job import run as train

SAMPLES = 256
FRAC = np.array([[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])


def make_shards(folder: Path, shards: int = 1, samples: int = SAMPLES) -> None:
    """A set of ``shards`` shards, each of ``samples`` perovskites at full size."""
    folder.mkdir()
    buffer = ShardBuffer(density_arrays(32, "float16"), samples)
    lines: list[ShardLine] = []
    for first in range(0, shards * samples, samples):
        buffer.clear()
        for i in range(samples):
            numbers = np.array([20 + i % 40, 22 + i % 7, 8, 8, 8], np.uint8)
            lengths = np.full(3, 3.8 + 0.002 * i)
            slot = buffer.slot()
            slot["density"][:], slot["species"][:] = voxelize(lengths, FRAC, numbers)
            slot["cell"][:] = np.diag(lengths)
            buffer.commit(
                first + i, str(first + i), f"F{i}", "made", numbers, FRAC, {"formation_energy": -0.01 * i}
            )
        made = Provenance("density", "periodic", {"voxels": 32}, "0", "x", first, samples)
        lines.append(buffer.write(folder / shard_name(len(lines)), made))
    close_set(
        folder,
        lines,
        descriptor="density",
        grid="periodic",
        settings={"voxels": 32},
        code_version="0",
        source="made",
        n_entries=shards * samples,
    )


def measure() -> list[dict[str, object]]:
    """``loader_wait_share``: part of a training step spent waiting for data; and the step's rate."""
    with tempfile.TemporaryDirectory() as place:
        make_shards(Path(place) / "shards")
        train(
            config.load(TrainUNetSettings, None, [f"shards={place}/shards", f"out={place}/run", "epochs=2"])
        )
        last = read_metrics(Path(place) / "run")[-1]
    return [
        {"name": "loader_wait_share", "value": last["loader_wait_share"], "unit": "of a step", "limit": 0.01},
        {"name": "unet_train_samples_per_s", "value": last["samples_per_s"], "unit": "samples/s"},
    ]
