"""SOAP features: the paper's integrals done directly, dscribe's kernel, the alchemy of species, and invariances."""

from collections.abc import Callable
from typing import TypedDict, Unpack

import numpy as np
import pytest
from ase import Atoms
from dscribe.descriptors import SOAP
from numpy.typing import NDArray
from pymatgen.core import Element
from scipy.spatial.transform import Rotation

from hpcvox.descriptors.clusters import Cell
from hpcvox.descriptors.soap import soap_features
from hpcvox.errors import Rejected


class Basis(TypedDict):
    """What every expansion has."""

    r_cut: float
    n_max: int
    l_max: int


class Choice(TypedDict, total=False):
    """What has a default."""

    centres: tuple[int, ...]
    species: tuple[int, ...]
    delta: float


SMALL: Basis = {"r_cut": 4.0, "n_max": 4, "l_max": 3}
LATTICE = np.array([[3.9, 0.0, 0.0], [0.6, 4.1, 0.0], [-0.4, 0.3, 4.3]])


def crystal(numbers: tuple[int, ...] = (38, 22, 8, 8, 8), seed: int = 0) -> Cell:
    frac = np.array([[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    frac = frac + np.random.default_rng(seed).uniform(-0.04, 0.04, (5, 3))
    return Cell(LATTICE, frac % 1, np.array(numbers, np.uint8))


def plain(
    cell: Cell,
    numbers: NDArray[np.uint8] | list[int],
    species: list[int],
    centres: list[int],
    **options: Unpack[Basis],
) -> tuple[NDArray[np.float64], SOAP]:
    """dscribe's averaged vector, and by pair of species the kernel of two of them, pairs counted in full."""
    atoms = Atoms(numbers=numbers, scaled_positions=cell.frac, cell=cell.lattice, pbc=True)
    made = SOAP(species=species, sigma=0.5, average="outer", periodic=True, **options)
    return made.create(atoms, centers=centres), made


def kernel(a: NDArray[np.float64], b: NDArray[np.float64], made: SOAP, n_max: int, l_max: int) -> float:
    """Σ over all ordered pairs of (species, n) of products of two dscribe vectors."""
    total = 0.0
    first, second = np.triu_indices(n_max)
    twice = np.tile(np.where(first == second, 1.0, 2.0), l_max + 1)
    for i, x in enumerate(made.species):
        for y in made.species[i:]:
            part = made.get_location((x, y))
            total += (a[part] * b[part] * (twice if x == y else 2.0)).sum()
    return total


def environment(seed: int, numbers: tuple[int, ...]) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """An oxygen atom at the origin with atoms around it: places in Å, and atomic numbers."""
    random = np.random.default_rng(seed)
    places = random.normal(size=(len(numbers), 3))
    places *= random.uniform(1.2, 2.4, (len(numbers), 1)) / np.linalg.norm(places, axis=1, keepdims=True)
    return np.vstack([np.zeros(3), places]), np.array([8, *numbers], np.uint8)


def direct(
    a: tuple[NDArray[np.float64], NDArray[np.uint8]],
    b: tuple[NDArray[np.float64], NDArray[np.uint8]],
    delta: float,
    sigma: float = 0.5,
) -> float:
    """k(A, B) of the paper but for a factor: Gaussians overlap in closed form, rotations are summed by quadrature."""
    cosine, weight = np.polynomial.legendre.leggauss(10)
    round_about = np.arange(20) * np.pi / 10
    angles = np.stack(np.meshgrid(round_about, np.arccos(cosine), round_about, indexing="ij"), -1)
    turns = Rotation.from_euler("ZYZ", angles.reshape(-1, 3)).as_matrix()
    weights = np.broadcast_to(weight[:, None], (20, 10, 20)).reshape(-1) / 800
    mu, nu = (np.array([Element.from_Z(int(z)).X for z in numbers]) for _, numbers in (a, b))
    kappa = np.exp(-((mu[:, None] - nu) ** 2) / (2 * delta**2))
    apart = a[0][:, None] - np.einsum("rxy,by->rbx", turns, b[0])[:, None]
    overlap = kappa * np.exp(-(apart**2).sum(-1) / (4 * sigma**2))
    return float(weights @ overlap.sum((1, 2)) ** 2)


@pytest.mark.parametrize("delta", [0.3, 1.0, 5.0])
def test_equals_the_integrals_of_the_paper(delta: float) -> None:
    """Two molecules in wide boxes; what is left is the end of the expansion."""
    pair = environment(1, (22, 38, 16)), environment(2, (22, 20, 9))
    expected = direct(*pair, delta) / np.sqrt(np.prod([direct(one, one, delta) for one in pair]))
    cells = [Cell(30 * np.eye(3), places / 30 + 0.5, numbers) for places, numbers in pair]
    got = [
        soap_features(c, (8,), (8, 9, 16, 20, 22, 38), delta, r_cut=6.0, n_max=12, l_max=12) for c in cells
    ]
    assert got[0] @ got[1] == pytest.approx(expected, rel=3e-6)
    assert 0.7 < expected < 0.96


def test_without_alchemy_the_kernel_is_dscribes() -> None:
    a, b = crystal(), crystal((20, 22, 8, 8, 8), seed=1)
    species = [8, 20, 22, 38]
    p, made = plain(a, a.numbers, species, [2, 3, 4], **SMALL)
    q, _ = plain(b, b.numbers, species, [2, 3, 4], **SMALL)
    expected = kernel(p, q, made, 4, 3) / np.sqrt(kernel(p, p, made, 4, 3) * kernel(q, q, made, 4, 3))
    got = [soap_features(c, species=(8, 20, 22, 38), delta=0, **SMALL) for c in (a, b)]
    assert got[0] @ got[1] == pytest.approx(expected, rel=1e-9)
    assert got[0].shape == (16 * 17 // 2 * 4,)


@pytest.mark.parametrize("species", [(8, 22, 38), ()])
def test_with_wide_alchemy_all_elements_are_one(species: tuple[int, ...]) -> None:
    a = crystal()
    p, _ = plain(a, [1] * 5, [1], [2, 3, 4], **SMALL)
    first, second = np.triu_indices(4)
    weights = np.where(first == second, 1.0, np.sqrt(2.0))
    expected = p.reshape(4, -1) * weights  # (L, pairs)
    expected /= np.linalg.norm(expected)
    got = soap_features(a, species=species, delta=1e6, channels=1, **SMALL)
    # the first channel is the sum of all elements; the others are empty
    size = 12 if species else 4
    rows, columns = np.triu_indices(size)
    kept = got.reshape(-1, 4)[(rows < 4) & (columns < 4)]
    np.testing.assert_allclose(kept.T, expected, atol=1e-6)


def test_delta_is_the_width_of_the_species_kernel() -> None:
    """Two crystals that differ by an element are the more alike the wider Δ, and Zr is nearer to Ti than S is."""
    titanium, zirconium, sulfur = crystal(), crystal((38, 40, 8, 8, 8)), crystal((38, 16, 8, 8, 8))

    def likeness(other: Cell, delta: float) -> float:
        options: Choice = {"species": (8, 16, 22, 38, 40), "delta": delta}
        one, two = (soap_features(cell, **options, **SMALL) for cell in (titanium, other))
        return float(one @ two)

    rising = [likeness(sulfur, delta) for delta in (0, 0.5, 1.0, 3.0)]
    assert rising == sorted(rising)
    assert likeness(zirconium, 1.0) > likeness(sulfur, 1.0)
    assert likeness(sulfur, 0.01) == pytest.approx(likeness(sulfur, 0), abs=1e-9)


def test_a_few_channels_stand_for_all_elements() -> None:
    a, b = crystal(), crystal((12, 40, 8, 8, 8), seed=2)
    exact = [soap_features(c, species=(8, 12, 22, 38, 40), **SMALL) for c in (a, b)]
    wanted = exact[0] @ exact[1]
    found = [soap_features(c, channels=7, **SMALL) for c in (a, b)]
    assert found[0] @ found[1] == pytest.approx(wanted, abs=1e-4)
    five = [soap_features(c, **SMALL) for c in (a, b)]
    assert five[0] @ five[1] == pytest.approx(wanted, abs=5e-3)
    assert five[0].shape == (20 * 21 // 2 * 4,)
    assert soap_features(crystal((26, 8, 8, 8, 8)), **SMALL).shape == five[0].shape


def turned(cell: Cell) -> Cell:
    return cell._replace(lattice=cell.lattice @ Rotation.from_euler("xyz", [0.3, 1.1, -0.7]).as_matrix())


def moved(cell: Cell) -> Cell:
    return cell._replace(frac=(cell.frac + np.array([0.31, 0.77, 0.123])) % 1)


def permuted(cell: Cell) -> Cell:
    order = [4, 2, 0, 3, 1]
    return cell._replace(frac=cell.frac[order], numbers=cell.numbers[order])


def doubled(cell: Cell) -> Cell:
    shifted = np.concatenate([cell.frac, cell.frac + np.eye(3)[1]]) / [1, 2, 1]
    return Cell(cell.lattice * [[1], [2], [1]], shifted, np.tile(cell.numbers, 2))


def recut(cell: Cell) -> Cell:
    change = np.array([[1, 1, 0], [0, 1, -1], [0, 0, 1]])
    return cell._replace(lattice=change @ cell.lattice, frac=cell.frac @ np.linalg.inv(change) % 1)


@pytest.mark.parametrize("change", [turned, moved, permuted, doubled, recut])
@pytest.mark.parametrize("centres", [(8,), (22, 38), ()])
def test_another_description_of_the_crystal_changes_nothing(
    change: Callable[[Cell], Cell], centres: tuple[int, ...]
) -> None:
    a = soap_features(crystal(), centres, **SMALL)
    b = soap_features(change(crystal()), centres, **SMALL)
    np.testing.assert_allclose(a, b, atol=1e-9)
    assert np.linalg.norm(a) == pytest.approx(1)


def test_kajitas_settings_are_the_defaults() -> None:
    a = crystal()
    np.testing.assert_array_equal(
        soap_features(a), soap_features(a, (8,), delta=1.0, r_cut=5.0, sigma=0.5, n_max=8, l_max=6)
    )


@pytest.mark.parametrize(
    ("numbers", "options", "code"),
    [
        ((38, 22, 9, 9, 9), {}, "no-centre"),
        ((), {"centres": ()}, "no-centre"),
        ((38, 22, 8, 8, 8), {"species": (8, 22)}, "unknown-species"),
        ((2, 22, 8, 8, 8), {}, "no-electronegativity"),
        ((100, 22, 8, 8, 8), {}, "no-electronegativity"),
        ((38, 22, 8, 8, 8), {"species": (2, 8, 22, 38)}, "no-electronegativity"),
    ],
)
def test_refusals(numbers: tuple[int, ...], options: Choice, code: str) -> None:
    cell = crystal()._replace(numbers=np.array(numbers, np.uint8))
    if not numbers:
        cell = cell._replace(frac=np.empty((0, 3)))
    with pytest.raises(Rejected) as error:
        soap_features(cell, **SMALL, **options)
    assert error.value.code == code


def test_a_cell_too_large_to_search_is_refused() -> None:
    with pytest.raises(Rejected, match=r"1\.25e\+08 Å³"):
        soap_features(Cell(500 * np.eye(3), np.zeros((1, 3)), np.array([8], np.uint8)), **SMALL)
    long = Cell(
        np.array([[3.0, 0, 0], [-700, 700, 0], [-700, 0, 700]]), np.zeros((1, 3)), np.array([8], np.uint8)
    )
    with pytest.raises(Rejected, match="box"):
        soap_features(long, **SMALL)


@pytest.mark.parametrize("delta", [0.0, -1.0])
def test_a_delta_that_is_none(delta: float) -> None:
    with pytest.raises(ValueError, match="delta"):
        soap_features(crystal(), delta=delta)
