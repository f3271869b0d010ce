"""The smoothing of a density against sums in real space, the grid, the primitive cell, and the names of files."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from hypothesis import given
from hypothesis import strategies as st

from hpcvox.calculators.density import grid_shape, smoothed
from hpcvox.calculators.valence import MOMENTS, VALENCE, valence
from hpcvox.crystals.cells import primitive
from hpcvox.crystals.fields import read_field
from hpcvox.crystals.fields.files import field_name
from hpcvox.crystals.fields.writing import chgcar_text
from hpcvox.crystals.record import Crystal
from hpcvox.dft.files import field_file
from hpcvox.errors import Rejected

LATTICE = np.array([[3.1, 0.0, 0.0], [0.4, 3.4, 0.0], [-0.5, 0.3, 2.9]])
FRAC = np.array([[0.1, 0.2, 0.3], [0.6, 0.75, 0.9]])
VOLUME = float(np.linalg.det(LATTICE))


def gaussians(shape: tuple[int, int, int], charges: list[float], widths: list[float]) -> np.ndarray:
    """Σ over atoms and images of q exp(-r²/2w²) / (2πw²)^3/2, summed in real space, e/Å^3."""
    points = np.stack(np.meshgrid(*(np.arange(n) / n for n in shape), indexing="ij"), -1)
    out = np.zeros(shape)
    for site, charge, width in zip(FRAC, charges, widths, strict=True):
        for image in itertools.product((-1, 0, 1), repeat=3):
            squared = (((points - site + np.array(image)) @ LATTICE) ** 2).sum(-1)
            out += charge * np.exp(-squared / (2 * width**2)) / (2 * np.pi * width**2) ** 1.5
    return out


@pytest.mark.parametrize("shape", [(32, 32, 32), (31, 33, 40), (64, 72, 60)])
def test_smoothing_is_that_of_gaussians(shape: tuple[int, int, int]) -> None:
    """A Gaussian of width w becomes one of √(w² + σ²), and a missing point charge one of σ; finer grids, too."""
    fine = gaussians((40, 44, 38), [5.0, 3.0], [0.3, 0.35])
    got = smoothed(fine, LATTICE, FRAC, np.array([1.25, -0.25]), 9, 0.2, shape)
    wide = [np.hypot(0.3, 0.2), np.hypot(0.35, 0.2)]
    expected = gaussians(shape, [5.0, 3.0], wide) + gaussians(shape, [1.25, -0.25], [0.2, 0.2])
    assert got.mean() * VOLUME == pytest.approx(9, abs=1e-12)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-5)


def test_lost_electrons_and_negative_densities_are_refused() -> None:
    fine = gaussians((40, 44, 38), [5.0, 3.0], [0.3, 0.35])
    with pytest.raises(ValueError, match=r"8\.0000 electrons, not 9"):
        smoothed(fine, LATTICE, FRAC, np.zeros(2), 9, 0.2, (32, 32, 32))
    with pytest.raises(ValueError, match="negative"):
        smoothed(fine, LATTICE, FRAC, np.array([-4.0, 4.0]), 8, 0.2, (32, 32, 32))


@given(
    edges=st.tuples(*(st.floats(2, 40) for _ in range(3))),
    voxels=st.sampled_from([8, 32, 64]),
    sigma=st.floats(0.1, 1),
)
def test_no_grid_is_coarser_than_the_smoothing(
    edges: tuple[float, float, float], voxels: int, sigma: float
) -> None:
    for edge, count in zip(edges, grid_shape(np.diag(edges), voxels, sigma), strict=True):
        assert count >= voxels
        assert count % 2 == 0
        assert edge / count <= 0.7 * sigma * (1 + 1e-12)
        assert count == voxels or edge / (count - 2) > 0.7 * sigma


def test_a_field_is_read_back_as_it_was(tmp_path: Path) -> None:
    density = np.random.default_rng(0).exponential(size=(4, 6, 5)) * 10.0 ** np.arange(-6, -1)
    numbers = np.array([8, 22, 8], np.uint8)
    crystal = Crystal("a", "b", LATTICE, np.array([*FRAC, [0.5, 0.5, 0.5]]), numbers, {})
    path = tmp_path / "x.CHGCAR"
    path.write_text(chgcar_text(crystal, density, "two\nlines"))
    field = read_field(path)
    assert field.lattice.tolist() == LATTICE.tolist()
    assert field.numbers.tolist() == [8, 22, 8]
    np.testing.assert_allclose(field.frac, crystal.frac, atol=1e-15)
    np.testing.assert_allclose(field.values[0], density, rtol=1e-11)
    assert field.integral[0] == pytest.approx(density.mean() * VOLUME, rel=1e-12)


@pytest.mark.parametrize(
    ("formula", "structure", "a"),
    [("MgO", "rocksalt", 4.2), ("CsCl", "cesiumchloride", 4.1), ("CaF2", "fluorite", 5.5)],
)
def test_the_primitive_cell_has_the_same_crystal(formula: str, structure: str, a: float) -> None:
    atoms = bulk(formula, structure, a=a, cubic=structure != "cesiumchloride").repeat((2, 1, 1))
    given_cell = Crystal(
        "a", "b", atoms.cell[:], atoms.get_scaled_positions(), atoms.numbers.astype(np.uint8), {}
    )
    small = primitive(given_cell)
    assert small.formula == given_cell.formula
    assert small.n_sites == len(bulk(formula, structure, a=a))
    per_atom = abs(np.linalg.det(small.lattice)) / small.n_sites
    assert per_atom == pytest.approx(atoms.get_volume() / len(atoms))
    assert nearest(small) == pytest.approx(nearest(given_cell))


def nearest(crystal: Crystal) -> list[float]:
    """Distances of the eight nearest neighbours of the first atom of each element, sorted."""
    images = np.array(list(itertools.product(range(-2, 3), repeat=3)))
    found = []
    for z in sorted(set(crystal.numbers.tolist())):
        centre = crystal.frac[crystal.numbers.tolist().index(z)]
        steps = (crystal.frac[:, None] - centre + images).reshape(-1, 3) @ crystal.lattice
        found += sorted(np.linalg.norm(steps, axis=1))[1:9]
    return found


def test_valence_counts_are_fixed() -> None:
    assert valence(np.array([28, 8, 8], np.uint8)) == {"Ni": (1, 16), "O": (2, 6)}
    assert (VALENCE["Cr"], VALENCE["Mn"], VALENCE["Fe"], VALENCE["Mg"]) == (6, 15, 8, 10)
    assert len(VALENCE) == 83
    assert set(MOMENTS) <= set(VALENCE)
    with pytest.raises(Rejected, match="no PAW data set of Pu"):
        valence(np.array([94, 8], np.uint8))


@given(
    st.lists(
        st.text(st.characters(codec="utf-8"), min_size=1, max_size=300), min_size=2, max_size=2, unique=True
    )
)
def test_every_id_has_a_file_of_its_own_that_is_read_as_a_density(names: list[str]) -> None:
    files = [field_file(name, "PBE") for name in names]
    assert files[0] != files[1]
    for file in files:
        assert field_name(file)
        assert "/" not in file
        assert len(file.encode()) < 250


@pytest.mark.parametrize("name", [".hidden", "a/../b", "LOCPOT_7", "locpotlocpot", "x.cube", "x" * 400])
def test_awkward_ids_are_read_as_densities(tmp_path: Path, name: str) -> None:
    crystal = Crystal(name, "b", LATTICE, FRAC, np.array([8, 22], np.uint8), {})
    path = tmp_path / field_file(name, "LDA")
    path.write_text(chgcar_text(crystal, np.ones((2, 2, 2)), "x"))
    assert field_name(path.name)
    assert read_field(path).kind == "density"
    assert read_field(path).values.mean() == pytest.approx(1)
