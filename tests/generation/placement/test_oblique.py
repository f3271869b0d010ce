"""Oblique cells: channels → cell, voxels → atoms."""

import csv
import lzma
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from hpcvox.crystals.cells import lattice_from_parameters
from hpcvox.crystals.formats.cif.writing import cif_text
from hpcvox.crystals.images import reduction, squared_distances
from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal, Entry
from hpcvox.descriptors.grids import Grid, cell_coordinates, centres, coordinates
from hpcvox.descriptors.oblique import voxelize_oblique
from hpcvox.errors import Rejected
from hpcvox.experiments.evaluate.compare import structure_rms
from hpcvox.generation.judging.validity import validity
from hpcvox.generation.placement.cell import cell_angles, fit_cell
from hpcvox.generation.placement.place import Placed, place
from tests.support.oblique_cells import any_cell, changes_of_vectors, other_setting
from tests.support.voxel_shards import FRAC

GRIDS: tuple[Grid, ...] = ("periodic", "padded")

CELLS = {
    "hexagonal": (3.25, 3.25, 5.2, 90, 90, 120),
    "rhombohedral, flat": (10.5, 10.5, 10.5, 24.2, 24.2, 24.2),
    "rhombohedral, tall": (5.1, 5.1, 5.1, 104, 104, 104),
    "monoclinic": (5.15, 5.21, 5.32, 90, 99.2, 90),
    "triclinic": (4.1, 5.6, 7.3, 81, 104, 68),
    "primitive face-centred": (3.99, 3.99, 3.99, 60, 60, 60),
    "primitive body-centred": (4.2, 4.2, 4.2, 109.4712206, 109.4712206, 109.4712206),
}

CRYSTALS: dict[str, tuple[tuple[float, ...], list[tuple[float, float, float]], list[int]]] = {
    "ZnO, wurtzite": (
        (3.25, 3.25, 5.207, 90, 90, 120),
        [(1 / 3, 2 / 3, 0), (2 / 3, 1 / 3, 0.5), (1 / 3, 2 / 3, 0.382), (2 / 3, 1 / 3, 0.882)],
        [30, 30, 8, 8],
    ),
    "MgB2": (
        (3.086, 3.086, 3.524, 90, 90, 120),
        [(0, 0, 0), (1 / 3, 2 / 3, 0.5), (2 / 3, 1 / 3, 0.5)],
        [12, 5, 5],
    ),
    "Bi2Te3, rhombohedral": (
        (10.47, 10.47, 10.47, 24.16, 24.16, 24.16),
        [(0.4, 0.4, 0.4), (0.6, 0.6, 0.6), (0, 0, 0), (0.212, 0.212, 0.212), (0.788, 0.788, 0.788)],
        [83, 83, 52, 52, 52],
    ),
    "Al2O3, rhombohedral": (
        (5.128, 5.128, 5.128, 55.28, 55.28, 55.28),
        [(x, x, x) for x in (0.148, 0.352, 0.648, 0.852)]
        + [(0.056, 0.444, 0.75), (0.444, 0.75, 0.056), (0.75, 0.056, 0.444)]
        + [(0.944, 0.556, 0.25), (0.556, 0.25, 0.944), (0.25, 0.944, 0.556)],
        [13] * 4 + [8] * 6,
    ),
    "ZrO2, monoclinic": (
        (5.15, 5.21, 5.32, 90, 99.2, 90),
        [
            *((0.276, 0.040, 0.208), (0.724, 0.54, 0.292), (0.724, 0.96, 0.792), (0.276, 0.46, 0.708)),
            *((0.070, 0.332, 0.345), (0.930, 0.832, 0.155), (0.930, 0.668, 0.655), (0.070, 0.168, 0.845)),
            *((0.450, 0.757, 0.479), (0.550, 0.257, 0.021), (0.550, 0.243, 0.521), (0.450, 0.743, 0.979)),
        ],
        [40] * 4 + [8] * 8,
    ),
    "a triclinic cell of five": (
        (4.1, 5.6, 5.3, 81, 104, 68),
        [(float(x), float(y), float(z)) for x, y, z in FRAC],
        [38, 22, 8, 8, 8],
    ),
    "NaCl, primitive": ((3.99, 3.99, 3.99, 60, 60, 60), [(0, 0, 0), (0.5, 0.5, 0.5)], [11, 17]),
    "Cu, one atom": ((2.56, 2.56, 2.56, 60, 60, 60), [(0, 0, 0)], [29]),
}


