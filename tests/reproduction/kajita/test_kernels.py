"""Kernel ridge regression: against scikit-learn, and chosen without a look at what is predicted."""

import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge

from hpcvox.reproduction.kajita.kernels import chosen, fit, gaussian, gaussians, linear

RANDOM = np.random.default_rng(0)
KNOWN, ASKED = RANDOM.normal(size=(40, 3)), RANDOM.normal(size=(15, 3))
VALUES = 5 + 3 * np.sin(KNOWN[:, 0]) + KNOWN[:, 1]
TRUE = 5 + 3 * np.sin(ASKED[:, 0]) + ASKED[:, 1]


@pytest.mark.parametrize(
    ("kernel", "theirs"),
    [(linear, {"kernel": "linear"}), (gaussian(2.0), {"kernel": "rbf", "gamma": 1 / 8})],
)
def test_it_predicts_what_scikit_learn_does(kernel, theirs) -> None:  # type: ignore[no-untyped-def]
    centre, span = VALUES.mean(), VALUES.std()
    other = KernelRidge(alpha=0.3, **theirs).fit(KNOWN, (VALUES - centre) / span)
    assert fit(KNOWN, VALUES, kernel, 0.3).predict(ASKED) == pytest.approx(
        other.predict(ASKED) * span + centre
    )


def test_ridge_and_width_are_chosen_that_predict_best() -> None:
    groups = [str(i) for i in range(40)]
    model = chosen(KNOWN, VALUES, gaussians(KNOWN), (1e-6, 1e-3, 1.0), groups)
    assert np.abs(model.predict(ASKED) - TRUE).mean() < 0.4 * np.abs(TRUE - VALUES.mean()).mean()
    noise = RANDOM.normal(size=40)
    assert chosen(KNOWN, noise, gaussians(KNOWN), (1e-6, 3.0), groups).ridge == 3.0


def test_crystals_of_one_formula_do_not_tell_of_each_other() -> None:
    """Twins have a part in common that nothing else tells: by single crystals a narrow kernel, which knows no other
    crystal, would look best.
    """
    formulas = [i // 2 for i in range(80)]
    place = RANDOM.normal(size=(40, 2))[formulas]
    values = 3 * np.sin(place[:, 0]) + RANDOM.normal(size=40)[formulas]
    kernels = [gaussian(0.01), gaussian(2.0)]

    def best(groups: list[str]) -> int:
        return kernels.index(chosen(place, values, kernels, (1e-4, 1e-2, 1.0), groups).kernel)

    assert best([str(i) for i in range(80)]) == 0
    assert best([str(formula) for formula in formulas]) == 1
