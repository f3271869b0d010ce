"""Superposed atoms: electrons counted, and against a sum of Gaussians in real space."""

import itertools

import gemmi
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hpcvox.descriptors.atoms import BLOCK, MAX_Z, form_factor_terms, superposed_atoms, superposed_spots
from hpcvox.descriptors.r3dvs import diffraction_spots
from hpcvox.errors import Rejected

LATTICE = np.array([[3.1, 0.0, 0.0], [0.9, 3.6, 0.0], [-0.4, 0.7, 4.2]])
FRAC = np.array([[0.0, 0.0, 0.0], [0.25, 0.5, 0.5], [0.5, 0.75, 0.25]])
NUMBERS = np.array([22, 8, 7], np.uint8)


def direct(shape: tuple[int, int, int], width: float) -> NDArray[np.float64]:
    """Each term of a form factor is a Gaussian in real space; summed over images."""
    grid = np.stack(np.meshgrid(*(np.arange(m) / m for m in shape), indexing="ij"), -1)
    out = np.zeros(shape)
    for site, number in zip(FRAC, NUMBERS, strict=True):
        heights, spreads, constant = form_factor_terms(int(number))
        for shift in itertools.product(range(-3, 4), repeat=3):
            d2 = (((grid - site + shift) @ LATTICE) ** 2).sum(-1)
            for a, b in zip((*heights, constant), (*spreads, 0.0), strict=True):
                variance = b / (8 * np.pi**2) + width * width
                out += a * (2 * np.pi * variance) ** -1.5 * np.exp(-d2 / (2 * variance))
    return out


def test_equals_a_sum_of_gaussians_in_real_space() -> None:
    shape = (24, 27, 32)
    got = superposed_atoms(LATTICE, FRAC, NUMBERS, shape, width=0.3)
    expected = direct(shape, 0.3)
    assert got.shape == (1, *shape)
    assert got.dtype == np.float64
    assert np.abs(got[0] - expected).max() < 1e-6 * expected.max()


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(*3 * [st.integers(1, 13)]),
    numbers=st.lists(st.integers(1, MAX_Z), min_size=1, max_size=6),
)
def test_every_electron_is_counted(seed: int, shape: tuple[int, int, int], numbers: list[int]) -> None:
    rng = np.random.default_rng(seed)
    lattice = rng.normal(0, 1, (3, 3)) + 4 * np.eye(3)
    kinds = np.array(numbers, np.uint8)
    field = superposed_atoms(lattice, rng.random((len(kinds), 3)), kinds, shape)
    integral = field.mean() * abs(np.linalg.det(lattice))
    assert integral == pytest.approx(kinds.astype(int).sum(), rel=1e-12)


@settings(max_examples=20, deadline=None)
@given(shift=st.tuples(st.integers(-9, 9), st.integers(-9, 9), st.integers(-9, 9)))
def test_a_shift_by_grid_points_rolls_the_field(shift: tuple[int, int, int]) -> None:
    shape = (12, 9, 10)
    still = superposed_atoms(LATTICE, FRAC, NUMBERS, shape)
    moved = superposed_atoms(LATTICE, FRAC + np.array(shift) / shape, NUMBERS, shape)
    assert np.abs(np.roll(still, shift, (1, 2, 3)) - moved).max() < 1e-11 * still.max()


def test_maxima_are_at_the_atoms() -> None:
    shape = (32, 36, 44)
    field = superposed_atoms(LATTICE, FRAC, NUMBERS, shape)[0]
    for site in FRAC:
        at = np.rint(site * shape).astype(int)
        near = np.ix_(*((at[i] + np.arange(-3, 4)) % shape[i] for i in range(3)))
        assert field[near].argmax() == 7**3 // 2


def test_order_and_supercell_do_not_matter() -> None:
    order = [2, 0, 1]
    a = superposed_atoms(LATTICE, FRAC, NUMBERS, (10, 11, 12))
    np.testing.assert_allclose(
        a, superposed_atoms(LATTICE, FRAC[order], NUMBERS[order], (10, 11, 12)), atol=1e-11
    )
    double = np.concatenate([FRAC, FRAC + np.eye(3)[0]]) / [2, 1, 1]
    b = superposed_atoms(LATTICE * [[2], [1], [1]], double, np.tile(NUMBERS, 2), (21, 11, 13))
    c = superposed_atoms(LATTICE, FRAC, NUMBERS, (11, 11, 13))
    # the same coefficients, seen through R3DVS
    fine = diffraction_spots(b, LATTICE * [[2], [1], [1]], 0.9)
    whole = fine.amplitude > 1e-9
    np.testing.assert_allclose(
        np.sort(fine.amplitude[whole]),
        np.sort(diffraction_spots(c, LATTICE, 0.9).amplitude.ravel()),
        atol=1e-9,
    )


def test_the_terms_are_those_of_the_tables() -> None:
    for number in range(1, MAX_Z + 1):
        heights, spreads, constant = form_factor_terms(number)
        assert sum(heights) + constant == pytest.approx(number, abs=1e-12)
        assert min(spreads) > 0
        assert heights[0] == pytest.approx(gemmi.Element(number).it92.a[0], rel=2e-3)


@pytest.mark.parametrize("number", [0, 99, 118])
def test_elements_without_form_factors_are_refused(number: int) -> None:
    with pytest.raises(Rejected, match=str(number)) as error:
        superposed_atoms(LATTICE, FRAC[:1], np.array([number], np.uint8), (4, 4, 4))
    assert error.value.code == "no-form-factor"
    with pytest.raises(Rejected) as error:
        superposed_atoms(LATTICE, np.empty((0, 3)), np.empty(0, np.uint8), (4, 4, 4))
    assert error.value.code == "no-sites"


def test_spots_are_those_of_the_field_in_every_block() -> None:
    spots = superposed_spots(3 * LATTICE, FRAC, NUMBERS)
    assert len(spots.g) > BLOCK
    exact = diffraction_spots(superposed_atoms(3 * LATTICE, FRAC, NUMBERS, (48, 64, 64)), 3 * LATTICE)
    np.testing.assert_array_equal(spots.g, exact.g)
    np.testing.assert_allclose(spots.amplitude, exact.amplitude, rtol=0, atol=1e-9 * exact.mean[0])
    np.testing.assert_allclose(spots.mean, exact.mean, rtol=1e-9)


def test_a_cell_with_too_many_spots_is_refused_before_they_are_made() -> None:
    with pytest.raises(Rejected, match="coarser") as error:
        superposed_spots(np.eye(3) * 500.0, FRAC, NUMBERS)
    assert error.value.code == "cell-too-large"
    assert len(superposed_spots(np.eye(3) * 500.0, FRAC, NUMBERS, 4.0).g) > 100_000
