"""Voxels of oblique cells against the kernel of orthogonal ones and a direct float64 sum over images."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hpcvox.crystals.cells import lattice_from_parameters
from hpcvox.descriptors.density import voxelize
from hpcvox.descriptors.oblique import voxelize_oblique
from hpcvox.descriptors.radii import RADII, widths
from hpcvox.errors import Rejected

PEROVSKITE = np.array([[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
SRTIO3 = np.array([38, 22, 8, 8, 8], np.uint8)
OBLIQUE = np.array([[3.9, 0.0, 0.0], [1.2, 3.7, 0.0], [-0.7, 1.1, 4.1]])
ELEMENTS = st.sampled_from([1, 6, 8, 14, 22, 26, 38, 55])


def direct(
    lattice: NDArray[np.float64], frac: NDArray[np.float64], numbers: NDArray[np.uint8], n: int
) -> tuple[NDArray[np.float64], NDArray[np.uint8], NDArray[np.bool_]]:
    """The formula voxel by voxel over every image within reach, in float64; also where a label is decided.

    Each site is scaled to hold its electrons, which on a grid that is fine beside its radius changes nothing.
    """
    axis = (np.arange(n) + 0.5) / n
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1)
    density = np.zeros((n, n, n))
    nearest = []
    for f, z in zip(frac, numbers, strict=True):
        r = RADII[z]
        # |component i of a vector of length L| ≤ L |b_i|, so that no image within reach is beyond these
        reach = np.ceil(6.5 * r * np.linalg.norm(np.linalg.inv(lattice), axis=0)).astype(int) + 1
        least = np.full((n, n, n), np.inf)
        gaussian = np.zeros((n, n, n))
        for shift in itertools.product(*(range(-k, k + 1) for k in reach)):
            d2 = (((grid - f - shift) @ lattice) ** 2).sum(-1)
            gaussian += np.exp(-d2 / (2 * r * r))
            least = np.minimum(least, d2)
        density += gaussian * z / (gaussian.mean() * abs(np.linalg.det(lattice)))
        nearest.append(least)
    d2 = np.stack(nearest)
    reach = (RADII[numbers] ** 2)[:, None, None, None]
    inside = np.where(d2 < reach, d2, np.inf)
    species = np.where(np.isfinite(inside.min(0)), np.asarray(numbers)[inside.argmin(0)], 0)
    decided: NDArray[np.bool_] = np.all(np.abs(d2 - reach) > 1e-5, axis=0)
    if len(numbers) > 1:
        others = np.sort(np.where(d2 < reach + 1e-5, d2, np.inf), axis=0)
        with np.errstate(invalid="ignore"):
            decided &= ~(np.abs(others[1] - others[0]) < 1e-5)
    for f, z in zip(frac, numbers, strict=True):
        own = tuple(np.floor(f * n).astype(int))
        species[own], decided[own] = z, True
    return density, species, decided


def assert_direct(
    lattice: NDArray[np.float64], frac: NDArray[np.float64], numbers: NDArray[np.uint8], n: int
) -> None:
    got = voxelize_oblique(lattice, frac, numbers, n)
    density, species, decided = direct(lattice, frac, numbers, n)
    assert np.abs(got.density - density).max() < 1e-6 * density.max()
    assert got.density.min() >= 0
    assert decided.mean() > 0.8
    np.testing.assert_array_equal(got.species[decided], species[decided])


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    lengths=st.tuples(*3 * [st.floats(2.5, 60)]),
    numbers=st.lists(ELEMENTS, min_size=1, max_size=6),
    n=st.sampled_from([8, 32]),
    sigma=st.none() | st.floats(0.2, 3),
)
def test_equals_the_kernel_of_orthogonal_cells(
    seed: int, lengths: tuple[float, float, float], numbers: list[int], n: int, sigma: float | None
) -> None:
    rng = np.random.default_rng(seed)
    kinds, edges = np.array(numbers, np.uint8), np.array(lengths)
    frac = rng.random((len(kinds), 3))
    widths = RADII if sigma is None else np.full_like(RADII, sigma)
    try:
        expected = voxelize(edges, frac, kinds, n=n, widths=widths)
    except Rejected:
        with pytest.raises(Rejected):
            voxelize_oblique(np.diag(edges), frac, kinds, n)
        return
    got = voxelize_oblique(np.diag(edges), frac, kinds, n, widths=widths)
    # on a coarse grid no voxel may be near the top of a narrow Gaussian, on whose flank float32 rounds
    top = (kinds / ((2 * np.pi) ** 1.5 * widths[kinds] ** 3)).max()
    assert np.abs(got.density - expected.density).max() < 2e-6 * expected.density.max() + 1e-7 * top
    assert (got.species == expected.species).mean() > 0.998  # a label may differ within a quantum of a border


def test_ties_are_those_of_the_orthogonal_kernel() -> None:
    """Voxels at equal distance of two elements: the heavier one's, in a crystal where there are many."""
    for a in (3.905, 4.0, 4.25):
        expected = voxelize(np.full(3, a), PEROVSKITE, SRTIO3)
        np.testing.assert_array_equal(
            voxelize_oblique(a * np.eye(3), PEROVSKITE, SRTIO3).species, expected.species
        )


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), numbers=st.lists(ELEMENTS, min_size=1, max_size=4))
def test_equals_the_direct_sum(seed: int, numbers: list[int]) -> None:
    rng = np.random.default_rng(seed)
    lattice = rng.uniform(2.5, 6, 3)[:, None] * (np.eye(3) + rng.uniform(-0.35, 0.35, (3, 3)))
    kinds = np.array(numbers, np.uint8)
    places = rng.permutation(4**3)[: len(kinds)]
    frac = (np.stack(np.unravel_index(places, (4, 4, 4)), -1) + rng.random((len(kinds), 3))) / 4
    assert_direct(lattice, frac, kinds, 8)


