"""The prior of a trained VAE: a Gaussian for each condition, fitted to the latent points of its training samples.

For each condition the decoder has learnt the aggregated posterior: the mean over the training samples x of
N(μ(x), σ²(x)).  The training pulls it towards N(0, 1), but it does not become that.  The Gaussian with the same first
two moments has

    mean = ⟨μ⟩,    covariance = Cov(μ) + diag ⟨σ²⟩    (the law of total covariance).

Cov(μ) has many entries and is estimated from few samples.  Therefore it is shrunk towards a multiple of the identity,
as Ledoit and Wolf (2004) do.  ⟨σ²⟩ is a mean, which needs no shrinking; it makes the covariance positive definite.
Each sample is encoded once, unrotated.  A prior of rotated samples, as the augmentation shows them, needs several
passes, and was no better in a test (48 perovskites, 16 dimensions).
"""

from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from hpcvox.errors import CheckpointError
from hpcvox.networks.vae.card import PRIOR, PriorCard, VAECard
from hpcvox.process.settings_files import CONFIG
from hpcvox.training.folder import beside
from hpcvox.training.folder.shipped import located

FEWEST: Final = 20
"""Samples that a condition needs for its own Gaussian; a condition with fewer has the Gaussian of all samples."""


class Prior(NamedTuple):
    """A Gaussian for each of K conditions: z = mean + factor · ε with ε of N(0, 1)."""

    mean: NDArray[np.float32]
    """(K, L)"""
    factor: NDArray[np.float32]
    """(K, L, L): Cholesky factors of the covariances, lower triangular with a positive diagonal."""


class Found(NamedTuple):
    """The prior of a run folder."""

    prior: Prior
    checksum: str
    """Checksum of its arrays."""


class Fitted(NamedTuple):
    """A prior, and the numbers of samples that it was fitted to."""

    prior: Prior
    samples: list[int]
    """Number of training samples of each condition."""
    pooled: list[int]
    """Conditions with too few samples, which have the Gaussian of all samples."""


def fit(
    mean_NL: NDArray[np.float32],
    log_variance_NL: NDArray[np.float32],
    bins_N: NDArray[np.int64],
    conditions: int,
) -> Fitted:
    """Fit the prior to N posteriors.

    Args:
        mean_NL: means of the posteriors.
        log_variance_NL: logarithms of their variances.
        bins_N: condition of each sample, 0 to ``conditions`` - 1.
        conditions: number of conditions.

    Raises:
        ValueError: a posterior is not finite, or a covariance is not positive definite.
    """
    from threadpoolctl import threadpool_limits

    with np.errstate(over="ignore"):
        means, variances = mean_NL.astype(np.float64), np.exp(log_variance_NL.astype(np.float64))
    if not (np.isfinite(means).all() and np.isfinite(variances).all()):
        raise ValueError("a mean or a variance of the posterior is not finite")
    samples = np.bincount(bins_N, minlength=conditions)
    with threadpool_limits(1):  # with several threads the order of sums, and so the last bits, would vary
        everyone = _gaussian(means, variances)
        own = [
            _gaussian(means[bins_N == k], variances[bins_N == k]) if samples[k] >= FEWEST else everyone
            for k in range(conditions)
        ]
    mean, factor = (np.stack(parts).astype(np.float32) for parts in zip(*own, strict=True))
    return Fitted(Prior(mean, factor), samples.tolist(), np.flatnonzero(samples < FEWEST).tolist())


def _gaussian(
    means: NDArray[np.float64], variances: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean, (L,), and Cholesky factor, (L, L), of the aggregate of N posteriors, each (N, L)."""
    # imported here: scikit-learn takes its time, and ``generate`` does not need it
    from sklearn.covariance import ledoit_wolf

    covariance = np.diag(variances.mean(axis=0))
    if len(means) > 1:
        covariance += ledoit_wolf(means)[0]
    return means.mean(axis=0), np.linalg.cholesky(covariance)


def write(folder: Path, fitted: Fitted, of: str) -> None:
    """Save a prior beside the model in ``folder``; ``of`` is the checksum of that model's weights."""
    data = save({name: np.ascontiguousarray(array) for name, array in fitted.prior._asdict().items()})
    beside.write(folder / PRIOR, data, PriorCard(of=of, samples=fitted.samples, pooled=fitted.pooled))


def remove(folder: Path) -> None:
    """Remove the prior beside the model in ``folder``, if there is one."""
    (folder / PRIOR).unlink(missing_ok=True)


def read(folder: Path, card: VAECard) -> Found | None:
    """Read the prior of the VAE in ``folder``, whose card is ``card``; None if there is none for these weights.

    Raises:
        CheckpointError: the file is damaged, or holds no prior of this network.
    """
    try:
        found = beside.read(folder, PRIOR, PriorCard, card.checksum)
        if found is None:
            return None
        return Found(_checked(load(found.data), card.conditions, card.model.latent), found.card.checksum)
    except (OSError, ValueError, SafetensorError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise CheckpointError(
            f"{located(folder) / PRIOR} is no prior of this VAE: {why}. Take prior=normal, or {_made_by(folder)}"
        ) from None


def absent(folder: Path) -> str:
    """The message for a VAE without a prior: what is missing, and what makes it."""
    return (
        f"{folder} has no {PRIOR} for its weights; a training writes it when it is done: {_made_by(folder)}"
    )


def _made_by(folder: Path) -> str:
    """What the user can do to get a prior."""
    if any((folder / "checkpoints").glob("step-*")):
        again = f"hpcvox train-vae {folder / CONFIG} out={folder}"
        return f"run the training again, `{again}`: if it is done, this only makes the prior"
    return "train the VAE anew, because it has no checkpoints to go on from"


def _checked(arrays: dict[str, NDArray[Any]], conditions: int, latent: int) -> Prior:
    """Check ``arrays`` and return them as a prior; raise ValueError if they are none of this shape."""
    wanted = {"mean": (conditions, latent), "factor": (conditions, latent, latent)}
    if arrays.keys() != wanted.keys():
        raise ValueError(
            f"it holds {', '.join(sorted(arrays)) or 'nothing'}, and {' and '.join(wanted)} are needed"
        )
    for name, shape in wanted.items():
        array = arrays[name]
        if array.shape != shape or array.dtype != np.float32:
            raise ValueError(f"{name} is {array.dtype} {array.shape}, and float32 {shape} is needed")
        if not np.isfinite(array).all():
            raise ValueError(f"{name} has values that are not finite")
    prior = Prior(**arrays)
    if np.triu(prior.factor, 1).any() or (np.diagonal(prior.factor, axis1=1, axis2=2) <= 0).any():
        raise ValueError(
            "a covariance is not positive definite: factor is lower triangular, its diagonal positive"
        )
    return prior
