"""Pictures of densities and crystals are drawn to PNG and SVG, and a crystal's scene is right."""

import io
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase.spacegroup import crystal
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from hpcvox.errors import SourceError
from hpcvox.report import charts, crystals, drawing, figures, scatters
from hpcvox.report.job import run
from hpcvox.report.parts import Gallery, Row
from tests.support.report_run import make_run

FOLDERS = ("database", "unet", "generated", "evaluation", "judged", "screened", "relaxed")


@pytest.fixture
def rocksalt(tmp_path: Path) -> Path:
    """A CIF of MgO."""
    atoms = crystal(
        ["Mg", "O"], [(0, 0, 0), (0.5, 0.5, 0.5)], spacegroup=225, cellpar=[4.2, 4.2, 4.2, 90, 90, 90]
    )
    ase.io.write(tmp_path / "mgo.cif", atoms, format="cif")
    return tmp_path / "mgo.cif"


def test_scene_of_rocksalt(rocksalt: Path) -> None:
    scene = crystals.scene(rocksalt.read_bytes(), "mgo")
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
    lattice, frac, numbers = crystals.read_cif((tmp_path / "x.cif").read_bytes())
    assert np.allclose(lattice @ lattice.T, atoms.cell.array @ atoms.cell.array.T, atol=1e-3)
    assert np.allclose(frac, atoms.get_scaled_positions(), atol=1e-4)
    assert list(numbers) == [22, 8]


@pytest.mark.parametrize("text", ["", "not a cif", "data_x\n_cell_length_a 4\n"])
def test_bad_cif_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.cif").write_text(text)
    with pytest.raises(ValueError, match=r"."):
        crystals.scene((tmp_path / "x.cif").read_bytes(), "x")
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


def bars(figure: Figure) -> list[Rectangle]:
    """All that is drawn in the first axes beside lines and points."""
    patches = figure.axes[0].patches
    found = [patch for patch in patches if isinstance(patch, Rectangle)]
    assert len(found) == len(patches)
    return found


def test_pictures_have_the_data_of_the_charts() -> None:
    rng = np.random.default_rng(0)
    points = rng.random((20, 2))
    steps = np.arange(5, dtype=np.float64)
    falling = 10.0**-steps
    made = [
        charts.bars("b", "t", {"a $x$ <b>": 3, "c": 5}, "n"),
        charts.histogram("h", "t", {"one": rng.random(50), "two": rng.random(30)}, "x"),
        charts.stacked("s", "t", ["0", "1"], {"p": [1, 2], "q": [3, 0]}, "x", "n"),
        charts.curves("c", "t", {"u": (steps, falling)}, "s", log=True, wide=True),
        scatters.parity("p", "t", {"u": (points[:, 0], points[:, 1])}, "x"),
        scatters.densities("d", "t", points[:, 0], [points[:, 1]], points[:, 1], "x"),
        scatters.classes("k", "t", points, {"u": np.arange(12), "v": np.arange(12, 20)}, ["t"] * 20),
        scatters.coloured("v", "t", points, points[:, 0], "x", ["t"] * 20),
    ]
    drawn = {chart.name: drawing.picture(chart) for chart in made}
    assert [bar.get_width() for bar in bars(drawn["b"])] == [3, 5]
    assert sum(bar.get_height() for bar in bars(drawn["h"])) == 80
    ends = [(bar.get_y(), bar.get_height()) for bar in bars(drawn["s"])]
    assert ends == [(0, 1), (0, 2), (1, 3), (2, 0)]
    assert drawn["c"].axes[0].get_yscale() == "log"
    assert np.asarray(drawn["c"].axes[0].lines[0].get_ydata()).tolist() == falling.tolist()
    marks = np.asarray(drawn["p"].axes[0].collections[0].get_offsets())
    assert sorted(map(tuple, marks)) == sorted(map(tuple, points))
    assert len(drawn["d"].axes[0].lines) == 2
    assert [len(np.asarray(group.get_offsets())) for group in drawn["k"].axes[0].collections] == [12, 8]
    assert len(drawn["v"].axes) == 2, "with a bar of its colours"
    rows = [Row("one", 0.0, 2.0, [np.full((4, 3), 1.0), np.full((4, 3), 3.0)])]
    (image,) = drawing.gallery(Gallery("g", "t", ["a", "b"], rows)).axes[0].images
    shown = image.get_array()
    assert isinstance(shown, np.ma.MaskedArray)
    sheet = np.asarray(shown.filled(np.nan))
    assert sheet.shape == (4, 3 + 2 + 3)
    assert (sheet[:, :3] == 0.5).all()
    assert np.isnan(sheet[:, 3:5]).all()
    assert (sheet[:, 5:] == 1).all(), "not beyond the last colour"


@pytest.mark.slow
def test_a_report_has_its_figures_beside_it_the_same_each_time(tmp_path: Path) -> None:
    settings = make_run(tmp_path).model_copy(update={"figures": True, "crystals": 1})
    outcome = run(settings)
    folder = settings.out / "figures"
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    for name in ("database-energy", "vae-loss", "latent-kinds", "interpolations", "funnel", "crystals"):
        assert Image.open(io.BytesIO(first[f"{name}.png"])).width > 300
        assert b"<svg" in first[f"{name}.svg"]
    assert f"{len(first) // 2} figures" in outcome.summary
    (folder / "gone.png").write_bytes(b"")
    left = {"shards": settings.shards, "vae": settings.vae}
    run(settings.model_copy(update=dict.fromkeys(FOLDERS) | left))
    again = {path.name: path.read_bytes() for path in folder.iterdir()}
    parts = ("shards", "vae", "densities", "latent", "interpolations")
    assert again == {name: picture for name, picture in first.items() if name.startswith(parts)}
    run(settings.model_copy(update={"figures": False, "out": tmp_path / "other"}))
    assert not (tmp_path / "other" / "figures").exists()
