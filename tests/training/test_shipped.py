"""The networks that come with hpcvox: whole, small, told of, and as good as their cards say."""

import csv
import json
import re
import shutil
from pathlib import Path

import pytest
from ase.build import bulk

import hpcvox
from hpcvox import config
from hpcvox.errors import CheckpointError
from hpcvox.generation import job as generation
from hpcvox.generation.judging import job as judging
from hpcvox.generation.settings import GenerateSettings, JudgeSettings
from hpcvox.networks.cgcnn.card import CGCNNCard
from hpcvox.networks.vae import latent_flow, prior
from hpcvox.networks.vae.card import VAECard
from hpcvox.training.folder import runs, shipped
from hpcvox.training.folder.card import read_card
from tests.support.paths import ROOT

NAMES = shipped.names()


def test_they_are_small() -> None:
    assert NAMES
    assert sum(path.stat().st_size for path in shipped.FOLDER.rglob("*") if path.is_file()) <= 25_000_000


@pytest.mark.parametrize("name", NAMES)
def test_each_loads_by_its_name_and_says_what_it_is(name: str) -> None:
    _, card = runs.load_model(Path(name))
    about = card.about
    assert about is not None
    for key in ("data", "licence", "split", "command", "figures"):
        assert about[key], key
    assert f"`{name}`" in (ROOT / "docs/models.md").read_text()
    if isinstance(card, VAECard):
        assert prior.read(Path(name), card) is not None
        assert latent_flow.read(Path(name), card) is not None


NEAR: dict[str, dict[str, tuple[float, float]]] = {
    "formation_energy": {"NaCl": (-2.3, -1.8), "MgO": (-3.3, -2.7)},
    "band_gap": {"NaCl": (4.0, 6.0), "MgO": (3.2, 5.2)},
    "bulk_modulus": {"NaCl": (20, 32), "MgO": (135, 185)},
    "shear_modulus": {"NaCl": (10, 20), "MgO": (95, 145)},
    "poisson_ratio": {"NaCl": (0.2, 0.3), "MgO": (0.15, 0.25)},
    "refractive_index": {"NaCl": (1.4, 1.75), "MgO": (1.6, 1.95)},
    "dielectric_constant": {"NaCl": (4.5, 8.5), "MgO": (6.5, 13)},
}
"""Ranges around what is measured of two crystals (gaps: what PBE gives), in the units of the targets."""


@pytest.mark.parametrize("name", NEAR)
def test_properties_are_near_the_measured_ones_of_salt_and_magnesia(name: str) -> None:
    network = hpcvox.load(name)
    crystals = {"NaCl": bulk("NaCl", "rocksalt", a=5.64), "MgO": bulk("MgO", "rocksalt", a=4.212)}
    predicted = dict(zip(crystals, network.predict(list(crystals.values())), strict=True))
    for crystal, (least, most) in NEAR[name].items():
        assert least < predicted[crystal] < most, crystal


@pytest.mark.parametrize("name", NEAR)
def test_the_page_says_the_figures_of_the_card(name: str) -> None:
    about = read_card(Path(name), CGCNNCard).about
    assert about is not None
    held_out = about["figures"]["held_out"]
    (error,) = (value for key, value in held_out.items() if re.fullmatch("mae(_eV_atom|_eV|_GPa)?", key))
    (line,) = (
        line for line in (ROOT / "docs/models.md").read_text().splitlines()
        if line.startswith(f"| `{name}`") and f"| {held_out['crystals']:,} |" in line
    )  # fmt: skip
    said = line.split("|")[4].split()[0].rstrip(";")
    decimals = len(said.partition(".")[2])
    assert said == f"{error:.{decimals}f}"


def test_a_folder_of_the_users_that_is_called_so_goes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert shipped.located(Path("perovskites")) == shipped.FOLDER / "perovskites"
    assert shipped.located(Path("runs/perovskites")) == Path("runs/perovskites")
    (tmp_path / "perovskites").mkdir()
    assert shipped.located(Path("perovskites")) == Path("perovskites")
    with pytest.raises(CheckpointError, match=r"perovskites holds no trained model"):
        read_card(Path("perovskites"), VAECard)
    with pytest.raises(CheckpointError, match=r"come with hpcvox: .*perovskites"):
        read_card(Path("perovskite"), VAECard)


@pytest.mark.slow
def test_the_perovskites_are_plausible_and_of_many_compositions(tmp_path: Path) -> None:
    made = {"vae": "perovskites", "per_condition": 20, "threads": 1, "out": tmp_path / "made"}
    generation.run(config.validate(GenerateSettings, made, "test"))
    given = {"generated": tmp_path / "made", "out": tmp_path / "judged"}
    judging.run(config.validate(JudgeSettings, given, "test"))
    plausible = json.loads((tmp_path / "judged/summary.json").read_text())["plausible"]
    assert plausible["plausible"] >= 0.85 * plausible["drawn"] == 0.85 * 200
    with (tmp_path / "made/candidates.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert len({row["formula"] for row in rows}) > 150
    assert sum(row["n_sites"] == "5" for row in rows) > 170
    shutil.rmtree(tmp_path / "made")