@pytest.mark.parametrize(
    "lattice",
    [
        [[3.0, 0, 0], [2.9, 0.9, 0], [1.5, 0.4, 4.0]],  # 17° between the first two
        [[3.0, 0, 0], [9.2, 3.0, 0], [-6.1, 7.4, 3.2]],  # vectors far from the shortest of their lattice
        [[2.5, 0, 0], [0, 14.0, 0], [1.2, -6.0, 3.0]],
        [[0, 0, 3.1], [0, 2.9, 1.0], [3.3, 0.5, 0.2]],  # left-handed
    ],
)
@pytest.mark.parametrize("element", [6, 8, 55])
def test_every_image_counts_in_skewed_cells(lattice: list[list[float]], element: int) -> None:
    frac = np.array([[0.05, 0.1, 0.93], [0.5, 0.62, 0.4]])
    assert_direct(np.array(lattice, float), frac, np.array([element, 22], np.uint8), 8)


def test_both_ways_of_summing_agree() -> None:
    """A large cell sums narrow Gaussians by voxels, a small one by harmonics: a supercell sees both."""
    frac = (PEROVSKITE + 0.013) % 1
    numbers = np.array([14, 6, 8, 8, 8], np.uint8)
    one = voxelize_oblique(OBLIQUE, frac, numbers, 8)
    corners = np.stack(np.meshgrid(*3 * [np.arange(4)], indexing="ij"), -1).reshape(-1, 1, 3)
    many = voxelize_oblique(4 * OBLIQUE, ((corners + frac) / 4).reshape(-1, 3), np.tile(numbers, 64), 32)
    np.testing.assert_allclose(many.density, np.tile(one.density, (4, 4, 4)), atol=1e-6 * one.density.max())
    assert (many.species == np.tile(one.species, (4, 4, 4))).mean() > 0.998


