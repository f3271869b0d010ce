"""The diffraction fingerprint against a direct sum, and the clusters that it is taken of."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pymatgen.analysis.diffraction.xrd import ATOMIC_SCATTERING_PARAMS
from pymatgen.core import Element
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from hpcvox.descriptors import clusters, diffraction
from hpcvox.descriptors.clusters import Cell, Cluster
from hpcvox.errors import Rejected

BCC = np.array([[0, 0, 0], [0.5, 0.5, 0.5]])
FCC = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])


def random_cluster(
    seed: int, count: int = 40, species: tuple[int, ...] = (8, 26, 79)
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    random = np.random.default_rng(seed)
    return random.normal(size=(count, 3)) * 2.5, random.choice(np.array(species, np.uint8), count)


def cubic(frac: NDArray[np.float64] | list[list[int]], a: float, number: int) -> Cell:
    return Cell(np.eye(3) * a, np.asarray(frac, float), np.full(len(frac), number, np.uint8))


def prepared(cell: Cell, seed: int = 0) -> Cluster:
    cluster = clusters.supercell(cell)
    turn = Rotation.random(rng=np.random.default_rng(seed))
    return clusters.scaled(cluster._replace(positions=turn.apply(cluster.positions)))


def form_factor(number: int, s: NDArray[np.float64]) -> NDArray[np.float64]:
    """From electron scattering by Mott's formula: another table than the descriptor's."""
    element = Element.from_Z(number)
    terms = sum(a * np.exp(-b * s**2) for a, b in ATOMIC_SCATTERING_PARAMS[element.symbol])
    scattered: NDArray[np.float64] = number - 41.78214 * s**2 * terms
    return scattered


def direct(positions: NDArray[np.float64], numbers: NDArray[np.uint8], n: int) -> NDArray[np.float64]:
    """The sum of the paper in float64, atom by atom, with another library's form factors."""
    k = 2 * math.pi / 0.05
    edge = (np.arange(n) - (n - 1) / 2) * 4e-3
    y, x = np.meshgrid(edge, edge, indexing="ij")
    direction = np.stack([x, y, np.ones_like(x)], -1)
    length = np.linalg.norm(direction, axis=-1)
    q = k * (direction / length[..., None] - [0, 0, 1])
    s = np.linalg.norm(q, axis=-1) / (4 * math.pi)
    out = []
    for axis in "xyz":
        for angle in (45, -45):
            turn = Rotation.from_euler(axis, angle, degrees=True)
            wave = np.zeros((n, n), complex)
            for position, number in zip(turn.apply(positions), numbers, strict=True):
                wave += form_factor(int(number) + 2, s) * np.exp(-1j * q @ position)
            out.append(np.abs(wave) ** 2 / length**3)
    return np.array(out)


def test_patterns_are_the_direct_sum() -> None:
    positions, numbers = random_cluster(0)
    mine = diffraction.patterns(positions, numbers, 32)
    exact = direct(positions, numbers, 32)
    # the two tables' form factors differ by about 2 %
    np.testing.assert_allclose(mine, exact, rtol=0, atol=0.05 * exact.max())
    np.testing.assert_allclose(mine.sum((1, 2)), exact.sum((1, 2)), rtol=0.05)


def test_the_sum_is_exact_to_single_precision() -> None:
    # point atoms of one element: form factors cancel
    positions, numbers = random_cluster(1, 256, (26,))
    mine = diffraction.patterns(positions, numbers, 64) / diffraction.patterns(positions[:1], numbers[:1], 64)
    exact = direct(positions, numbers, 64) / direct(positions[:1], numbers[:1], 64)
    np.testing.assert_allclose(mine, exact, rtol=0, atol=3e-6 * exact.max())


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.tuples(*3 * [st.floats(-50, 50)]))
def test_moved_or_reordered_atoms_give_the_same(seed: int, shift: tuple[float, float, float]) -> None:
    positions, numbers = random_cluster(seed % 7)
    order = np.random.default_rng(seed).permutation(len(numbers))
    one = diffraction.fingerprint(positions, numbers)
    other = diffraction.fingerprint((positions + np.array(shift))[order], numbers[order])
    np.testing.assert_allclose(one, other, rtol=0, atol=2e-5)


