"""R3DVS: the same for every description of a field, and right where the answer is known."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from hpcvox.descriptors.r3dvs import Spots, diffraction_spots, voxels
from hpcvox.errors import Rejected

LATTICE = np.array([[4.1, 0.0, 0.0], [0.9, 4.6, 0.0], [-0.4, 0.7, 5.2]])
COARSE = (0.8, 12.8)  # resolution and length, in Å
M = 24


def atoms(seed: int, count: int = 3) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    generator = np.random.default_rng(seed)
    return generator.random((count, 3)), generator.uniform(1, 20, count), generator.uniform(0.5, 0.8, count)


def density(
    lattice: NDArray[np.float64],
    shape: tuple[int, int, int],
    frac: NDArray[np.float64],
    charge: NDArray[np.float64],
    width: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Gaussians at ``frac`` and all their images, on the grid: a sum in real space, no Fourier transform."""
    grid = np.stack(np.meshgrid(*(np.arange(m) / m for m in shape), indexing="ij"), -1)
    out = np.zeros(shape)
    images = np.stack(np.meshgrid(*3 * [np.arange(-1, 4)], indexing="ij"), -1).reshape(-1, 3)
    for site, z, w in zip(frac, charge, width, strict=True):
        for image in images:
            d = (grid - site + image - 1) @ lattice
            out += z * np.exp(-(d**2).sum(-1) / (2 * w * w))
    return out


def maps(field: NDArray[np.float64], lattice: NDArray[np.float64]) -> NDArray[np.float32]:
    return voxels(diffraction_spots(field, lattice, COARSE[0]), *COARSE)


def assert_same(a: NDArray[np.floating[Any]], b: NDArray[np.floating[Any]]) -> None:
    assert np.abs(a - b).max() <= 1e-6 * np.abs(a).max()


@pytest.fixture(scope="module")
def field() -> NDArray[np.float64]:
    """The density of three atoms on a grid of M³ points."""
    return density(LATTICE, (M, M, M), *atoms(0))


@settings(max_examples=20, deadline=None)
@given(st.tuples(*3 * [st.integers(-M, M)]))
def test_translation(field: NDArray[np.float64], shift: tuple[int, int, int]) -> None:
    moved = np.roll(field, shift, (0, 1, 2))
    assert_same(maps(field[None], LATTICE), maps(moved[None], LATTICE))


def test_translation_by_a_part_of_a_voxel(field: NDArray[np.float64]) -> None:
    frac, charge, width = atoms(0)
    moved = density(LATTICE, (M, M, M), (frac + np.array([0.013, 0.37, 0.701])) % 1, charge, width)
    assert_same(maps(field[None], LATTICE), maps(moved[None], LATTICE))


@settings(max_examples=6, deadline=None)
@given(st.tuples(*3 * [st.integers(1, 3)]))
def test_supercell(field: NDArray[np.float64], repeats: tuple[int, int, int]) -> None:
    large = np.tile(field, repeats)
    assert_same(maps(field[None], LATTICE), maps(large[None], LATTICE * np.array(repeats)[:, None]))


@pytest.mark.parametrize(
    "change",
    [
        [[0, 1, 0], [0, 0, 1], [1, 0, 0]],
        [[1, 1, 0], [0, 1, 0], [0, 0, 1]],
        [[1, 0, 0], [-1, 1, 0], [0, 1, 1]],
        [[1, 1, 0], [1, 2, 1], [0, 1, 2]],
        [[-1, 0, 0], [0, 0, 1], [0, 1, 0]],
    ],
)
@pytest.mark.parametrize("lattice", [LATTICE, np.eye(3) * 3.2])
def test_another_cell_of_the_same_lattice(lattice: NDArray[np.float64], change: list[list[int]]) -> None:
    # 3.2 Å: spots of the cube lie exactly on voxel centres, on borders and on the sphere
    matrix = np.array(change)
    assert abs(round(np.linalg.det(matrix))) == 1
    frac, charge, width = atoms(1)
    shape = (32, 32, 32)
    one = density(lattice, shape, frac, charge, width)
    # the values of the new cell's grid points are values of the old one's: r = x' A' = (x' P) A
    index = np.stack(np.meshgrid(*3 * [np.arange(32)], indexing="ij"), -1) @ matrix % 32
    other = one[index[..., 0], index[..., 1], index[..., 2]]
    assert_same(maps(one[None], lattice), maps(other[None], matrix @ lattice))