def crystal(name: str) -> Crystal:
    parameters, frac, numbers = CRYSTALS[name]
    lattice = lattice_from_parameters(*parameters)
    return Crystal(name, "", lattice, np.array(frac, float), np.array(numbers, np.uint8), {})


def through(given: Crystal, n: int = 32) -> Placed:
    """The crystal of its own ideal maps, the cell fitted."""
    voxels = voxelize_oblique(given.lattice, given.frac, given.numbers, n)
    lattice = fit_cell(cell_coordinates(given.lattice, "periodic", n), "periodic", oblique=True)
    return place(voxels.density, voxels.species, (voxels.species > 0).astype(np.float32), lattice)


def worst_shift(placed: Placed, given: Crystal, n: int = 32) -> float:
    """Largest distance of a site to the one found of its element, in longest voxel edges; inf for another crystal."""
    if sorted(placed.numbers) != sorted(given.numbers):
        return float("inf")
    distance = np.sqrt(squared_distances(given.frac[:, None] - placed.frac, given.lattice).min(axis=-1))
    distance[given.numbers[:, None] != placed.numbers] = 1e6
    worst = distance[linear_sum_assignment(distance)].max()
    return float(worst / np.linalg.norm(given.lattice, axis=1).max() * n)


@pytest.mark.parametrize("grid", GRIDS)
def test_channels_of_right_angles_are_those_of_three_lengths_bit_for_bit(grid: Grid) -> None:
    lengths = np.array([3.905, 5.64, 11.25])
    np.testing.assert_array_equal(
        cell_coordinates(np.diag(lengths), grid, 16), coordinates(lengths, grid, 16)
    )


@pytest.mark.parametrize("grid", GRIDS)
def test_channels_are_the_places_of_the_voxels(grid: Grid) -> None:
    lattice = lattice_from_parameters(*CELLS["triclinic"])
    u, v, w = np.meshgrid(*[centres(grid, 8)] * 3, indexing="ij")
    wanted = np.stack([u, v, w], axis=-1) @ lattice
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    for cell in (lattice, lattice @ turn):
        found = np.moveaxis(cell_coordinates(cell, grid, 8), 0, -1)
        np.testing.assert_allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize("grid", GRIDS)
@given(lattice=any_cell())
def test_exact_channels_give_the_exact_cell(grid: Grid, lattice: NDArray[np.float64]) -> None:
    fitted = fit_cell(cell_coordinates(lattice, grid, 8), grid, oblique=True)
    if not np.allclose(cell_angles(lattice), 90, atol=0.1):  # what is nearly right-angled counts as that
        np.testing.assert_allclose(fitted, lattice, atol=1e-4)
    assert not np.triu(fitted, 1).any()


def test_a_right_angled_model_fits_three_lengths() -> None:
    channels = cell_coordinates(lattice_from_parameters(*CELLS["triclinic"]), "periodic", 8)
    fitted = fit_cell(channels, "periodic", oblique=False)
    assert (fitted == np.diag(np.diagonal(fitted))).all()


def test_noise_hardly_moves_the_cell() -> None:
    lattice = lattice_from_parameters(*CELLS["hexagonal"])
    channels = cell_coordinates(lattice, "periodic", 32)
    noisy = channels + np.random.default_rng(1).normal(0.2, 0.3, channels.shape).astype(np.float32)
    np.testing.assert_allclose(fit_cell(noisy, "periodic", oblique=True), lattice, atol=0.02)


