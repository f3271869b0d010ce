"""A crystal's scene is right."""

from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase.spacegroup import crystal

from hpcvox.report.drawing import crystals


def test_scene_of_rocksalt(rocksalt: Path) -> None:
    scene = crystals.scene(rocksalt.read_bytes(), "mgo")
    assert np.allclose(scene.lattice, 4.2 * np.eye(3))
    # 8 corners and 6 faces of Mg; 12 edges and the centre of O.
    assert sorted(scene.numbers) == [8] * 13 + [12] * 14
    lengths = [np.linalg.norm(np.subtract(scene.positions[i], scene.positions[j])) for i, j in scene.bonds]
    assert np.allclose(lengths, 2.1, atol=2e-3)
    assert len(lengths) == 54  # the 3 × 3 × 3 lattice of alternating atoms has 3 · 3 · 3 · 2 edges
    look = crystals.looks([scene])
    assert (look[8].symbol, look[8].colour) == ("O", "#ff0d0d")


def test_scene_of_an_oblique_cell(tmp_path: Path) -> None:
    atoms = crystal(["Ti", "O"], [(0, 0, 0), (0.3, 0.3, 0)], spacegroup=1, cellpar=[4, 5, 6, 80, 95, 110])
    ase.io.write(tmp_path / "x.cif", atoms, format="cif")
    lattice, frac, numbers = crystals.read_cif((tmp_path / "x.cif").read_bytes())
    assert np.allclose(lattice @ lattice.T, atoms.cell.array @ atoms.cell.array.T, atol=1e-3)
    assert np.allclose(frac, atoms.get_scaled_positions(), atol=1e-4)
    assert list(numbers) == [22, 8]


@pytest.mark.parametrize("text", ["", "not a cif", "data_x\n_cell_length_a 4\n"])
def test_bad_cif_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        crystals.scene(text.encode(), "x")
