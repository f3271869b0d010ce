"""The grid of a map: where its voxels lie, and how far they are from each other."""

import itertools

import numpy as np
import pytest

from hpcvox.crystals.cells import lattice_from_parameters
from hpcvox.generation.placement.grid import VoxelGrid, fractional
from hpcvox.generation.placement.reduced import ReducedCell

CELLS = {
    "right-angled": (4.0, 5.0, 7.5, 90, 90, 90),
    "triclinic": (4.1, 5.6, 5.3, 81, 104, 68),
    "rhombohedral, flat": (10.5, 10.5, 10.5, 24.2, 24.2, 24.2),
}


@pytest.mark.parametrize("name", CELLS)
def test_the_way_between_voxels_is_the_shortest_to_any_image(name: str) -> None:
    grid = VoxelGrid(ReducedCell.of(lattice_from_parameters(*CELLS[name])).lattice, "periodic", 8)
    start, end = np.random.default_rng(0).integers(8, size=(2, 100, 3))
    images = 8 * np.array(list(itertools.product(range(-2, 3), repeat=3)))
    least = np.linalg.norm((end - start + images[:, None]) @ grid.steps, axis=-1).min(axis=0)
    way = grid.way(start, end)
    assert ((start + way - end) % 8 == 0).all()
    np.testing.assert_allclose(np.linalg.norm(way @ grid.steps, axis=-1), least)
    np.testing.assert_allclose(grid.distances((end - start) @ grid.steps), least)


def test_a_padded_grid_reaches_a_quarter_past_the_cell_and_does_not_wrap() -> None:
    lengths = np.array([4.0, 5.0, 6.0])
    grid = VoxelGrid(np.diag(lengths), "padded", 8)
    assert not grid.wraps
    assert grid.right_angled
    np.testing.assert_allclose(grid.steps, np.diag(1.5 * lengths / 8))
    assert grid.voxel_volume == pytest.approx(lengths.prod() * (1.5 / 8) ** 3)
    assert grid.longest_step == pytest.approx(9 / 8)
    start, end = np.array([0, 0, 0]), np.array([7, 0, 0])
    assert grid.way(start, end).tolist() == [7, 0, 0]
    assert grid.distances(7 * grid.steps[0]) == pytest.approx(5.25)
    # the first voxel's centre, half a step from the corner
    corner = fractional(grid.steps.sum(axis=0) / 2, grid.lattice) + grid.origin
    np.testing.assert_allclose(corner, [-0.25 + 1.5 / 16] * 3)


@pytest.mark.parametrize("name", CELLS)
def test_coordinates_in_units_of_the_cell_are_its_linear_combinations(name: str) -> None:
    lattice = lattice_from_parameters(*CELLS[name])
    frac = np.random.default_rng(1).normal(size=(20, 3))
    np.testing.assert_allclose(fractional(frac @ lattice, lattice), frac, atol=1e-12)


def test_a_reduced_grid_has_the_values_of_the_same_voxels() -> None:
    given = np.array([[4.0, 0, 0], [8.0, 5.0, 0], [0, 0, 6.0]])
    reduced = ReducedCell.of(given)
    assert not reduced.is_given
    n = 6
    m = np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), axis=-1)
    field = np.ravel_multi_index(tuple(np.moveaxis(m, -1, 0)), (n, n, n))
    found = np.stack(np.unravel_index(reduced.reordered(field), (n, n, n)), axis=-1)
    back = reduced.in_given((m.reshape(-1, 3) + 0.5) / n, n)  # centres of the voxels of the reduced grid
    np.testing.assert_array_equal(np.rint(back * n - 0.5) % n, found.reshape(-1, 3))