def test_the_fingerprint_is_an_image_of_one_scale_without_its_centre() -> None:
    image = diffraction.fingerprint(*prepared(cubic(FCC, 4.05, 13)))
    assert image.shape == (64, 64, 3)
    assert image.dtype == np.float32
    assert image.min() == 0
    assert image.max() == 1
    y, x = np.meshgrid(*2 * [np.arange(64) - 31.5], indexing="ij")
    assert not image[np.hypot(x, y) <= 5].any()
    assert image[(np.hypot(x, y) > 5) & (np.hypot(x, y) < 6)].any()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_bragg_spots_are_where_the_lattice_says(axis: int) -> None:
    # a cube of 6³ atoms one apart; turned by ±45° about the beam (blue), the spots (h k 0) are at 2π(h,k) turned
    grid = np.stack(np.meshgrid(*3 * [np.arange(6.0)], indexing="ij"), -1).reshape(-1, 3)
    turned = np.roll(grid, axis, axis=1)
    pattern = diffraction.patterns(turned, np.full(216, 14, np.uint8), 64)[4:].sum(0)
    angle = 2 * math.asin(0.05 / 2)  # Bragg's law, of the planes (100)
    radius = math.tan(angle) * diffraction.DISTANCE / diffraction.PIXEL
    y, x = np.meshgrid(*2 * [np.arange(64) - 31.5], indexing="ij")
    pattern[np.hypot(x, y) < 6] = 0
    top = np.unravel_index(pattern.argmax(), pattern.shape)
    found = abs(x[top]), abs(y[top])
    assert found == pytest.approx((radius / math.sqrt(2), radius / math.sqrt(2)), abs=0.75)


def test_an_isotropic_change_of_the_volume_is_nothing() -> None:
    small, large = (diffraction.fingerprint(*prepared(cubic(BCC, a, 26))) for a in (2.5, 3.2))
    np.testing.assert_allclose(small, large, rtol=0, atol=2e-5)


def test_an_element_without_a_form_factor_is_refused() -> None:
    with pytest.raises(Rejected, match="1 to 96"):
        diffraction.fingerprint(np.eye(3), np.array([8, 8, 97], np.uint8))
    with pytest.raises(Rejected, match="needs an atom"):
        diffraction.fingerprint(np.zeros((0, 3)), np.zeros(0, np.uint8))


@pytest.mark.parametrize(
    ("frac", "a", "size"), [(BCC, 2.87, 250), (FCC, 4.05, 256), (np.zeros((1, 3)), 3.3, 252)]
)
def test_supercells_are_near_256_atoms_and_compact(frac: NDArray[np.float64], a: float, size: int) -> None:
    cluster = clusters.supercell(cubic(frac, a, 26))
    assert len(cluster.numbers) == size
    extent = np.ptp(cluster.positions, axis=0)
    assert extent.max() - extent.min() <= a + 1e-9


def test_a_supercell_of_a_large_cell_is_the_cell() -> None:
    random = np.random.default_rng(0)
    cell = Cell(np.eye(3) * 20, random.random((300, 3)), np.full(300, 6, np.uint8))
    assert len(clusters.supercell(cell).numbers) == 300
    few = clusters.supercell(cubic(random.random((30, 3)), 9, 6), atoms=31)
    assert len(few.numbers) == 60


