"""The pages of docs/: what they say of the descriptors is so, and their pictures can be drawn."""

import importlib.util
import re
import shlex
import subprocess
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from ase import Atoms
from matplotlib.image import imread

from hpcvox import config
from hpcvox.cli import main
from hpcvox.featurize.descriptor import DESCRIPTORS
from hpcvox.featurize.sampler import sampler
from hpcvox.featurize.settings import FeaturizeSettings
from hpcvox.shards.layout import SAMPLE
from tests.support.paths import ROOT

DOCS = ROOT / "docs"
PAGE = (DOCS / "descriptors.md").read_text()
PICTURES = 150_000
"""Bytes that a picture may have."""


def section(descriptor: str) -> str:
    """The part of the page that has the descriptor's command."""
    (found,) = [part for part in PAGE.split("\n## ") if f"configs/featurize_{descriptor}.yaml" in part]
    return found


@pytest.mark.parametrize("descriptor", DESCRIPTORS.ours)
def test_every_descriptor_has_its_command_arrays_and_picture(descriptor: str) -> None:
    text = section(descriptor)
    command = re.search("```sh\n(.*?)\n```", text)
    assert command is not None
    _, _, path, *overrides = command[1].split()
    settings = config.load(FeaturizeSettings, ROOT / path, overrides)
    rows = re.findall(r"^\| `(.*)` \| (.*) \| (.*) \| (.*) \|$", PAGE.split("\n## ")[0] + text, re.MULTILINE)
    made = []
    for array in sampler(settings).arrays:
        rows_of = [] if array.rows == SAMPLE else [array.rows]
        made.append((array.name, ", ".join(map(str, [*rows_of, *array.shape])), array.dtype, array.unit))
    assert sorted(rows) == sorted(made)
    assert "$$" in text
    assert f"(descriptors/{descriptor}.png)" in text


def test_links_lead_somewhere() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")]
    links = {(page, link) for page in pages for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text())}
    assert [f"{page.name}: {link}" for page, link in links if not (page.parent / link).exists()] == []
    assert (DOCS / "descriptors.md", "descriptors/soap.png") in links


def script(path: Path) -> ModuleType:
    """A script that draws pictures, as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def draw() -> ModuleType:
    """The script that draws the pictures of the descriptors."""
    return script(DOCS / "descriptors" / "draw.py")


def test_a_crystal_of_the_first_picture_is_drawn_with_its_images_and_its_cell() -> None:
    drawing = script(DOCS / "perovskites.py")
    places = [(0, 0, 0), (0.5, 0.5, 0.5), (0.5, 0.5, 0), (0.5, 0, 0.5), (0, 0.5, 0.5)]
    made = Atoms("SrTiO3", scaled_positions=places, cell=[3.9] * 3, pbc=True)
    assert drawing.is_tidy(made)
    made.positions += 1.0
    assert not drawing.is_tidy(made), "no atom is near the corner"
    made.positions -= 1.0
    _, radii, _ = drawing.spheres(made)
    assert (radii > 0.2).sum() == 8 + 1 + 6
    picture = drawing.render(made, 8.0)
    ink = (picture < 1).any(axis=2)
    assert 0.15 < ink.mean() < 0.6
    assert not ink[0].any()
    assert not ink[-1].any()
    assert (DOCS / "perovskites.png").stat().st_size < 2 * PICTURES


@pytest.mark.slow
@pytest.mark.parametrize("descriptor", DESCRIPTORS.ours)
def test_the_script_draws_the_picture(tmp_path: Path, draw: ModuleType, descriptor: str) -> None:
    kept = DOCS / "descriptors" / f"{descriptor}.png"
    drawn, shown = imread(draw.save(descriptor, tmp_path)), imread(kept)
    assert kept.stat().st_size < PICTURES
    assert drawn.std() > 0.05
    # another version of matplotlib sets its letters otherwise
    assert drawn.shape == shown.shape
    assert np.abs(drawn - shown).mean() < 0.05, f"{kept} is of another state: python docs/descriptors/draw.py"


def test_the_container_is_built_of_files_and_commands_that_are_there() -> None:
    """What can be told without a registry: its sections, the shell in them, and what they call."""
    sections = re.split(r"^%(\w+)\n", (ROOT / "configs/hpcvox.def").read_text(), flags=re.MULTILINE)
    head, named = sections[0], dict(zip(sections[1::2], sections[2::2], strict=True))
    assert re.search(r"^Bootstrap: docker\nFrom: debian:12", head, re.MULTILINE)
    assert list(named) == ["files", "post", "environment", "test", "runscript"]
    for name in ("post", "environment", "test", "runscript"):
        subprocess.run(["sh", "-n"], input=named[name], text=True, check=True)
    setup = (ROOT / "setup.sh").read_text()
    for package in re.findall(r"^run_packages=\((.*)\)$", setup, re.MULTILINE)[0].split():
        assert package in named["post"].split(), "as set-up would install, which may not here"
    (check,) = re.findall(r"hpcvox (check .*)", named["test"])
    assert main(shlex.split(check)) == 0
    (imports,) = re.findall(r"python -c '(.*)'", named["test"])
    assert all(importlib.util.find_spec(name.split(".")[0]) for name in imports[len("import ") :].split(", "))


def test_the_page_for_those_who_run_the_machines_knows_every_job_and_setting() -> None:
    page = (DOCS / "clusters.md").read_text("utf-8")
    for script in (ROOT / "slurm").glob("*.sh"):
        if "#SBATCH" in script.read_text():
            assert script.stem in page or script.stem.startswith("train_"), script
    for setting in (
        "HPCVOX_SRUN_MPI",
        "HPCVOX_SBATCH_TRAININGS",
        "HPCVOX_SBATCH_OTHERS",
        "HPCVOX_RAY_TIMEOUT",
    ):
        assert setting in page
        assert setting in (ROOT / "configs/site.sh").read_text()


def test_the_page_of_extensions_says_how_many_lines_each_takes() -> None:
    package = ROOT / "tests" / "support" / "outside" / "hpcvox_tiny"
    page = (DOCS / "extending.md").read_text("utf-8")
    told = dict(
        re.findall(r"^\| \[an? (\w+)[\w ]*\]\(.*?\) \| `hpcvox\.\w+` \| (\d+) \|", page, re.MULTILINE)
    )
    modules = {
        "network": ["card", "settings", "task"],
        "descriptor": ["fractions"],
        "source": ["lines"],
        "calculator": ["springs"],
        "section": ["page"],
    }
    assert told.keys() == modules.keys()
    for what, names in modules.items():
        lines = sum(len((package / f"{name}.py").read_text("utf-8").splitlines()) for name in names)
        assert lines <= int(told[what]) <= lines + 15, f"{what}: {lines}, and its record"
