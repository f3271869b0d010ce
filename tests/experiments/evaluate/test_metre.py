"""METRe and cRMSE: what they count, and how they differ from the match rate."""

import numpy as np
import pytest
from numpy.typing import NDArray

from hpcvox.crystals.record import Crystal
from hpcvox.experiments.evaluate.compare import structure_rms
from hpcvox.experiments.evaluate.metre import UNMATCHED, metre

CUBE = np.array([[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
CHAIN = np.array([[0, 0, 0], [0, 0, 0.2], [0, 0, 0.4], [0, 0, 0.6], [0, 0, 0.8]])


def crystal(frac: NDArray[np.float64], *numbers: int, shift: float = 0.0) -> Crystal:
    moved = frac.copy()
    moved[2, 2] += shift
    return Crystal("", "", 4.0 * np.eye(3), moved, np.array(numbers, np.uint8), {})


def test_a_polymorph_that_another_reconstruction_matches_counts() -> None:
    """A cube and a chain of one composition, whose reconstructions were swapped: none is its own match."""
    cube, chain = crystal(CUBE, 38, 22, 8, 8, 8), crystal(CHAIN, 38, 22, 8, 8, 8)
    assert structure_rms(cube, chain) is None
    found = metre([cube, chain], [chain, cube])
    assert found.metre == 1
    assert found.crmse == pytest.approx(0, abs=1e-6)


def test_what_nothing_matches_adds_the_tolerance_to_the_crmse() -> None:
    cube, moved = crystal(CUBE, 38, 22, 8, 8, 8), crystal(CUBE, 38, 22, 8, 8, 8, shift=0.05)
    other = crystal(CUBE, 56, 40, 8, 8, 8)
    rms = structure_rms(cube, moved)
    assert rms is not None
    assert 0.01 < rms < UNMATCHED
    found = metre([cube, other], [moved])
    assert found.metre == 0.5
    assert found.crmse == pytest.approx((rms + UNMATCHED) / 2)
    assert tuple(metre([cube], [])) == (0, UNMATCHED)


def test_of_several_that_match_the_nearest_counts() -> None:
    cube, near, far = (crystal(CUBE, 38, 22, 8, 8, 8, shift=s) for s in (0, 0.01, 0.08))
    assert metre([cube], [far, near]).crmse == structure_rms(cube, near)
