"""Court's voxels against a direct float64 sum over voxels and images, and their symmetries."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hpcvox.descriptors.density import voxelize
from hpcvox.descriptors.grids import BOXES, Grid, centres, coordinates
from hpcvox.descriptors.radii import MAX_Z, RADII, widths
from hpcvox.descriptors.rotations import ROTATIONS, rotate
from hpcvox.errors import Rejected

PEROVSKITE = np.array([[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
SRTIO3 = np.array([38, 22, 8, 8, 8], np.uint8)
CUBE = np.full(3, 3.905)


def direct(
    lengths: NDArray[np.float64],
    frac: NDArray[np.float64],
    numbers: NDArray[np.uint8],
    grid: Grid,
    n: int,
    widths: NDArray[np.float64] = RADII,
) -> tuple[NDArray[np.float64], NDArray[np.uint8], NDArray[np.bool_]]:
    """The formula of the paper, voxel by voxel in float64; also the margin by which a label is decided."""
    axis = centres(grid, n)
    x = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1) * lengths
    density = np.zeros((n, n, n))
    nearest = []
    for f, z in zip(frac, numbers, strict=True):
        sigma = widths[z]
        images = range(-4, 5) if grid == "periodic" else (0,)
        least = np.full((n, n, n), np.inf)
        for shift in itertools.product(images, repeat=3):
            d2 = ((x - (f + shift) * lengths) ** 2).sum(-1)
            density += z / sigma**3 * np.exp(-d2 / (2 * sigma * sigma)) / (2 * np.pi) ** 1.5
            least = np.minimum(least, d2)
        nearest.append(least)
    d2 = np.stack(nearest)
    reach = (RADII[numbers] ** 2)[:, None, None, None]
    inside = np.where(d2 < reach, d2, np.inf)
    best = inside.min(0)
    species = np.where(np.isfinite(best), np.asarray(numbers)[inside.argmin(0)], 0)
    others = np.sort(np.where(d2 < reach + 1e-5, d2, np.inf), axis=0)
    decided: NDArray[np.bool_] = np.all(np.abs(d2 - reach) > 1e-5, axis=0)
    if len(numbers) > 1:
        with np.errstate(invalid="ignore"):
            decided &= ~(np.abs(others[1] - others[0]) < 1e-5)
    return density, species, decided


@pytest.mark.parametrize("grid", ["periodic", "padded"])
@pytest.mark.parametrize("widths", [RADII, np.full_like(RADII, 0.7)], ids=["radii", "sigma"])
def test_equals_the_direct_sum(grid: Grid, widths: NDArray[np.float64]) -> None:
    lengths = np.array([3.9, 4.6, 5.3])
    rng = np.random.default_rng(1)
    frac = (PEROVSKITE + rng.normal(0, 0.02, (5, 3))) % 1
    got = voxelize(lengths, frac, SRTIO3, grid, widths=widths)
    density, species, decided = direct(lengths, frac, SRTIO3, grid, 32, widths)
    assert np.abs(got.density - density).max() < 1e-6 * density.max()
    own = np.floor((frac - BOXES[grid].origin) / BOXES[grid].extent * 32).astype(int)
    for i, z in zip(own, SRTIO3, strict=True):
        assert got.species[tuple(i)] == z
        decided[tuple(i)] = False
    assert decided.mean() > 0.95
    assert (got.species == species)[decided].all()


def test_the_periodic_density_holds_every_electron() -> None:
    n = 32
    got = voxelize(CUBE, PEROVSKITE, SRTIO3, "periodic", n)
    assert got.density.sum(dtype=np.float64) * (CUBE[0] / n) ** 3 == pytest.approx(SRTIO3.sum(), rel=1e-6)


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    lengths=st.tuples(*[st.floats(2, 60)] * 3),
    numbers=st.lists(st.integers(1, MAX_Z), min_size=1, max_size=4),
    n=st.sampled_from([8, 16, 32]),
    sigma=st.none() | st.floats(0.2, 3),
)
def test_the_periodic_density_holds_every_electron_of_any_cell(
    seed: int, lengths: tuple[float, float, float], numbers: list[int], n: int, sigma: float | None
) -> None:
    edges, kinds = np.array(lengths), np.array(numbers, np.uint8)
    density = voxelize(edges, apart(seed, len(kinds)), kinds, "periodic", n, widths=widths(sigma)).density
    held = density.sum(dtype=np.float64) * edges.prod() / n**3
    assert held == pytest.approx(kinds.sum(dtype=np.float64), rel=2e-6)


def apart(seed: int, count: int) -> NDArray[np.float64]:
    """Sites (count, 3), up to eight, at random and none in a voxel of another."""
    rng = np.random.default_rng(seed)
    corners = np.stack(np.unravel_index(rng.permutation(8)[:count], (2, 2, 2)), -1)
    return (corners + rng.random((count, 3))) / 2


@pytest.mark.parametrize("grid", ["periodic", "padded"])
@pytest.mark.parametrize("place", [0.25, 0.25 + 1 / 64, 0.261])  # between two voxels, on one, and off it
def test_a_long_cell_has_the_density_of_fine_voxels_within_its_own(grid: Grid, place: float) -> None:
    """Along the long axis the voxels of 32 hold what four times as many do; along the others each is the same."""
    lengths, kinds = np.array([4.0, 4.0, 60.0]), np.array([8], np.uint8)
    frac = np.array([[0.3, 0.6, place]])
    box, extent = BOXES[grid], lengths[2] * BOXES[grid].extent
    held = voxelize(lengths, frac, kinds, grid).density.sum(axis=2, dtype=np.float64) * extent / 32
    axis = centres(grid, 32)[:, None]
    apart = (axis - frac[0, :2] + np.arange(-4, 5)[:, None, None] * box.wraps) * lengths[:2]
    images = np.exp(-(apart**2) / (2 * RADII[8] ** 2)) / np.sqrt(2 * np.pi) / RADII[8]
    along = images.sum(0) if box.wraps else images[0]
    np.testing.assert_allclose(held, 8 * np.outer(along[:, 0], along[:, 1]), rtol=1e-5, atol=1e-6)


def test_nothing_is_seen_of_the_border_between_fine_and_coarse() -> None:
    """Where voxels are just longer than a Gaussian is wide it is divided by its sum, where just shorter it is not."""
    frac, kinds = np.array([[0.5, 0.43, 0.02]]), np.array([26], np.uint8)
    below, above = (
        voxelize(np.full(3, 8 * step), frac, kinds, n=8, widths=widths(1.0)).density
        for step in (1.0 - 1e-9, 1.0 + 1e-9)
    )
    np.testing.assert_allclose(below, above, rtol=3e-7)


def test_small_ions_have_their_own_voxel() -> None:
    lengths = np.full(3, 30.0)  # a voxel of 0.94 Å; carbon's radius is 0.30 Å
    frac = np.array([[0.1, 0.2, 0.3], [0.6, 0.7, 0.8]])
    got = voxelize(lengths, frac, np.array([6, 6], np.uint8), "periodic")
    assert (got.species == 6).sum() == 2


def test_sites_that_share_a_voxel_are_refused() -> None:
    frac = np.array([[0.1, 0.1, 0.1], [0.101, 0.101, 0.101]])
    with pytest.raises(Rejected, match="shares a voxel") as error:
        voxelize(np.full(3, 20.0), frac, np.array([6, 8], np.uint8), "periodic")
    assert error.value.code == "sites-unresolved"


@pytest.mark.parametrize("number", [0, 99, 118])
def test_elements_without_a_radius_are_refused(number: int) -> None:
    with pytest.raises(Rejected, match=str(number)):
        voxelize(CUBE, np.zeros((1, 3)), np.array([number], np.uint8))


def test_radii_are_pymatgens() -> None:
    from pymatgen.core import Element

    for z in range(1, MAX_Z + 1):
        tabulated = list(Element.from_Z(z).ionic_radii.values())
        assert RADII[z] == pytest.approx(np.mean(tabulated) if tabulated else 1.20, abs=1e-6)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), shift=st.tuples(*[st.integers(0, 31)] * 3), grid=st.just("periodic"))
def test_translation_by_voxels_rolls_the_arrays(seed: int, shift: tuple[int, int, int], grid: Grid) -> None:
    rng = np.random.default_rng(seed)
    frac = (PEROVSKITE + rng.uniform(-0.03, 0.03, (5, 3))) % 1
    moved = (frac + np.array(shift) / 32) % 1
    a = voxelize(CUBE, frac, SRTIO3, grid)
    b = voxelize(CUBE, moved, SRTIO3, grid)
    np.testing.assert_allclose(np.roll(a.density, shift, (0, 1, 2)), b.density, rtol=0, atol=3e-6)
    assert (np.roll(a.species, shift, (0, 1, 2)) == b.species).mean() > 0.999


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), grid=st.sampled_from(["periodic", "padded"]))
def test_the_order_of_the_sites_does_not_matter(seed: int, grid: Grid) -> None:
    rng = np.random.default_rng(seed)
    frac = (PEROVSKITE + rng.uniform(-0.03, 0.03, (5, 3))) % 1
    order = rng.permutation(5)
    a = voxelize(CUBE, frac, SRTIO3, grid)
    b = voxelize(CUBE, frac[order], SRTIO3[order], grid)
    np.testing.assert_allclose(a.density, b.density, rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(a.species, b.species)


@pytest.mark.parametrize("grid", ["periodic", "padded"])
def test_rotating_voxels_is_rotating_the_crystal(grid: Grid) -> None:
    rng = np.random.default_rng(3)
    lengths = np.array([3.9, 4.6, 5.3])
    frac = 0.25 + 0.5 * rng.random((4, 3))
    numbers = np.array([38, 22, 8, 9], np.uint8)
    still = voxelize(lengths, frac, numbers, grid)
    for rotation in ROTATIONS:
        turned_frac = (frac - 0.5) @ rotation.matrix.T + 0.5
        turned = voxelize(lengths[list(rotation.axes)], turned_frac, numbers, grid)
        np.testing.assert_allclose(rotate(still.density, rotation), turned.density, rtol=0, atol=3e-6)
        assert (rotate(still.species, rotation) == turned.species).mean() > 0.999


def test_there_are_24_rotations_that_form_a_group() -> None:
    matrices = {tuple(r.matrix.astype(int).ravel()) for r in ROTATIONS}
    assert len(matrices) == 24
    products = {tuple((a.matrix @ b.matrix).astype(int).ravel()) for a in ROTATIONS for b in ROTATIONS}
    assert products == matrices
    assert ROTATIONS[0].matrix.tolist() == np.eye(3).tolist()


@pytest.mark.parametrize("grid", ["periodic", "padded"])
def test_coordinates_are_voxel_centres(grid: Grid) -> None:
    lengths = np.array([4.0, 5.0, 6.0])
    xyz = coordinates(lengths, grid, 32)
    box = BOXES[grid]
    for axis in range(3):
        along = np.moveaxis(xyz[axis], axis, 0)[:, 3, 7]
        steps = np.diff(along)
        np.testing.assert_allclose(steps, lengths[axis] * box.extent / 32, rtol=1e-4)
        assert along[0] == pytest.approx(lengths[axis] * (box.origin + box.extent / 64), abs=1e-5)