def test_the_order_of_the_atoms() -> None:
    frac, charge, width = atoms(2)
    order = [2, 0, 1]
    one = density(LATTICE, (M, M, M), frac, charge, width)
    other = density(LATTICE, (M, M, M), frac[order], charge[order], width[order])
    assert_same(maps(one[None], LATTICE), maps(other[None], LATTICE))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_turned_spots_are_the_spots_of_the_turned_field(seed: int) -> None:
    # the grid turns with the cell, so that the values stay as they are
    turn = Rotation.random(rng=np.random.default_rng(seed)).as_matrix()
    field = density(LATTICE, (16, 16, 16), *atoms(3))[None]
    spots = diffraction_spots(field, LATTICE, 0.8)
    assert_same(
        voxels(spots.rotated(turn), *COARSE),
        voxels(diffraction_spots(field, LATTICE @ turn.T, 0.8), *COARSE),
    )


def test_amplitudes_of_gaussians_are_known() -> None:
    frac, charge, width = atoms(4)
    spots = diffraction_spots(density(LATTICE, (M, M, M), frac, charge, width)[None], LATTICE, 0.8)
    volume = abs(np.linalg.det(LATTICE))
    phase = np.exp(-1j * spots.g @ (frac @ LATTICE).T)
    form = charge * (2 * math.pi * width**2) ** 1.5 / volume
    exact = np.abs((phase * form * np.exp(-0.5 * (spots.g**2).sum(1)[:, None] * width**2)).sum(1))
    # what is left is the images beyond the sum of the test
    np.testing.assert_allclose(spots.amplitude[0], exact, rtol=0, atol=1e-7 * form.sum())
    np.testing.assert_allclose(spots.mean, form.sum(), rtol=1e-7)


def test_a_plane_wave_is_two_spots() -> None:
    x = np.arange(36) / 36
    field = 3.0 + 2.0 * np.cos(2 * np.pi * 2 * x)[:, None, None] * np.ones((36, 36, 36))
    lattice = np.eye(3) * 12.8
    spots = diffraction_spots(field[None], lattice)
    strong = spots.amplitude[0] > 1e-9
    assert strong.sum() == 1
    np.testing.assert_allclose(np.abs(spots.g[strong]), [[2 * 2 * np.pi / 12.8, 0, 0]], atol=1e-12)
    cube = voxels(spots)[0]
    # amplitude 1 at ±2 voxels from the centre, each shared by eight voxels; the mean by the middle eight
    assert cube.shape == (32, 32, 32)
    np.testing.assert_allclose(cube[13:15, 15:17, 15:17], 1 / 8, rtol=1e-6)
    np.testing.assert_allclose(cube[17:19, 15:17, 15:17], 1 / 8, rtol=1e-6)
    np.testing.assert_allclose(cube[15:17, 15:17, 15:17], 3 / 8, rtol=1e-6)
    assert cube.sum() == pytest.approx(5.0)
    assert voxels(spots, mean=False).sum() == pytest.approx(2.0)


def test_the_map_is_even_and_its_sum_is_that_of_the_spots(field: NDArray[np.float64]) -> None:
    spots = diffraction_spots(np.stack([field, -2 * field]), LATTICE, 0.8)
    cube = voxels(spots, *COARSE)
    np.testing.assert_array_equal(cube, cube[:, ::-1, ::-1, ::-1])
    np.testing.assert_allclose(cube.sum((1, 2, 3)), 2 * spots.amplitude.sum(1) + spots.mean, rtol=1e-5)
    np.testing.assert_allclose(cube[1], 2 * cube[0], rtol=1e-6)


def test_half_of_the_spots_is_all_of_them(field: NDArray[np.float64]) -> None:
    spots = diffraction_spots(field[None], LATTICE, 0.8)
    both = np.concatenate([spots.g, -spots.g])
    assert len(np.unique(both.round(9), axis=0)) == len(both)
    cut = math.pi / 0.8
    whole = np.stack(np.meshgrid(*3 * [np.arange(-12, 13)], indexing="ij"), -1).reshape(-1, 3)
    g = whole @ (2 * math.pi * np.linalg.inv(LATTICE).T)
    assert len(both) + 1 == (np.linalg.norm(g, axis=1) <= cut).sum()


def test_a_grid_that_does_not_hold_the_sphere_is_refused_with_the_one_that_does() -> None:
    with pytest.raises(Rejected, match="at least 11×11×13") as caught:
        diffraction_spots(np.zeros((1, 10, 11, 13)), np.diag([4.2, 4.2, 5.0]), 0.4)
    assert caught.value.code == "grid-too-coarse"
    assert len(diffraction_spots(np.zeros((1, 11, 11, 13)), np.diag([4.2, 4.2, 5.0]), 0.4).g) > 0


def test_a_field_with_holes_is_refused() -> None:
    field = np.zeros((1, 32, 32, 32))
    field[0, 3, 4, 5] = np.nan
    with pytest.raises(Rejected, match="not finite"):
        diffraction_spots(field, np.eye(3) * 4)


def test_a_cube_of_half_a_voxel_is_refused() -> None:
    with pytest.raises(ValueError, match="whole number"):
        voxels(Spots(np.zeros((0, 3)), np.zeros((1, 0)), np.zeros(1)), 0.3, 12.8)
