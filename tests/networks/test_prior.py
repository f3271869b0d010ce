"""The prior of a VAE: what is fitted to posteriors, how they are gathered, and what is kept and read."""

import os
import shutil
import signal
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file, save

from hpcvox.errors import CheckpointError
from hpcvox.networks.vae import posterior, prior
from hpcvox.networks.vae.card import PRIOR, VAECard
from hpcvox.networks.vae.settings import VAESettings
from hpcvox.networks.voxels import VoxelBatch, load
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.training.data import Slice
from hpcvox.training.folder import carded
from hpcvox.training.ranks.comm import Alone
from tests.support.cards import bare, card_in, put, training_on, write_before

N, L, K = 500, 6, 3


def posteriors() -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
    """Means (N, L) and log-variances (N, L) of correlated clouds, and bins (N,), of which the last has 12 samples."""
    random = np.random.default_rng(0)
    bins = np.repeat([0, 1, 2], [300, N - 312, 12])
    mixing = random.standard_normal((K, L, L))
    means = np.einsum("nij,nj->ni", mixing[bins], random.standard_normal((N, L))) + 3 * bins[:, None]
    return means.astype(np.float32), random.uniform(-4, 0, (N, L)).astype(np.float32), bins


def moments(means: NDArray[Any], log_variances: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Mean and covariance as the formulas of Ledoit and Wolf (2004) say, section 3.3."""
    x = means.astype(float) - means.astype(float).mean(0)
    sample = np.cov(x.T, bias=True)
    middle = np.trace(sample) / L
    distance = np.square(sample - middle * np.eye(L)).sum() / L
    error = sum(np.square(np.outer(row, row) - sample).sum() for row in x) / L / len(x) ** 2
    share = min(error, distance) / distance
    shrunk = share * middle * np.eye(L) + (1 - share) * sample
    return means.mean(0), shrunk + np.diag(np.exp(log_variances.astype(float)).mean(0))


def test_the_moments_are_those_of_the_mixture_shrunk_as_ledoit_and_wolf_do() -> None:
    means, log_variances, bins = posteriors()
    fitted = prior.fit(means, log_variances, bins, K).prior
    for k, chosen in enumerate((bins == 0, bins == 1, bins >= 0)):
        mean, covariance = moments(means[chosen], log_variances[chosen])
        np.testing.assert_allclose(fitted.mean[k], mean, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(fitted.factor[k] @ fitted.factor[k].T, covariance, rtol=1e-3, atol=1e-4)


def test_a_condition_with_few_samples_has_the_gaussian_of_all_and_the_card_says_so(tmp_path: Path) -> None:
    fitted = prior.fit(*posteriors(), K + 1)
    prior.write(tmp_path, fitted, "abc")
    said = card_in(tmp_path / PRIOR)
    assert said == {
        "of": "abc",
        "checksum": carded.checksum((tmp_path / PRIOR).read_bytes()),
        "samples": [300, 188, 12, 0],
        "pooled": [2, 3],
    }
    np.testing.assert_array_equal(fitted.prior.factor[2], fitted.prior.factor[3])
    assert not np.array_equal(fitted.prior.mean[1], fitted.prior.mean[2])
    assert min(300, 188) >= prior.FEWEST > 12


def test_one_sample_has_the_variance_of_its_own_posterior() -> None:
    mean, log_variance = np.array([[1.0, -2.0]], np.float32), np.log(np.array([[0.25, 4.0]], np.float32))
    fitted = prior.fit(mean, log_variance, np.array([0]), 1).prior
    np.testing.assert_allclose(fitted.mean, mean)
    np.testing.assert_allclose(fitted.factor[0], np.diag([0.5, 2.0]), rtol=1e-6)


def test_of_a_posterior_that_is_not_finite_nothing_is_fitted() -> None:
    means, log_variances, bins = posteriors()
    log_variances[7, 2] = 1e4
    with pytest.raises(ValueError, match="is not finite"):
        prior.fit(means, log_variances, bins, K)
    means[7, 2] = np.nan
    with pytest.raises(ValueError, match="is not finite"):
        prior.fit(means, np.zeros_like(means), bins, K)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A run folder with a prior; there is no model in it."""
    prior.write(tmp_path, prior.fit(*posteriors(), K), "abc")
    return tmp_path


def read(folder: Path, checksum: str = "abc") -> prior.Prior | None:
    """The prior of the VAE whose weights have this checksum."""
    card = VAECard(
        checksum=checksum,
        run=training_on(),
        model=VAESettings(latent=L),
        grid="periodic",
        voxels=32,
        condition="energy",
        conditions=K,
        edges=[float(edge) for edge in range(K + 1)],
    )
    found = prior.read(folder, card)
    return None if found is None else found.prior


def test_what_is_read_is_what_was_fitted(kept: Path) -> None:
    again = read(kept)
    assert again is not None
    for array, expected in zip(again, prior.fit(*posteriors(), K).prior, strict=True):
        np.testing.assert_array_equal(array, expected)
    assert read(kept, "of other weights") is None
    prior.remove(kept)
    assert read(kept) is None
    assert not list(kept.iterdir())


def test_one_whose_checksum_is_in_the_models_card_beside_it_is_read(kept: Path) -> None:
    """As versions before kept it."""
    expected = read(kept)
    entry = bare(kept / PRIOR)
    del entry["of"]
    assert read(kept) is None, "a prior that no card names is none"
    write_before(kept, {"task": "vae", "prior": entry})
    found = read(kept, "any")
    assert expected is not None
    assert found is not None
    np.testing.assert_array_equal(found.factor, expected.factor)
    write_before(kept, {"task": "vae", "prior": entry | {"checksum": "of another"}})
    with pytest.raises(CheckpointError, match="it is damaged"):
        read(kept)
    write_before(kept, {"task": "vae", "prior": entry | {"samples": "many"}})
    assert read(kept) is None


def changed(folder: Path, **arrays: NDArray[Any]) -> None:
    """The prior with other arrays, and a card that says they are its own."""
    data, said = save(load_file(folder / PRIOR) | arrays), card_in(folder / PRIOR)
    (folder / PRIOR).write_bytes(data)
    put(folder / PRIOR, said | {"checksum": carded.checksum(data)})


def test_a_prior_that_is_none_of_the_network_is_refused_in_one_line(kept: Path) -> None:
    sound, whole = dict(load_file(kept / PRIOR)), (kept / PRIOR).read_bytes()
    cases = {
        "mean is float32 (2, 6), and float32 (3, 6) is needed": {"mean": sound["mean"][:2]},
        "mean is float64 (3, 6), and float32 (3, 6) is needed": {"mean": sound["mean"].astype(float)},
        "factor has values that are not finite": {"factor": np.full_like(sound["factor"], np.inf)},
        "a covariance is not positive definite": {"factor": -sound["factor"]},
        "it holds factor, mean, more, and mean and factor are needed": {"more": sound["mean"]},
    }
    for said, arrays in cases.items():
        changed(kept, **(sound | arrays))
        with pytest.raises(CheckpointError) as caught:
            read(kept)
        assert f"{kept / PRIOR} is no prior of this VAE: {said}" in str(caught.value)
        assert "Take prior=normal, or train the VAE anew" in str(caught.value)
        (kept / PRIOR).write_bytes(whole)
    full = np.tril(np.ones((K, L, L), np.float32)) + np.triu(np.ones((K, L, L), np.float32))
    changed(kept, factor=full)
    with pytest.raises(CheckpointError, match="factor is lower triangular"):
        read(kept)


def test_a_damaged_prior_is_refused_with_what_makes_it_anew(kept: Path) -> None:
    (kept / "checkpoints/step-00000001").mkdir(parents=True)
    data = bytearray((kept / PRIOR).read_bytes())
    data[-1] ^= 1
    (kept / PRIOR).write_bytes(data)
    again = f"run the training again, `hpcvox train-vae {kept}/config.yaml out={kept}`"
    why = "it is damaged: its checksum is not the one in its card"
    with pytest.raises(CheckpointError) as caught:
        read(kept)
    assert f"{kept / PRIOR} is no prior of this VAE: {why}. Take prior=normal, or {again}" in str(
        caught.value
    )
    assert len(str(caught.value).splitlines()) == 1
    put(kept / PRIOR, {"of": "abc", "checksum": "", "samples": [1], "pooled": "none"})
    with pytest.raises(CheckpointError, match="its card is none of such a file: pooled: Input should be"):
        read(kept)
    (kept / PRIOR).unlink()
    assert read(kept) is None
    assert again in prior.absent(kept)
    shutil.rmtree(kept / "checkpoints")
    assert "train the VAE anew" in prior.absent(kept)


def encode(batch: VoxelBatch) -> tuple[torch.Tensor, torch.Tensor]:
    """A network of two latent dimensions: the greatest density, and an edge of the cell."""
    mean = torch.stack([batch.x[:, 0].amax((1, 2, 3)), batch.x[:, 1].amax((1, 2, 3))], dim=1)
    return mean, mean - 10


def test_posteriors_are_in_the_order_of_the_samples(shards: Path) -> None:
    """39 of them: one batch, and one that is filled up."""
    given = ShardSet.open(shards)
    samples = np.random.default_rng(0).permutation(given.n_samples)[:39]
    read_part = partial(load, given, epoch=-1, turn_seed=None)
    found = posterior.gather(read_part, encode, samples, 2, Alone())
    assert found is not None
    batch = load(given, Slice(samples, np.ones(39, np.float32)), -1, None)
    mean, log_variance = encode(batch)
    np.testing.assert_array_equal(found.mean, mean.numpy())
    np.testing.assert_array_equal(found.log_variance, log_variance.numpy())


def test_a_signal_stops_the_gathering(shards: Path) -> None:
    given = ShardSet.open(shards)

    def stopped(batch: VoxelBatch) -> tuple[torch.Tensor, torch.Tensor]:
        os.kill(os.getpid(), signal.SIGTERM)
        return encode(batch)

    threads = torch.get_num_threads()
    read_part = partial(load, given, epoch=-1, turn_seed=None)
    assert posterior.gather(read_part, stopped, np.arange(given.n_samples), 2, Alone()) is None
    assert torch.get_num_threads() == threads
