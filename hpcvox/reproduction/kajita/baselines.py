"""The kernel regressions of a draw: SOAP, the Coulomb matrix, and one after the other."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hpcvox.reproduction.kajita.kernels import RIDGES, SOAP_RIDGE, Model, chosen, fit, gaussians, linear
from hpcvox.reproduction.kajita.sets import Sets, features

Array = NDArray[np.float64]

MEAN: Final = "mean of the training crystals"
SOAP: Final = "SOAP"
SOAP_AS_PAPER: Final = f"SOAP, ridge {SOAP_RIDGE:g} as in the paper"
COULOMB: Final = "Coulomb matrix"
SOAP_THEN_COULOMB: Final = "SOAP → Coulomb matrix"


class Crystals(NamedTuple):
    """The crystals of a regression."""

    train: Sequence[str]
    test: Sequence[str]
    values: Array
    """(N, T) of the training crystals."""
    groups: Sequence[str]
    """Formulas of the training crystals."""


def regressed(sets: Sets, crystals: Crystals) -> dict[str, Array]:
    """What each method says of the test crystals, (M, T); fitted to the training crystals alone."""
    errors, by_soap = soap_errors(sets, crystals)
    known, near = (features(sets.soap, "features", ids) for ids in (crystals.train, crystals.test))
    as_paper = [fit(known, values, linear, SOAP_RIDGE) for values in crystals.values.T]
    return {
        MEAN: np.tile(crystals.values.mean(0), (len(crystals.test), 1)),
        SOAP: by_soap,
        SOAP_AS_PAPER: predicted(as_paper, near),
        COULOMB: _coulomb(sets, crystals, crystals.values),
        SOAP_THEN_COULOMB: by_soap + _coulomb(sets, crystals, errors),
    }


def soap_errors(sets: Sets, crystals: Crystals) -> tuple[Array, Array]:
    """The errors of the SOAP regression on its own training crystals (N, T), and what it says of the others (M, T).

    The paper has a second regression learn these errors.
    """
    known, near = (features(sets.soap, "features", ids) for ids in (crystals.train, crystals.test))
    models = [chosen(known, values, [linear], RIDGES, crystals.groups) for values in crystals.values.T]
    return crystals.values - predicted(models, known), predicted(models, near)


def predicted(models: Sequence[Model], asked: Array) -> Array:
    """What the models of the targets say of crystals with these features, (M, T)."""
    return np.stack([model.predict(asked) for model in models], axis=1)


def _coulomb(sets: Sets, crystals: Crystals, values: Array) -> Array:
    known = features(sets.coulomb, "spectrum", crystals.train)
    asked = features(sets.coulomb, "spectrum", crystals.test)
    kernels = gaussians(known)
    models = [chosen(known, each, kernels, RIDGES, crystals.groups) for each in values.T]
    return predicted(models, asked)
