"""The prior of a trained VAE: a Gaussian for each condition, fitted to where its training samples are.

Of a condition, a decoder has learnt the aggregated posterior: the mean over the training samples x of N(μ(x), σ²(x)).
N(0, 1) is what it is pulled towards, and not what it is.  The Gaussian of the same first two moments has

    mean = ⟨μ⟩,    covariance = Cov(μ) + diag ⟨σ²⟩    (the law of total covariance).

Cov(μ) is estimated from few samples for its many entries, and is therefore shrunk towards a multiple of the identity
as by Ledoit and Wolf (2004).  ⟨σ²⟩ is a mean, which needs no shrinking; it makes the covariance positive definite.
Samples are taken once, as they are in the shard set: a prior of turned ones, as augmentation shows them, takes several
passes, and was no better where both were tried (48 perovskites, 16 dimensions).
"""

from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from hpcvox.errors import CheckpointError
from hpcvox.networks.vae.card import PRIOR, PriorCard, VAECard
from hpcvox.training.folder import beside
from hpcvox.training.folder.shipped import located

FEWEST: Final = 20
"""Samples that a condition needs for a Gaussian of its own; one with fewer has that of all samples."""


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
    """Of its arrays."""


class Fitted(NamedTuple):
    """A prior, and what it was fitted to."""

    prior: Prior
    samples: list[int]
    """Training samples of each condition."""
    pooled: list[int]
    """Conditions that have the Gaussian of all samples."""


def fit(
    mean_NL: NDArray[np.float32],
    log_variance_NL: NDArray[np.float32],
    bins_N: NDArray[np.int64],
    conditions: int,
) -> Fitted:
    """The prior of N posteriors.

    Args:
        bins_N: condition of each sample, 0 to ``conditions`` - 1.

    Raises:
        ValueError: a posterior is not finite, or a covariance is not positive definite.
    """
    from threadpoolctl import threadpool_limits

    with np.errstate(over="ignore"):
        means, variances = mean_NL.astype(np.float64), np.exp(log_variance_NL.astype(np.float64))
    if not (np.isfinite(means).all() and np.isfinite(variances).all()):
        raise ValueError("a mean or a variance of the posterior is not finite")
    samples = np.bincount(bins_N, minlength=conditions)
    with threadpool_limits(1):  # the order of sums over threads would show in the last bits
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
    """Mean (L,) and Cholesky factor (L, L) of the aggregate of N posteriors, each (N, L)."""
    # not at the top: it takes its time, and ``generate`` does without
    from sklearn.covariance import ledoit_wolf

    covariance = np.diag(variances.mean(axis=0))
    if len(means) > 1:
        covariance += ledoit_wolf(means)[0]
    return means.mean(axis=0), np.linalg.cholesky(covariance)


def write(folder: Path, fitted: Fitted, of: str) -> None:
    """Keep a prior beside the model of ``folder``, whose weights have the checksum ``of``."""
    data = save({name: np.ascontiguousarray(array) for name, array in fitted.prior._asdict().items()})
    beside.write(folder / PRIOR, data, PriorCard(of=of, samples=fitted.samples, pooled=fitted.pooled))


def remove(folder: Path) -> None:
    """The model of ``folder`` has no prior."""
    (folder / PRIOR).unlink(missing_ok=True)


def read(folder: Path, card: VAECard) -> Found | None:
    """The prior of the VAE in ``folder`` that has this card; None where there is none of these weights.

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
    """What to say where the VAE in ``folder`` has no prior."""
    return (
        f"{folder} has no {PRIOR} of its weights, which a training writes when it is done: {_made_by(folder)}"
    )


def _made_by(folder: Path) -> str:
    """How to come by a prior."""
    if any((folder / "checkpoints").glob("step-*")):
        again = f"hpcvox train-vae {folder / 'config.yaml'} out={folder}"
        return f"run the training again, `{again}`: of one that is done it makes the prior alone"
    return "train the VAE anew, for there are no checkpoints of it to go on from"


def _checked(arrays: dict[str, NDArray[Any]], conditions: int, latent: int) -> Prior:
    """``arrays`` as a prior of so many conditions and dimensions; ValueError where they are none."""
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
