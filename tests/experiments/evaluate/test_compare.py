"""The measures of Court et al. 2020 obey what a distance must."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from hpcvox.crystals.record import Crystal
from hpcvox.experiments.evaluate.compare import match_sites, periodic_distances, right_voxels, structure_rms

CELL = np.diag([4.0, 5.0, 6.0])
FRACS = arrays(
    np.float64, st.tuples(st.integers(1, 8), st.just(3)), elements=st.floats(0, 1, exclude_max=True)
)


def kinds(frac: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.arange(1, len(frac) + 1, dtype=np.uint8)


@given(FRACS)
def test_a_crystal_is_no_distance_from_itself(frac: NDArray[np.float64]) -> None:
    match = match_sites(CELL, frac, kinds(frac), frac, kinds(frac))
    assert match.emd == pytest.approx(0, abs=1e-9)
    assert match.excess == 0


@given(FRACS, st.randoms(use_true_random=False))
def test_the_order_of_sites_does_not_matter(frac: NDArray[np.float64], random: Random) -> None:
    order = list(range(len(frac)))
    random.shuffle(order)
    other = (frac * 0.9 + 0.03) % 1.0
    first = match_sites(CELL, frac, kinds(frac), other, kinds(frac))
    second = match_sites(CELL, frac, kinds(frac), other[order], kinds(frac)[order])
    assert second.emd == pytest.approx(first.emd)


@given(FRACS, st.floats(0.0, 0.49), st.integers(0, 2))
def test_one_site_moved_by_d_is_d_away(frac: NDArray[np.float64], shift: float, axis: int) -> None:
    frac = frac[:1]
    moved = frac.copy()
    moved[0, axis] = (moved[0, axis] + shift) % 1.0
    match = match_sites(CELL, frac, kinds(frac), moved, kinds(frac))
    assert match.emd == pytest.approx(shift * CELL[axis, axis], abs=1e-9)


@given(FRACS)
def test_a_common_translation_costs_at_most_its_length(frac: NDArray[np.float64]) -> None:
    moved = (frac + np.array([0.05, 0.0, 0.0])) % 1.0
    match = match_sites(CELL, frac, kinds(frac), moved, kinds(frac))
    assert match.emd <= 0.05 * 4.0 + 1e-9


@given(FRACS, FRACS)
def test_distances_are_periodic(first: NDArray[np.float64], second: NDArray[np.float64]) -> None:
    near = periodic_distances(CELL, first, second)
    np.testing.assert_allclose(
        periodic_distances(CELL, first + np.array([1, -2, 0]), second), near, atol=1e-9
    )
    assert (near <= np.linalg.norm(np.diag(CELL)) / 2 + 1e-9).all()


def test_a_nearest_image_of_an_oblique_cell_may_be_a_neighbour() -> None:
    lattice = np.array([[4.0, 0.0, 0.0], [1.9, 4.0, 0.0], [0.0, 0.0, 4.0]])
    first, second = np.zeros((1, 3)), np.array([[0.45, 0.45, 0.0]])
    images = [
        np.linalg.norm((second[0] + [i, j, k]) @ lattice)
        for i in range(-3, 4)
        for j in range(-3, 4)
        for k in range(-3, 4)
    ]
    assert periodic_distances(lattice, first, second)[0, 0] == pytest.approx(min(images))


def test_missing_and_surplus_sites_are_told_apart_from_the_distance() -> None:
    frac = np.array([[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]])
    numbers = np.array([11, 17], np.uint8)
    missing = match_sites(CELL, frac, numbers, frac[:1], numbers[:1])
    assert (missing.emd, missing.excess, missing.pairs, missing.exact) == (0.0, -1, 1, False)
    surplus = match_sites(CELL, frac[:1], numbers[:1], frac, numbers)
    assert (surplus.emd, surplus.excess, surplus.exact) == (0.0, 1, False)


def test_an_element_that_is_wrong_is_not_exact() -> None:
    frac = np.array([[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]])
    match = match_sites(CELL, frac, np.array([11, 17], np.uint8), frac, np.array([11, 35], np.uint8))
    assert (match.species_right, match.exact) == (0.5, False)


def test_recall_counts_occupied_voxels_alone() -> None:
    true = np.array([0, 8, 8, 22], np.uint8)
    assert right_voxels(true, np.array([5, 8, 7, 22], np.uint8)) == (2, 3)


def perovskite(length: float, moved: float = 0.0, oxygen: int = 8) -> Crystal:
    frac = np.array([[0, 0, moved], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    return Crystal("", "", np.eye(3) * length, frac, np.array([38, 22, *[oxygen] * 3], np.uint8), {})


def test_a_structure_is_the_same_whatever_its_size_and_origin() -> None:
    true = perovskite(3.9)
    assert structure_rms(true, perovskite(4.3)) == pytest.approx(0, abs=1e-6)
    shifted = Crystal("", "", true.lattice, (true.frac + 0.3) % 1, true.numbers, {})
    assert structure_rms(true, shifted) == pytest.approx(0, abs=1e-6)
    assert structure_rms(true, perovskite(3.9, oxygen=9)) is None
    # of five sites one is d away once the others are moved towards it: d sqrt(1/5 - 1/25), over the length of a site
    d = 0.05 * 3.9
    expected = d * np.sqrt(1 / 5 - 1 / 25) / (3.9**3 / 5) ** (1 / 3)
    assert structure_rms(true, perovskite(3.9, moved=0.05)) == pytest.approx(expected, rel=1e-3)
