"""The crystal graph and the Ewald spectrum: known shells and energies, whatever a crystal's description."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pymatgen.analysis.ewald import EwaldSummation
from pymatgen.core import Lattice, Structure
from scipy.spatial.transform import Rotation

from hpcvox.descriptors.clusters import Cell
from hpcvox.descriptors.coulomb import ewald_spectrum
from hpcvox.descriptors.graph import CENTRES, crystal_graph, gaussians, orbits
from hpcvox.errors import Rejected

COULOMB = 14.399645
"""e²/4πε0 in eV Å."""
FCC = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])


def rocksalt(a: float = 5.64) -> Cell:
    return Cell(
        np.eye(3) * a,
        np.concatenate([FCC, FCC + np.array([0.5, 0, 0])]) % 1,
        np.array([11] * 4 + [17] * 4, np.uint8),
    )


def random_cell(seed: int, k: int = 5) -> Cell:
    random = np.random.default_rng(seed)
    lattice = np.eye(3) * [4.1, 4.7, 5.6] + random.normal(0, 0.4, (3, 3))
    return Cell(lattice, random.random((k, 3)), random.choice([3, 8, 26, 56], k).astype(np.uint8))


def test_shells_of_rocksalt() -> None:
    graph = crystal_graph(rocksalt(), 18)
    np.testing.assert_allclose(graph.distances[:, :6], 2.82, rtol=1e-6)
    np.testing.assert_allclose(graph.distances[:, 6:18], 5.64 / np.sqrt(2), rtol=1e-6)
    other = {11: 17, 17: 11}
    for site, number in enumerate(graph.numbers):
        assert (graph.numbers[graph.neighbours[site, :6]] == other[number]).all()
        assert (graph.numbers[graph.neighbours[site, 6:]] == number).all()


def brute_force(cell: Cell, neighbours: int) -> NDArray[np.float64]:
    images = np.stack(np.meshgrid(*3 * [np.arange(-4, 5)], indexing="ij"), -1).reshape(-1, 1, 3)
    everywhere = ((cell.frac + images) @ cell.lattice).reshape(-1, 3)
    d = np.linalg.norm(everywhere - (cell.frac @ cell.lattice)[:, None], axis=2)
    return np.sort(d, axis=1)[:, 1 : neighbours + 1]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.5, 9))
def test_distances_are_those_of_brute_force_whatever_the_first_radius(seed: int, radius: float) -> None:
    cell = random_cell(seed)
    graph = crystal_graph(cell, 12, radius)
    np.testing.assert_allclose(graph.distances, brute_force(cell, 12), atol=2e-4)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_moved_turned_and_reordered_crystals_have_the_same_graph(seed: int) -> None:
    cell = rocksalt() if seed % 3 == 0 else random_cell(seed)
    random = np.random.default_rng(seed)
    order = random.permutation(len(cell.numbers))
    turn = Rotation.random(rng=random).as_matrix()
    other = Cell(cell.lattice @ turn.T, (cell.frac + random.random(3))[order] % 1, cell.numbers[order])
    # 8 cuts a shell of rocksalt in two
    one, two = crystal_graph(cell, 8), crystal_graph(other, 8)
    np.testing.assert_allclose(one.distances[order], two.distances, atol=2e-4)
    np.testing.assert_array_equal(one.numbers[one.neighbours][order], two.numbers[two.neighbours])


def test_a_lone_site_in_a_long_cell_still_has_its_neighbours() -> None:
    graph = crystal_graph(Cell(np.diag([3.0, 30.0, 30.0]), np.zeros((1, 3)), np.array([2], np.uint8)))
    np.testing.assert_allclose(graph.distances[0], np.repeat(3.0 * np.arange(1, 7), 2), rtol=1e-6)
    with pytest.raises(Rejected, match="fewer than 12"):
        crystal_graph(Cell(np.diag([60.0, 60.0, 60.0]), np.zeros((1, 3)), np.array([2], np.uint8)))


def test_sites_in_one_place_are_refused() -> None:
    with pytest.raises(Rejected, match="shares its place"):
        crystal_graph(Cell(np.eye(3) * 4, np.zeros((2, 3)), np.array([3, 9], np.uint8)))


def test_gaussians() -> None:
    values = gaussians(np.array([[2.0, 8.0]], np.float32))
    assert values.shape == (1, 2, 41)
    assert CENTRES[1] == pytest.approx(0.2)
    assert values[0, 0].argmax() == 10
    np.testing.assert_allclose(values[0, 0, 9:12], [np.exp(-1), 1, np.exp(-1)], rtol=1e-5)
    assert values[0, 1, 40] == 1


def electrostatic_energy(structure: Structure) -> float:
    """In eV, by pymatgen's sum."""
    return float(EwaldSummation(structure, acc_factor=14).total_energy)  # type: ignore[no-untyped-call]


