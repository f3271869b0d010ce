"""The training of the VAE, and the bins of its condition."""

from pathlib import Path

import numpy as np
import pytest

from hpcvox.errors import CheckpointError, ConfigError, HpcvoxError
from hpcvox.shards.reader import ShardSet
from hpcvox.training import runs
from hpcvox.training.bins import bin_of, class_edges, quantile_edges
from hpcvox.training.job import train_vae
from hpcvox.training.metrics import read_metrics
from hpcvox.training.settings import TrainVAESettings
from tests.support.training_runs import (
    settings,
)
from tests.support.voxel_shards import SMALL_VAE

pytestmark = pytest.mark.slow

VAE_FAST = [SMALL_VAE, "condition=energy", "bins=4", "epochs=2", "batch_size=6", "threads=1", "examples=3"]


def test_the_vae_trains_on_the_unets_features(shards: Path, unet: Path, tmp_path: Path) -> None:
    out = tmp_path / "vae"
    outcome = train_vae(settings(TrainVAESettings, shards, out, f"unet={unet}", *VAE_FAST))
    assert outcome.summary.startswith("trained 2 epochs")
    lines = read_metrics(out)
    assert lines[-1]["train/loss"] < lines[0]["train/loss"]
    for name in ("mse", "dfc", "kld", "coordinate_mae"):
        assert np.isfinite(lines[-1][f"held_out/{name}"])
    _, card = runs.load_model(out, "vae")
    assert card["condition"] == "energy"
    assert len(card["edges"]) == 5
    with np.load(out / "examples.npz", allow_pickle=False) as examples:
        assert examples["density_true"].shape == examples["density_reconstructed"].shape == (3, 16, 16, 16)
    with pytest.raises(CheckpointError, match="holds a vae, and a unet is needed"):
        runs.load_model(out, "unet")


def test_a_condition_that_is_not_there_is_refused_with_those_that_are(
    shards: Path, unet: Path, tmp_path: Path
) -> None:
    with pytest.raises(HpcvoxError, match="energy"):
        train_vae(
            settings(TrainVAESettings, shards, tmp_path, f"unet={unet}", SMALL_VAE, "condition=band_gap")
        )


def test_quantile_bins_hold_equally_many() -> None:
    values = np.random.default_rng(0).normal(size=1000)
    edges = quantile_edges(values, 10)
    assert np.bincount(bin_of(values, edges)).tolist() == [100] * 10
    assert bin_of(np.array([-99.0, 99.0]), edges).tolist() == [0, 9]
    with pytest.raises(ConfigError, match="fewer bins"):
        quantile_edges(np.array([1.0, 1.0, 2.0]), 3)


def test_classes_are_conditions_each_with_a_bin_of_its_own(shards: Path, unet: Path, tmp_path: Path) -> None:
    edges = class_edges(np.array([3.0, 0.0, 1.0, 1.0, 0.0]))
    assert bin_of(np.array([0.0, 1.0, 3.0, -1.0, 7.0]), edges).tolist() == [0, 1, 2, 0, 2]
    assert bin_of(np.array([5.0]), class_edges(np.array([5.0, 5.0]))).tolist() == [0]
    with pytest.raises(ConfigError, match="bins=0 is for a condition that numbers classes"):
        class_edges(np.arange(101.0))
    more = (f"unet={unet}", *VAE_FAST, "bins=0", "epochs=1")
    train_vae(settings(TrainVAESettings, shards, tmp_path / "vae", *more))
    _, card = runs.load_model(tmp_path / "vae", "vae")
    energies = ShardSet.open(shards).target("energy")
    assert 1 < card["conditions"] == len(card["edges"]) - 1 <= len(np.unique(energies))
    assert np.isclose(card["edges"], energies[:, None]).any(0)[[0, -1]].all()
