"""What is drawn of N(0, 1) and of the fitted prior, by small networks that have learnt 48 perovskites."""

import csv
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from hpcvox import config
from hpcvox.generation import job as generation
from hpcvox.generation.settings import GenerateSettings
from hpcvox.networks.unet.settings import TrainUNetSettings
from hpcvox.networks.vae.settings import TrainVAESettings
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.training.job import run as train
from tests.support.voxel_shards import SMALL_UNET, SMALL_VAE, make_shards

TRAINING = ["batch_size=6", "learning_rate=3e-3", "held_out_fraction=0.1", "augment=false", "threads=1"]
UNET = [SMALL_UNET, *TRAINING, "epochs=30", "species_voxels=256"]
VAE = [SMALL_VAE, *TRAINING, "model.latent=16", "model.hidden=64", "condition=energy", "bins=2", "epochs=120"]
SAMPLES = 50
"""Of each of the two bins of the condition."""


def measure() -> list[dict[str, Any]]:
    """Of 100 candidates from the fitted prior; the peer is N(0, 1), the seeds are the same.

    ``prior_formulas``: different formulas among the valid ones.  ``prior_valid_rate``.  ``prior_length_error``: of the
    cell lengths of all that could be placed, the distance from the nearest of the training set, on average, in Å.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        shards = make_shards(folder / "shards")
        train(_settings(TrainUNetSettings, shards=shards, out=folder / "unet", more=UNET))
        networks = {"unet": folder / "unet", "vae": folder / "vae"}
        train(
            _settings(TrainVAESettings, shards=shards, unet=networks["unet"], out=networks["vae"], more=VAE)
        )
        lengths = np.unique(ShardSet.open(shards).cells[:, 0, 0])
        fitted, normal = (_drawn(networks, folder, prior, lengths) for prior in ("fitted", "normal"))
    units = {"prior_formulas": "", "prior_valid_rate": "", "prior_length_error": "Å"}
    return [
        {"name": name, "value": fitted[name], "unit": unit, "peer": normal[name]}
        for name, unit in units.items()
    ]


def _settings(kind: Any, more: list[str], **folders: Path) -> Any:
    return config.load(kind, None, [*(f"{key}={path}" for key, path in folders.items()), *more])


def _drawn(networks: dict[str, Path], folder: Path, prior: str, known: np.ndarray) -> dict[str, float]:
    """The figures of one prior."""
    out = folder / prior
    tree = {**networks, "out": out, "prior": prior, "per_condition": SAMPLES, "threads": 1}
    generation.run(config.validate(GenerateSettings, tree, "bench"))
    summary = json.loads((out / "summary.json").read_text())
    with (out / "candidates.csv").open(newline="") as handle:
        made = np.array([[float(row[axis]) for axis in "abc"] for row in csv.DictReader(handle) if row["a"]])
    off = np.abs(made[..., None] - known).min(-1) if len(made) else np.array([np.nan])
    return {
        "prior_formulas": summary["formulas"],
        "prior_valid_rate": summary["valid_rate"],
        "prior_length_error": float(off.mean()),
    }