def test_the_trace_is_the_energy_of_each_site_with_its_own_images() -> None:
    cell = random_cell(1, 3)
    spectrum = ewald_spectrum(cell, 5)
    assert spectrum.shape == (5,)
    assert not spectrum[3:].any()
    lone = [Structure(Lattice(cell.lattice), [z], [[0, 0, 0]]) for z in cell.numbers.tolist()]
    for structure, z in zip(lone, cell.numbers, strict=True):
        structure.add_oxidation_state_by_site([float(z)])
    energies = [electrostatic_energy(structure) for structure in lone]
    assert spectrum.sum() * 3 == pytest.approx(sum(energies) / COULOMB, rel=1e-4)


def test_the_spectrum_is_that_of_pymatgens_energies_of_pairs() -> None:
    """x_ij is what the energy of i and j together is above that of each alone: another library, another screening."""
    cell = random_cell(2, 4)

    def energy(*sites: int) -> float:
        only = Structure(Lattice(cell.lattice), ["H"] * len(sites), cell.frac[list(sites)])
        only.add_oxidation_state_by_site([float(cell.numbers[i]) for i in sites])
        return electrostatic_energy(only) / COULOMB

    matrix = np.diag(np.array([energy(i) for i in range(4)]))
    for i, j in itertools.combinations(range(4), 2):
        matrix[i, j] = matrix[j, i] = energy(i, j) - matrix[i, i] - matrix[j, j]
    values = np.linalg.eigvalsh(matrix) / 4
    np.testing.assert_allclose(
        ewald_spectrum(cell, 4), values[np.argsort(-np.abs(values))], rtol=0, atol=1e-4 * np.abs(values).max()
    )


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_the_spectrum_knows_neither_order_nor_origin_nor_setting(seed: int) -> None:
    cell = random_cell(seed, 4)
    random = np.random.default_rng(seed)
    order = random.permutation(4)
    turn = Rotation.random(rng=random).as_matrix()
    other = Cell(cell.lattice @ turn.T, (cell.frac + random.random(3))[order] % 1, cell.numbers[order])
    one, two = ewald_spectrum(cell, 6), ewald_spectrum(other, 6)
    np.testing.assert_allclose(one, two, rtol=0, atol=1e-4 * np.abs(one).max())
    assert (np.diff(np.abs(one)) <= 1e-9).all()


def test_a_crystal_larger_than_the_spectrum_is_refused() -> None:
    with pytest.raises(Rejected, match="at most 7"):
        ewald_spectrum(rocksalt(), 7)


def test_sites_alike_are_one_orbit() -> None:
    eight = Cell(np.eye(3) * 11.28, np.array(list(np.ndindex(4, 4, 4))) / 4, np.zeros(64, np.uint8))
    parity = (4 * eight.frac).sum(1).astype(int) % 2
    salt = eight._replace(numbers=np.where(parity, 17, 11).astype(np.uint8))
    np.testing.assert_array_equal(orbits(salt, 0.01), parity * orbits(salt, 0.01)[parity == 1][0])
    random = np.random.default_rng(0)
    moved = salt._replace(frac=salt.frac + random.normal(0, 0.005, salt.frac.shape))
    np.testing.assert_array_equal(orbits(moved, 0.01), np.arange(64))  # 0.06 Å
    twice = Cell(np.eye(3), np.zeros((2, 3)), np.array([1, 1], np.uint8))
    np.testing.assert_array_equal(orbits(twice, 0.01), [0, 1])  # spglib knows no symmetry of it