@pytest.mark.parametrize(
    ("lattice", "reason"),
    [
        (np.zeros((3, 3)), "lengths 0, 0, 0"),
        (np.full((3, 3), np.nan), "not finite"),
        (np.diag([4.0, 4.0, 70.0]), "lengths 4, 4, 70"),
        ([[4, 0, 0], [0, 4, 0], [0, 0, -4]], "left-handed"),
        ([[4, 0, 0], [4, 0.5, 0], [0, 0, 4]], "angles 90, 90, 7.13"),
        ([[4, 0, 0], [-4, 0.5, 0], [0, 0, 4]], "angles 90, 90, 173"),
        ([[4, 0, 0], [0, 4, 0], [3, 3, 0.1]], "of the volume of a box"),
    ],
)
def test_what_is_no_cell_is_refused_with_its_reason(lattice: Any, reason: str) -> None:
    uvw = np.stack(np.meshgrid(*[centres("periodic", 8)] * 3, indexing="ij"), axis=-1)
    channels = np.moveaxis(uvw @ np.array(lattice, float), -1, 0).astype(np.float32)
    with pytest.raises(Rejected, match=reason) as error:
        fit_cell(channels, "periodic", oblique=True)
    assert error.value.code == ("not-finite" if np.isnan(lattice).any() else "no-cell")


@pytest.mark.parametrize("name", CRYSTALS)
def test_an_ideal_map_gives_its_crystal_back(name: str) -> None:
    given = crystal(name)
    placed = through(given)
    assert worst_shift(placed, given) < 0.5
    np.testing.assert_allclose(placed.lattice, given.lattice, atol=1e-5)
    assert ((placed.frac >= 0) & (placed.frac < 1)).all()
    assert not validity(*placed).code
    text = cif_text(Crystal("x", "", placed.lattice, placed.frac, placed.numbers, {})).encode()
    (read,) = parse(Entry(0, "x", "x.cif", text, {}))
    assert isinstance(read, Crystal)
    np.testing.assert_allclose(read.lattice, given.lattice, atol=1e-4)
    rms = structure_rms(given, read)
    assert rms is not None
    assert rms < 0.02


@pytest.mark.slow
def test_round_trip_of_real_crystals_in_their_primitive_cells(shared_data: Path) -> None:
    with lzma.open(shared_data / "mp_inorganic_36737.csv.xz", "rt", newline="") as handle:
        rows = [row for row in csv.DictReader(handle) if row["structure_class"].startswith("A")][::10]
    right = 0
    for index, row in enumerate(rows):
        (given,) = parse(Entry(index, row["material_id"], "mp", row["cif"].encode(), {}))
        assert isinstance(given, Crystal)
        right += worst_shift(through(given), given) < 0.5
    assert right >= 0.995 * len(rows)


@settings(max_examples=25)
@given(
    name=st.sampled_from(["MgB2", "NaCl, primitive", "a triclinic cell of five"]),
    steps=changes_of_vectors,
    shift=st.tuples(*[st.floats(0, 1, exclude_max=True)] * 3),
)
def test_the_choice_of_cell_and_origin_does_not_matter(
    name: str, steps: list[tuple[int, int, int]], shift: tuple[float, ...]
) -> None:
    given = crystal(name)
    moved = other_setting(
        Crystal(name, "", given.lattice, (given.frac + shift) % 1, given.numbers, {}), steps
    )
    lengths = np.linalg.norm(moved.lattice, axis=1)
    assume(np.linalg.det(moved.lattice) > 0.06 * lengths.prod())
    assume((np.abs(cell_angles(moved.lattice) - 90) < 79).all())
    assert worst_shift(through(moved), moved) < 0.5


@given(lattice=any_cell())
def test_a_reduced_cell_is_the_same_lattice(lattice: NDArray[np.float64]) -> None:
    change = reduction(lattice)
    assert round(float(np.linalg.det(change))) == 1
    assert (change == np.rint(change)).all()
    assert np.linalg.norm(change @ lattice, axis=1).sum() <= np.linalg.norm(lattice, axis=1).sum() + 1e-9
