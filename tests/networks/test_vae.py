"""The training of the VAE, and the bins of its condition."""

import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch

import hpcvox
from hpcvox.errors import CheckpointError, ConfigError, HpcvoxError
from hpcvox.networks.unet.card import UNetCard
from hpcvox.networks.vae import prior
from hpcvox.networks.vae.bins import bin_of, class_edges, quantile_edges
from hpcvox.networks.vae.card import PRIOR, VAECard
from hpcvox.networks.vae.model import VAE
from hpcvox.networks.vae.settings import TrainVAESettings
from hpcvox.networks.voxels import load
from hpcvox.process.outcome import INTERRUPTED
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.training.data import Slice
from hpcvox.training.folder import earlier, finished, runs
from hpcvox.training.folder.card import WEIGHTS, read_card
from hpcvox.training.folder.metrics import read_metrics
from hpcvox.training.job import run as train
from tests.support.cards import as_before, card_in
from tests.support.training_runs import (
    settings,
)
from tests.support.voxel_shards import SMALL_VAE

pytestmark = pytest.mark.slow

VAE_FAST = [SMALL_VAE, "condition=energy", "bins=4", "epochs=2", "batch_size=6", "threads=1", "examples=3"]


@pytest.fixture(scope="module")
def trained(shards: Path, unet: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A VAE, trained to its end."""
    out = tmp_path_factory.mktemp("run") / "vae"
    outcome = train(settings(TrainVAESettings, shards, out, f"unet={unet}", *VAE_FAST))
    assert outcome.summary.startswith("trained 2 epochs")
    return out


def test_the_vae_trains_on_the_unets_features(trained: Path) -> None:
    out = trained
    lines = read_metrics(out)
    assert lines[-1]["train/loss"] < lines[0]["train/loss"]
    for name in ("mse", "dfc", "kld", "coordinate_mae"):
        assert np.isfinite(lines[-1][f"held_out/{name}"])
    _, card = runs.load_model(out, VAECard)
    assert card.condition == "energy"
    assert len(card.edges) == 5
    with np.load(out / "examples.npz", allow_pickle=False) as examples:
        assert examples["density_true"].shape == examples["density_reconstructed"].shape == (3, 16, 16, 16)
    with pytest.raises(CheckpointError, match="holds a vae, but a unet is needed"):
        runs.load_model(out, UNetCard)


def test_the_prior_is_of_the_kept_model_and_the_samples_trained_on(shards: Path, trained: Path) -> None:
    vae, card = runs.load_model(trained, VAECard)
    assert isinstance(vae, VAE)
    given = ShardSet.open(shards)
    train = np.flatnonzero(~card.run.held_out(given.formulas))
    assert 0 < len(train) < given.n_samples
    bins = bin_of(given.target("energy"), np.array(card.edges))[train]
    its = card_in(trained / PRIOR)
    assert its["of"] == card.checksum
    assert its["samples"] == np.bincount(bins, minlength=4).tolist()
    assert its["pooled"] == [0, 1, 2, 3], "each has less than 20 of 48 crystals"
    batch = load(given, Slice(train, np.ones(len(train), np.float32)), -1, None)
    condition = torch.nn.functional.one_hot(torch.from_numpy(bins), 4).float()
    with torch.no_grad():
        mean, log_variance = vae.encode(batch.x, batch.species, condition)
    expected = prior.fit(mean.numpy(), log_variance.numpy(), bins, 4).prior
    found = prior.read(trained, card)
    assert found is not None
    np.testing.assert_allclose(found.prior.mean, expected.mean, atol=1e-5)
    np.testing.assert_allclose(found.prior.factor, expected.factor, rtol=1e-3, atol=1e-5)


def made(out: Path) -> dict[str, bytes]:
    """What a training has made, beside its curve."""
    return {name: (out / name).read_bytes() for name in (WEIGHTS, PRIOR)}


def test_a_training_that_is_done_makes_its_prior_where_it_is_gone_damaged_or_was_never_made(
    shards: Path, unet: Path, trained: Path, tmp_path: Path
) -> None:
    out = tmp_path / "vae"
    shutil.copytree(trained, out)
    given = settings(TrainVAESettings, shards, out, f"unet={unet}", *VAE_FAST)
    record = json.loads((out / finished.RECORD).read_text())
    record["settings"]["out"] = str(out)
    (out / finished.RECORD).write_text(json.dumps(record))
    assert train(given).summary.startswith("nothing to do: trained 2 epochs")
    (out / PRIOR).write_bytes(b"torn")
    assert train(given).summary.startswith("trained 2 epochs")
    assert made(out) == made(trained)
    assert train(given).summary.startswith("nothing to do")
    # as trainings have left it that knew no priors
    prior.remove(out)
    del record["made"][PRIOR]
    (out / finished.RECORD).write_text(json.dumps(record))
    assert train(given).summary.startswith("trained 2 epochs")
    assert made(out) == made(trained)
    assert train(given).summary.startswith("nothing to do")


def test_a_training_of_a_version_that_kept_its_card_beside_goes_on(
    shards: Path, unet: Path, trained: Path, tmp_path: Path
) -> None:
    out = tmp_path / "vae"
    shutil.copytree(trained, out)
    as_before(out)
    its = prior.read(out, runs.load_model(out, VAECard)[1])
    assert its is not None
    given = settings(TrainVAESettings, shards, out, f"unet={unet}", *VAE_FAST)
    assert train(given).summary.startswith("trained 2 epochs")
    again = prior.read(out, runs.load_model(out, VAECard)[1])
    assert again is not None
    np.testing.assert_array_equal(again.prior.factor, its.prior.factor)
    train(given.model_copy(update={"epochs": 3}))
    assert not (out / earlier.CARD).exists()
    assert prior.read(out, runs.load_model(out, VAECard)[1]) is not None


def test_stopped_while_it_makes_its_prior_a_training_makes_it_when_it_is_run_again(
    shards: Path, unet: Path, trained: Path, tmp_path: Path
) -> None:
    out = tmp_path / "vae"
    shutil.copytree(trained, out)
    prior.remove(out)
    given = settings(TrainVAESettings, shards, out, f"unet={unet}", *VAE_FAST)
    encode = VAE.encode

    def encodes_and_is_stopped(vae: VAE, *given: torch.Tensor) -> Any:
        os.kill(os.getpid(), signal.SIGUSR1)
        return encode(vae, *given)

    with mock.patch.object(VAE, "encode", encodes_and_is_stopped):
        outcome = train(given)
    assert outcome.exit_status == INTERRUPTED
    assert "run the same command again" in outcome.summary
    assert not (out / PRIOR).exists()
    assert train(given).exit_status == 0
    assert made(out) == made(trained)


def test_a_condition_that_is_not_there_is_refused_with_those_that_are(
    shards: Path, unet: Path, tmp_path: Path
) -> None:
    with pytest.raises(HpcvoxError, match="energy"):
        train(settings(TrainVAESettings, shards, tmp_path, f"unet={unet}", SMALL_VAE, "condition=band_gap"))


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_network_that_does_not_fit_the_maps_is_refused_before_ranks_start(
    shards: Path, tmp_path: Path, ranks: int
) -> None:
    with pytest.raises(ConfigError, match=r"model.decoder: 3 levels .*set model.decoder=\[128,64\]"):
        train(settings(TrainVAESettings, shards, tmp_path, "condition=energy", "bins=4", f"ranks={ranks}"))


def test_quantile_bins_hold_equally_many() -> None:
    values = np.random.default_rng(0).normal(size=1000)
    edges = quantile_edges(values, 10)
    assert np.bincount(bin_of(values, edges)).tolist() == [100] * 10
    assert bin_of(np.array([-99.0, 99.0]), edges).tolist() == [0, 9]
    with pytest.raises(ConfigError, match="fewer bins"):
        quantile_edges(np.array([1.0, 1.0, 2.0]), 3)


def test_bins_that_would_stay_empty_are_refused() -> None:
    values = np.random.default_rng(0).normal(size=12)
    for bins in (4, 12):
        assert np.bincount(bin_of(values, quantile_edges(values, bins)), minlength=bins).all()
    with pytest.raises(
        ConfigError, match=r"^bins: of 20 quantile bins 8 .* of the 12 training samples.* fewer bins"
    ):
        quantile_edges(values, 20)


def test_classes_are_conditions_each_with_a_bin_of_its_own(shards: Path, unet: Path, tmp_path: Path) -> None:
    edges = class_edges(np.array([3.0, 0.0, 1.0, 1.0, 0.0]))
    assert bin_of(np.array([0.0, 1.0, 3.0, -1.0, 7.0]), edges).tolist() == [0, 1, 2, 0, 2]
    assert bin_of(np.array([5.0]), class_edges(np.array([5.0, 5.0]))).tolist() == [0]
    with pytest.raises(ConfigError, match="bins=0 is for a condition that numbers classes"):
        class_edges(np.arange(101.0))
    more = (f"unet={unet}", *VAE_FAST, "bins=0", "epochs=1")
    train(settings(TrainVAESettings, shards, tmp_path / "vae", *more))
    _, card = runs.load_model(tmp_path / "vae", VAECard)
    energies = ShardSet.open(shards).target("energy")
    assert 1 < card.conditions == len(card.edges) - 1 <= len(np.unique(energies))
    assert np.isclose(np.array(card.edges), energies[:, None]).any(0)[[0, -1]].all()


def test_a_vae_without_a_condition_has_one_bin_for_all(shards: Path, tmp_path: Path) -> None:
    fast = [one for one in VAE_FAST if not one.startswith(("condition", "bins"))]
    out = tmp_path / "vae"
    assert train(settings(TrainVAESettings, shards, out, "condition=null", *fast)).exit_status == 0
    network = hpcvox.load(out)
    assert "generate(n), reconstruct(crystals)" in repr(network)
    back = network.reconstruct(hpcvox.open_shards(shards)[0].atoms)
    assert len(back) == 1
    card = read_card(out, VAECard)
    assert (card.condition, card.conditions) == (None, 1)
