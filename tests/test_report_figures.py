"""Pictures of densities and crystals are drawn to PNG and SVG, and a crystal's scene is right."""

from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase.spacegroup import crystal
from PIL import Image

from hpcvox.errors import SourceError
from hpcvox.report import crystals, figures


@pytest.fixture
def rocksalt(tmp_path: Path) -> Path:
    atoms = crystal(
        ["Mg", "O"], [(0, 0, 0), (0.5, 0.5, 0.5)], spacegroup=225, cellpar=[4.2, 4.2, 4.2, 90, 90, 90]
    )
    ase.io.write(tmp_path / "mgo.cif", atoms, format="cif")
    return tmp_path / "mgo.cif"


def test_scene_of_rocksalt(rocksalt: Path) -> None:
    scene = crystals.scene(rocksalt, "mgo")
    assert np.allclose(scene["lattice"], 4.2 * np.eye(3))
    # 8 corners and 6 faces of Mg; 12 edges and the centre of O.
    assert sorted(scene["numbers"]) == [8] * 13 + [12] * 14
    lengths = [
        np.linalg.norm(np.subtract(scene["positions"][i], scene["positions"][j])) for i, j in scene["bonds"]
    ]
    assert np.allclose(lengths, 2.1, atol=2e-3)
    assert len(lengths) == 54  # the 3 × 3 × 3 lattice of alternating atoms has 3 · 3 · 3 · 2 edges
    look = crystals.elements([scene])
    assert (look[8]["symbol"], look[8]["colour"]) == ("O", "#ff0d0d")


def test_scene_of_an_oblique_cell(tmp_path: Path) -> None:
    atoms = crystal(["Ti", "O"], [(0, 0, 0), (0.3, 0.3, 0)], spacegroup=1, cellpar=[4, 5, 6, 80, 95, 110])
    ase.io.write(tmp_path / "x.cif", atoms, format="cif")
    lattice, frac, numbers = crystals.read_cif(tmp_path / "x.cif")
    assert np.allclose(lattice @ lattice.T, atoms.cell.array @ atoms.cell.array.T, atol=1e-3)
    assert np.allclose(frac, atoms.get_scaled_positions(), atol=1e-4)
    assert list(numbers) == [22, 8]


@pytest.mark.parametrize("text", ["", "not a cif", "data_x\n_cell_length_a 4\n"])
def test_bad_cif_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.cif").write_text(text)
    with pytest.raises(ValueError, match=r"."):
        crystals.scene(tmp_path / "x.cif", "x")
    with pytest.raises(SourceError, match=r"x\.cif"):
        figures.crystal_picture([tmp_path / "x.cif"], tmp_path / "x.png")


def test_crystal_picture(rocksalt: Path, tmp_path: Path) -> None:
    figures.crystal_picture([rocksalt, rocksalt], tmp_path / "two.png")
    pixels = np.asarray(Image.open(tmp_path / "two.png").convert("RGB")).astype(int)
    red = (pixels[..., 0] > 150) & (pixels[..., 1] < 90) & (pixels[..., 2] < 90)
    assert red.sum() > 1000
    figures.crystal_picture([rocksalt], tmp_path / "one.svg")
    assert "<svg" in (tmp_path / "one.svg").read_text()


def test_density_montage(tmp_path: Path) -> None:
    n = 16
    axis = np.arange(n)
    wave = np.broadcast_to((1 + np.sin(2 * np.pi * axis / n))[:, None, None], (2, n, n, n)).astype(np.float16)
    np.savez(
        tmp_path / "examples.npz",
        density_true=wave,
        density_reconstructed=wave / 2,
        ids=np.array([b"first", b"second"], dtype="S"),
    )
    figures.density_montage(tmp_path, tmp_path / "slices.png")
    assert Image.open(tmp_path / "slices.png").width > 300
    with pytest.raises(SourceError, match="no folder"):
        figures.density_montage(tmp_path / "none", tmp_path / "none.png")