def test_the_conventional_cell_keeps_a_distortion() -> None:
    primitive = np.array([[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]) * 4.05
    strained = primitive @ (np.eye(3) + 1e-4 * np.array([[1, 0.5, 0], [0.5, 0, 0], [0, 0, -1]]))
    cell = clusters.conventional_cell(Cell(strained, np.zeros((1, 3)), np.array([13], np.uint8)), 1e-2)
    assert len(cell.numbers) == 4
    assert np.linalg.det(cell.lattice) == pytest.approx(4 * np.linalg.det(strained), rel=1e-9)
    lengths = np.linalg.norm(cell.lattice, axis=1)
    assert np.ptp(lengths) > 1e-4


@settings(max_examples=30, deadline=None)
@given(st.tuples(*6 * [st.floats(-0.8, 0.8)]))
def test_the_triclinic_setting(values: tuple[float, ...]) -> None:
    lattice = np.eye(3) * [4.0, 5.0, 6.0]
    lattice[np.tril_indices(3, -1)] = np.array(values[:3]) * 3
    frac = np.array([[0.1, 0.2, 0.3], [0.55, 0.61, 0.87]])
    given = Cell(lattice, frac, np.array([3, 9], np.uint8))
    cell = clusters.conventional_cell(given)
    b = np.linalg.inv(cell.lattice).T
    cosines = np.array([b[1] @ b[2], b[2] @ b[0], b[0] @ b[1]])
    assert (cosines >= -1e-6).all() or (cosines < 1e-6).all()
    # the same crystal
    one, other = (
        diff_mod(c.frac[c.numbers == 3][0] - c.frac[c.numbers == 9][0], c.lattice) for c in (given, cell)
    )
    assert one == pytest.approx(other, abs=1e-6)


HEXAGONAL = np.array([[3.2, 0, 0], [-1.6, 1.6 * 3**0.5, 0], [0, 0, 5.2]])


@pytest.mark.parametrize(
    ("cell", "alike"),
    [
        (cubic([[0, 0, 0]], 3.3, 84), 0.999999),
        (Cell(2.05 * (1 - np.eye(3)), np.zeros((1, 3)), np.array([13], np.uint8)), 0.999999),
        (Cell(np.diag([3.3, 3.3, 4.9]), BCC.astype(float), np.full(2, 49, np.uint8)), 0.999999),
        # a and b may be 60° further on, where the cluster has other atoms on its surface
        (
            Cell(HEXAGONAL, np.array([[1 / 3, 2 / 3, 0.25], [2 / 3, 1 / 3, 0.75]]), np.full(2, 12, np.uint8)),
            0.95,
        ),
    ],
    ids=["sc", "fcc", "bct", "hcp"],
)
def test_how_a_crystal_was_turned_does_not_matter(cell: Cell, alike: float) -> None:
    def image(lattice: NDArray[np.float64]) -> NDArray[np.float32]:
        ready = clusters.scaled(
            clusters.supercell(clusters.conventional_cell(cell._replace(lattice=lattice)))
        )
        return diffraction.fingerprint(ready.positions, ready.numbers)

    expected = image(cell.lattice)
    for seed in range(5):
        turn = Rotation.random(rng=np.random.default_rng(seed)).as_matrix()
        oriented = clusters.conventional_cell(cell._replace(lattice=cell.lattice @ turn)).lattice
        assert not oriented[np.triu_indices(3, 1)].any()
        assert (np.diag(oriented)[:2] > 0).all()
        assert np.linalg.det(oriented) > 0
        assert np.corrcoef(image(cell.lattice @ turn).ravel(), expected.ravel())[0, 1] > alike


def diff_mod(frac: NDArray[np.float64], lattice: NDArray[np.float64]) -> float:
    """The shortest of a difference's images, in Å."""
    images = np.stack(np.meshgrid(*3 * [np.arange(-3, 4)], indexing="ij"), -1).reshape(-1, 3)
    return float(np.linalg.norm((frac - np.round(frac) + images) @ lattice, axis=1).min())


def test_sites_on_top_of_each_other_have_no_symmetry() -> None:
    cell = Cell(np.eye(3) * 3, np.zeros((2, 3)), np.array([3, 3], np.uint8))
    with pytest.raises(Rejected, match="no space group"):
        clusters.conventional_cell(cell)


def test_defects_are_as_many_as_asked_for_and_the_seeds_alone() -> None:
    cluster = clusters.supercell(cubic(BCC, 2.87, 26))
    centres = np.all(np.isclose(cluster.positions / 2.87 % 1, 0.5), axis=1)
    assert centres.sum() == 125
    for share in (0, 0.01, 0.5, 0.99):
        left = clusters.without(cluster, share, np.random.default_rng(1))
        assert len(left.numbers) == 250 - int(250 * share)
    sc = clusters.without(cluster, 1.0, np.random.default_rng(1), centres)
    np.testing.assert_allclose(sc.positions / 2.87, (sc.positions / 2.87).round(), atol=1e-9)
    moved = clusters.displaced(cluster, 0.1, np.random.default_rng(2))
    assert (moved.positions - cluster.positions).std() == pytest.approx(0.1, rel=0.1)
    other = clusters.substituted(cluster, 0.4, np.array([29, 47], np.uint8), np.random.default_rng(3))
    assert (other.numbers != 26).sum() == 100
    again = clusters.substituted(cluster, 0.4, np.array([29, 47], np.uint8), np.random.default_rng(3))
    np.testing.assert_array_equal(other.numbers, again.numbers)


@pytest.mark.parametrize("share", [-0.1, 1.0, math.nan])
def test_a_share_beyond_its_range_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        clusters.without(Cluster(np.eye(3), np.full(3, 6, np.uint8)), share, np.random.default_rng(0))


def test_scaled_clusters_have_neighbours_at_one() -> None:
    cluster = clusters.scaled(clusters.supercell(cubic(FCC, 4.05, 13)))
    apart = np.asarray(cKDTree(cluster.positions).query(cluster.positions, k=2)[0])
    assert apart[:, 1].mean() == pytest.approx(1)
    with pytest.raises(Rejected, match="two atoms"):
        clusters.scaled(Cluster(np.zeros((1, 3)), np.array([6], np.uint8)))
