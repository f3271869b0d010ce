"""Voxels to atoms: ideal maps give their crystal back, and garbage is refused in bounded time."""

import lzma
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hpcvox.descriptors.density import Voxels, voxelize
from hpcvox.descriptors.grids import BOXES, Grid, coordinates
from hpcvox.descriptors.radii import RADII, widths
from hpcvox.errors import Rejected
from hpcvox.generation.judging.validity import min_distance
from hpcvox.generation.placement.cell import fit_lengths
from hpcvox.generation.placement.place import Placed, place

GRIDS: tuple[Grid, ...] = ("periodic", "padded")
FCC = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
PEROVSKITE = np.array([[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])


def rocksalt(a: int, b: int) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    return np.vstack([FCC, (FCC + 0.5) % 1]), np.array([a] * 4 + [b] * 4, np.uint8)


def zincblende(a: int, b: int) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    return np.vstack([FCC, FCC + 0.25]), np.array([a] * 4 + [b] * 4, np.uint8)


def cscl(a: int, b: int) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    return np.array([[0, 0, 0], [0.5, 0.5, 0.5]]), np.array([a, b], np.uint8)


def perovskite(a: int, b: int, x: int) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    return PEROVSKITE, np.array([a, b, x, x, x], np.uint8)


def heusler(x: int, y: int, z: int) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    frac = np.vstack([FCC + 0.25, (FCC + 0.75) % 1, FCC, (FCC + 0.5) % 1])
    return frac, np.array([x] * 8 + [y] * 4 + [z] * 4, np.uint8)


CRYSTALS = {
    "NaCl": (5.64, rocksalt(11, 17)),
    "TiC, an ion of two voxels across": (4.33, rocksalt(22, 6)),
    "TlCl": (3.84, cscl(81, 17)),
    "CsAu, spheres that overlap": (4.26, cscl(55, 79)),
    "ZrC as CsCl, padded: an ion of one voxel": (2.93, cscl(40, 6)),
    "ZnS": (5.41, zincblende(30, 16)),
    "BN": (3.62, zincblende(5, 7)),
    "SrTiO3": (3.90, perovskite(38, 22, 8)),
    "BSiO3, oxygen spheres that overlap": (3.34, perovskite(14, 5, 8)),
    "Cu2MnAl": (5.95, heusler(29, 25, 13)),
    "LiH, a weak peak beside a strong one": (4.08, rocksalt(3, 1)),
}


def through(
    voxels: Voxels,
    lengths: NDArray[np.float64],
    grid: Grid,
    mask: NDArray[np.float32] | None = None,
    sigma: float | None = None,
) -> Placed:
    """The crystal of a map whose species and mask are ideal."""
    probability = (voxels.species > 0).astype(np.float32) if mask is None else mask
    return place(voxels.density, voxels.species, probability, np.diag(lengths), grid, widths=widths(sigma))


def attempt(
    voxels: Voxels, lengths: NDArray[np.float64], grid: Grid, mask: NDArray[np.float32]
) -> Placed | str:
    """The crystal of a map, or the code of the reason for which there is none."""
    try:
        return through(voxels, lengths, grid, mask)
    except Rejected as error:
        return error.code


def worst_shift(
    placed: Placed,
    frac: NDArray[np.float64],
    numbers: NDArray[np.uint8],
    lengths: NDArray[np.float64],
    grid: Grid,
) -> float:
    """Largest distance of a true site to the found site of its element, in voxel edges; inf for another crystal."""
    if sorted(placed.numbers) != sorted(numbers):
        return float("inf")
    apart = frac[:, None] - placed.frac[None]
    distance = np.linalg.norm((apart - np.rint(apart)) * lengths, axis=-1)
    distance[numbers[:, None] != placed.numbers[None]] = np.inf
    nearest = distance.argmin(axis=1)
    if len(set(nearest.tolist())) < len(nearest):
        return float("inf")
    return float(distance.min(axis=1).max() / (lengths.max() * BOXES[grid].extent / 32))


@pytest.mark.parametrize("sigma", [None, 0.5, 1.0])
@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("name", CRYSTALS)
def test_an_ideal_map_gives_its_crystal_back(name: str, grid: Grid, sigma: float | None) -> None:
    a, (frac, numbers) = CRYSTALS[name]
    lengths = np.full(3, a)
    map = voxelize(lengths, frac, numbers, grid, widths=widths(sigma))
    placed = through(map, lengths, grid, sigma=sigma)
    assert worst_shift(placed, frac, numbers, lengths, grid) < 0.5
    assert ((placed.frac >= 0) & (placed.frac < 1)).all()
    np.testing.assert_allclose(placed.lattice, np.diag(lengths))


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("sigma", [None, 0.4])
@pytest.mark.parametrize("shift", [0.2, 0.5, 0.8])  # in voxels
def test_voxels_longer_than_a_gaussian_is_wide_give_its_site_back(
    grid: Grid, sigma: float | None, shift: float
) -> None:
    lengths, numbers = np.array([4.0, 4.0, 40.0]), np.array([38, 8, 22, 6], np.uint8)
    step = BOXES[grid].extent / 32
    frac = np.array([[0.3, 0.4, 5.0], [0.7, 0.2, 9.0], [0.1, 0.6, 13.0], [0.4, 0.8, 16.0]]) * [1, 1, step]
    frac[:, 2] += shift * step
    placed = through(voxelize(lengths, frac, numbers, grid, widths=widths(sigma)), lengths, grid, sigma=sigma)
    assert worst_shift(placed, frac, numbers, lengths, grid) < 0.6


@settings(max_examples=25, deadline=None)
@given(
    shift=st.tuples(*[st.floats(0, 1, exclude_max=True)] * 3),
    lengths=st.tuples(*[st.floats(4.5, 6.5)] * 3),
    name=st.sampled_from(["NaCl", "ZnS", "SrTiO3", "Cu2MnAl"]),
)
def test_the_periodic_grid_has_no_preferred_origin(
    shift: tuple[float, ...], lengths: tuple[float, ...], name: str
) -> None:
    _, (frac, numbers) = CRYSTALS[name]
    moved = (frac + shift) % 1.0
    moved[moved >= 1] = 0.0
    cell = np.array(lengths)
    placed = through(voxelize(cell, moved, numbers), cell, "periodic")
    assert worst_shift(placed, moved, numbers, cell, "periodic") < 0.5


def test_a_map_that_is_off_by_a_factor_gives_the_same_crystal() -> None:
    a, (frac, numbers) = CRYSTALS["SrTiO3"]
    lengths = np.full(3, a)
    ideal = voxelize(lengths, frac, numbers)
    scaled = through(Voxels(ideal.density * np.float32(0.7), ideal.species), lengths, "periodic")
    assert worst_shift(scaled, frac, numbers, lengths, "periodic") < 0.1


def test_noise_in_labels_mask_and_density_is_voted_down() -> None:
    a, (frac, numbers) = CRYSTALS["Cu2MnAl"]
    lengths = np.full(3, a)
    ideal = voxelize(lengths, frac, numbers)
    random = np.random.default_rng(0)
    species = ideal.species.copy()
    wrong = random.random(species.shape) < 0.03
    species[wrong] = random.integers(1, 95, wrong.sum())
    mask = (ideal.species > 0) & (random.random(species.shape) > 0.02)
    density = (ideal.density * random.normal(1, 0.05, species.shape)).astype(np.float32)
    placed = through(Voxels(density, species), lengths, "periodic", mask.astype(np.float32))
    assert worst_shift(placed, frac, numbers, lengths, "periodic") < 0.5


def test_one_sphere_with_two_labels_is_one_site_of_the_majority() -> None:
    lengths = np.full(3, 4.0)
    ideal = voxelize(lengths, np.array([[0.5, 0.5, 0.5]]), np.array([26], np.uint8))
    species = np.where((ideal.species > 0) & (np.arange(32) < 14)[:, None, None], 27, ideal.species)
    placed = through(Voxels(ideal.density, species.astype(np.uint8)), lengths, "periodic")
    assert placed.numbers.tolist() == [26]


def test_sites_on_a_face_of_a_padded_box_count_once() -> None:
    # a network may draw a corner site at several corners of the box: here at all eight
    lengths = np.full(3, 5.0)
    corners = np.stack(np.meshgrid(*[[0.0, 1.0]] * 3), axis=-1).reshape(-1, 3)
    sites = np.vstack([corners, [[0.5, 0.5, 0.5]]])
    numbers = np.array([11] * 8 + [17], np.uint8)
    density, species = np.zeros((32, 32, 32), np.float32), np.zeros((32, 32, 32), np.uint8)
    axis = -1.25 + (np.arange(32) + 0.5) * 7.5 / 32
    for site, number in zip(sites * 5.0, numbers, strict=True):
        x, y, z = np.ix_(*[(axis - s) ** 2 for s in site])
        squared, radius = x + y + z, RADII[number]
        density += number / ((2 * np.pi) ** 1.5 * radius**3) * np.exp(-squared / (2 * radius**2))
        species[squared < radius**2] = number
    placed = through(Voxels(density, species), lengths, "padded")
    assert (
        worst_shift(placed, np.array([[0, 0, 0], [0.5, 0.5, 0.5]]), np.array([11, 17]), lengths, "padded")
        < 0.5
    )


@pytest.mark.parametrize("grid", GRIDS)
def test_exact_channels_give_the_exact_cell(grid: Grid) -> None:
    lengths = np.array([3.905, 5.64, 11.25])
    fitted = fit_lengths(coordinates(lengths, grid, 32), grid)
    np.testing.assert_allclose(fitted, lengths, rtol=1e-6)


def test_noise_on_the_channels_hardly_moves_the_cell() -> None:
    lengths = np.array([4.0, 4.0, 4.0])
    channels = coordinates(lengths, "padded", 32)
    noisy = channels + np.random.default_rng(1).normal(0.2, 0.3, channels.shape).astype(np.float32)
    np.testing.assert_allclose(fit_lengths(noisy, "padded"), lengths, atol=0.01)


@pytest.mark.parametrize(
    ("fill", "code"), [(np.nan, "not-finite"), (0.0, "no-cell"), (-3.0, "no-cell"), (1e6, "no-cell")]
)
def test_channels_that_are_no_cell_are_refused(fill: float, code: str) -> None:
    channels = np.full((3, 8, 8, 8), fill, np.float32)
    if fill == 1e6:
        channels = coordinates(np.full(3, 1e6), "periodic", 8)
    with pytest.raises(Rejected) as error:
        fit_lengths(channels, "periodic")
    assert error.value.code == code


def garbage() -> Iterator[tuple[str, Voxels, NDArray[np.float32]]]:
    random = np.random.default_rng(2)
    shape = (32, 32, 32)
    zeros, ones = np.zeros(shape, np.float32), np.ones(shape, np.float32)
    label = np.full(shape, 8, np.uint8)
    yield "not-finite", Voxels(np.full(shape, np.nan, np.float32), label), ones
    yield "not-finite", Voxels(ones, label), np.full(shape, np.inf, np.float32)
    yield "empty", Voxels(zeros, label), zeros
    yield "empty", Voxels(zeros, np.zeros(shape, np.uint8)), ones
    noise = random.random(shape).astype(np.float32)
    yield "too-many-sites", Voxels(noise, random.integers(1, 95, shape).astype(np.uint8)), ones
    blobs = np.zeros(shape, np.float32)
    blobs[::3, ::3, ::3] = 1  # 1,331 blobs of a voxel, each a density maximum
    yield "too-many-sites", Voxels(blobs * 50, label), blobs
    boxes = np.zeros(shape, np.float32)
    for x, y, z in np.ndindex(10, 10, 10):
        boxes[3 * x : 3 * x + 2, 3 * y : 3 * y + 2, 3 * z : 3 * z + 2] = 1
    yield "too-many-sites", Voxels(noise * boxes, label), boxes


@pytest.mark.parametrize("grid", GRIDS)
def test_garbage_is_refused_with_its_reason_in_bounded_time(grid: Grid) -> None:
    lengths = np.full(3, 5.0)
    a, (frac, numbers) = CRYSTALS["NaCl"]
    through(voxelize(np.full(3, a), frac, numbers, grid), np.full(3, a), grid)  # compile first
    for code, voxels, mask in garbage():
        start = time.process_time()
        with pytest.raises(Rejected) as error:
            through(voxels, lengths, grid, mask)
        assert error.value.code == code
        assert time.process_time() - start < 5


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("value", [0.0, 1.0, 1e30])
def test_a_map_of_one_constant_ends(grid: Grid, value: float) -> None:
    shape = (32, 32, 32)
    voxels = Voxels(np.full(shape, value, np.float32), np.full(shape, 8, np.uint8))
    start = time.process_time()
    outcome = attempt(voxels, np.full(3, 5.0), grid, np.ones(shape, np.float32))
    assert isinstance(outcome, Placed) or outcome in {"empty", "too-many-sites"}
    if isinstance(outcome, Placed):
        assert len(outcome.numbers) <= 64
        assert np.isfinite(outcome.frac).all()
    assert time.process_time() - start < 10


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), share=st.floats(0.001, 0.6), elements=st.integers(1, 20))
def test_random_maps_end_in_a_crystal_or_a_reason(seed: int, share: float, elements: int) -> None:
    random = np.random.default_rng(seed)
    shape = (16, 16, 16)
    voxels = Voxels(
        random.normal(0, 1, shape).astype(np.float32),
        random.integers(1, 1 + elements, shape).astype(np.uint8),
    )
    mask = (random.random(shape) < share).astype(np.float32)
    for grid in GRIDS:
        outcome = attempt(voxels, np.full(3, 4.0), grid, mask)
        assert outcome
        if isinstance(outcome, Placed):
            assert 0 < len(outcome.numbers) <= 64
            assert ((outcome.frac >= 0) & (outcome.frac < 1)).all()
            assert min_distance(outcome.lattice, outcome.frac) >= 0


@pytest.mark.slow
@pytest.mark.parametrize("grid", GRIDS)
def test_round_trip_of_real_perovskites(shared_data: Path, grid: Grid) -> None:
    import csv

    from hpcvox.crystals.parse import parse
    from hpcvox.crystals.record import Crystal, Entry

    with lzma.open(shared_data / "perov5_val.csv.xz", "rt", newline="") as handle:
        texts = [row["cif"] for row in csv.DictReader(handle)][::20]
    right = 0
    for index, text in enumerate(texts):
        (crystal,) = parse(Entry(index, str(index), "perov5", text.encode(), {}))
        assert isinstance(crystal, Crystal)
        lengths = np.linalg.norm(crystal.lattice, axis=1)
        voxels = voxelize(lengths, crystal.frac, crystal.numbers, grid)
        shift = worst_shift(through(voxels, lengths, grid), crystal.frac, crystal.numbers, lengths, grid)
        right += shift < 0.5
    assert right >= 0.995 * len(texts)
