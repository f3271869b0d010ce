"""The figures of a report as files beside it."""

import io
from pathlib import Path

import pytest
from PIL import Image

from hpcvox.report.job import run
from tests.support.report_run import make_run

FOLDERS = ("database", "unet", "generated", "evaluation", "judged", "screened", "relaxed", "hull")


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