@pytest.mark.parametrize("scale", [1.0, 4.0])
def test_every_electron_is_held(scale: float) -> None:
    got = voxelize_oblique(scale * OBLIQUE, PEROVSKITE, SRTIO3, 32)
    voxel = np.linalg.det(scale * OBLIQUE) / 32**3
    assert got.density.sum(dtype=np.float64) * voxel == pytest.approx(SRTIO3.sum(), rel=1e-6)


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    lengths=st.tuples(*3 * [st.floats(2, 60)]),
    angles=st.tuples(*3 * [st.floats(15, 165)]),
    numbers=st.lists(ELEMENTS, min_size=1, max_size=4),
    n=st.sampled_from([8, 16, 32]),
    sigma=st.none() | st.floats(0.2, 3),
)
def test_every_electron_of_any_cell_is_held(
    seed: int,
    lengths: tuple[float, float, float],
    angles: tuple[float, float, float],
    numbers: list[int],
    n: int,
    sigma: float | None,
) -> None:
    try:
        lattice = lattice_from_parameters(*lengths, *angles)
    except ValueError:  # such angles do not span a cell
        assume(False)
    rng = np.random.default_rng(seed)
    corners = np.stack(np.unravel_index(rng.permutation(8)[: len(numbers)], (2, 2, 2)), -1)
    frac, kinds = (corners + rng.random((len(numbers), 3))) / 2, np.array(numbers, np.uint8)
    density = voxelize_oblique(lattice, frac, kinds, n, widths=widths(sigma)).density
    held = density.sum(dtype=np.float64) * np.linalg.det(lattice) / n**3
    assert held == pytest.approx(kinds.sum(dtype=np.float64), rel=3e-6)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), shift=st.tuples(*[st.integers(0, 31)] * 3))
def test_translation_by_voxels_rolls_the_arrays(seed: int, shift: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(seed)
    frac = (PEROVSKITE + rng.uniform(-0.03, 0.03, (5, 3))) % 1
    a = voxelize_oblique(OBLIQUE, frac, SRTIO3)
    b = voxelize_oblique(OBLIQUE, (frac + np.array(shift) / 32) % 1, SRTIO3)
    np.testing.assert_allclose(np.roll(a.density, shift, (0, 1, 2)), b.density, atol=1e-6 * a.density.max())
    assert (np.roll(a.species, shift, (0, 1, 2)) == b.species).mean() > 0.999


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_order_of_the_sites_does_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    frac = (PEROVSKITE + rng.uniform(-0.03, 0.03, (5, 3))) % 1
    order = rng.permutation(5)
    a = voxelize_oblique(OBLIQUE, frac, SRTIO3)
    b = voxelize_oblique(OBLIQUE, frac[order], SRTIO3[order])
    np.testing.assert_allclose(a.density, b.density, atol=1e-6 * a.density.max())
    np.testing.assert_array_equal(a.species, b.species)


def test_turning_the_cell_in_space_changes_nothing() -> None:
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    a = voxelize_oblique(OBLIQUE, PEROVSKITE, SRTIO3)
    b = voxelize_oblique(OBLIQUE @ turn, PEROVSKITE, SRTIO3)
    np.testing.assert_allclose(a.density, b.density, atol=1e-6 * a.density.max())
    np.testing.assert_array_equal(a.species, b.species)


def test_refusals() -> None:
    with pytest.raises(Rejected, match="99") as error:
        voxelize_oblique(OBLIQUE, np.zeros((1, 3)), np.array([99], np.uint8))
    assert error.value.code == "no-radius"
    close = np.array([[0.1, 0.1, 0.1], [0.101, 0.101, 0.101]])
    with pytest.raises(Rejected, match="shares a voxel") as error:
        voxelize_oblique(OBLIQUE, close, np.array([6, 8], np.uint8))
    assert error.value.code == "sites-unresolved"
    flat = OBLIQUE * [1, 1, 0]
    with pytest.raises(Rejected, match="do not span a cell") as error:
        voxelize_oblique(flat, close, np.array([6, 8], np.uint8))
    assert error.value.code == "cell"
