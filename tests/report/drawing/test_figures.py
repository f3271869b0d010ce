"""Pictures of densities and crystals are drawn to PNG and SVG."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hpcvox.errors import SourceError, SummaryError
from hpcvox.networks.vae.examples import Examples
from hpcvox.report.drawing import figures


def test_a_crystal_that_cannot_be_drawn_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.cif").write_text("not a cif")
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
    wave = np.broadcast_to((1 + np.sin(2 * np.pi * axis / n))[:, None, None], (2, n, n, n)).astype(np.float32)
    Examples(wave, (wave / 2).astype(np.float32), ["first", "second"]).save(tmp_path)
    figures.density_montage(tmp_path, tmp_path / "slices.png")
    assert Image.open(tmp_path / "slices.png").width > 300
    with pytest.raises(SummaryError, match=r"none has no examples\.npz"):
        figures.density_montage(tmp_path / "none", tmp_path / "none.png")
