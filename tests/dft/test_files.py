"""Files of fields: their names, and what is read back; the cell that a field is computed in."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from hypothesis import given
from hypothesis import strategies as st

from hpcvox.crystals.cells import primitive
from hpcvox.crystals.fields import read_field
from hpcvox.crystals.fields.writing import chgcar_text
from hpcvox.crystals.record import Crystal
from hpcvox.crystals.sources.field_files import field_name
from hpcvox.dft.files import field_file

LATTICE = np.array([[3.1, 0.0, 0.0], [0.4, 3.4, 0.0], [-0.5, 0.3, 2.9]])
FRAC = np.array([[0.1, 0.2, 0.3], [0.6, 0.75, 0.9]])
VOLUME = float(np.linalg.det(LATTICE))


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
