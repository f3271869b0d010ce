"""Kernel ridge regression on SOAP features and Ewald spectra; what it leaves open is chosen on training crystals alone.

Axis legend: N training crystals, M crystals to predict, T targets.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Kernel = Callable[[Array, Array], Array]
"""Features (M, F) and (N, F) to similarities (M, N)."""

RIDGES: Final = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 3.0)
WIDTHS: Final = (0.1, 0.3, 1.0, 3.0, 10.0)
"""Of the Gaussian kernel, in units of the median distance of training crystals."""

SOAP_RIDGE: Final = 3.0
"""The paper's, for SOAP."""

FOLDS: Final = 5


class Model(NamedTuple):
    """A fitted regression of one target."""

    kernel: Kernel
    ridge: float
    weights: Array  # (N,)
    known: Array  # (N, F)
    centre: float
    span: float

    def predict(self, features: Array) -> Array:
        """The target of crystals with these features (M, F), (M,)."""
        return np.asarray(self.kernel(features, self.known) @ self.weights * self.span + self.centre)


def linear(one: Array, other: Array) -> Array:
    """The average SOAP kernel of features of length 1."""
    return np.asarray(one @ other.T)


def gaussian(width: float) -> Kernel:
    """exp(-d²/2w²) of the distance d of features."""

    def kernel(one: Array, other: Array) -> Array:
        return np.asarray(np.exp(-squared_distances(one, other) / (2 * width * width)))

    return kernel


def squared_distances(one: Array, other: Array) -> Array:
    """Of features (M, F) and (N, F), (M, N)."""
    squared = (one**2).sum(1)[:, None] + (other**2).sum(1) - 2 * one @ other.T
    return np.asarray(np.maximum(squared, 0))


def gaussians(known: Array) -> list[Kernel]:
    """Gaussian kernels whose widths are measured by the training crystals."""
    distances = np.sqrt(squared_distances(known, known)[np.triu_indices(len(known), 1)])
    median = float(np.median(distances)) or 1.0
    return [gaussian(width * median) for width in WIDTHS]


def fit(known: Array, values: Array, kernel: Kernel, ridge: float) -> Model:
    """Fit ``values`` (N,), standardised by their own mean and deviation."""
    centre, span = float(values.mean()), float(values.std()) or 1.0
    similarities = kernel(known, known) + ridge * np.eye(len(known))
    weights = np.linalg.solve(similarities, (values - centre) / span)
    return Model(kernel, ridge, np.asarray(weights, np.float64), known, centre, span)


def chosen(
    known: Array, values: Array, kernels: Sequence[Kernel], ridges: Sequence[float], groups: Sequence[str]
) -> Model:
    """Fit with the kernel and the ridge of the least error in cross-validation on the training crystals.

    Args:
        known: features of the training crystals (N, F).
        values: their target (N,).
        kernels: to choose from.
        ridges: to choose from.
        groups: of each training crystal; crystals of a group (a formula) are in one fold.
    """
    fold = _folds(groups)
    parts = sorted(set(fold.tolist()))
    errors = np.zeros((len(kernels), len(ridges)))
    for k, kernel in enumerate(kernels):
        for r, ridge in enumerate(ridges):
            for part in parts if len(parts) > 1 else ():
                out = fold == part
                model = fit(known[~out], values[~out], kernel, ridge)
                errors[k, r] += np.abs(model.predict(known[out]) - values[out]).sum()
    best_kernel, best_ridge = divmod(int(errors.argmin()), len(ridges))
    return fit(known, values, kernels[best_kernel], ridges[best_ridge])


def _folds(groups: Sequence[str]) -> NDArray[np.int64]:
    """The fold of each crystal: its groups are dealt out in their order, which is that of a random draw."""
    order = {group: place for place, group in enumerate(dict.fromkeys(groups))}
    return np.array([order[group] % FOLDS for group in groups], np.int64)
