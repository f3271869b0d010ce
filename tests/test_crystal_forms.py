"""From ``generate`` to the report with the crystals as files and in one file a step: the same tables and crystals."""

import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from hpcvox import cli, config
from hpcvox.crystals.sources.cif_set import CifSet
from hpcvox.generation import making
from hpcvox.networks.cgcnn.settings import TrainCGCNNSettings
from hpcvox.report.parts import CrystalsToTurn, Section
from hpcvox.report.sections import best, funnel, generated, relaxed, screened
from hpcvox.training.job import run as train
from tests.support.generated_runs import random_networks
from tests.support.graph_shards import crystals, make_graphs
from tests.support.paths import ROOT
from tests.support.report_run import run_of

pytestmark = pytest.mark.slow

STEPS: Final = {
    "generate": [
        *("vae=vae", "unet=unet", "out=generated", "per_condition=6", "threads=1"),
        "placement.mask_threshold=0.5",
    ],
    "judge": ["generated=generated", "implausible=[]", "symprec=0.1", "out=judged", "actors=1"],
    "screen": ["source=judged/cifs", "models=[cgcnn]", "out=screened", "actors=1"],
    "relax": [
        *("source=screened/cifs", "out=relaxed", "actors=1"),
        "stages=[{calculator: lj, cell: fixed, steps: 2, fmax: 1000}]",
    ],
}
"""The steps, as they are told on the command line; what they read is named the same for either form."""

FOLDERS: Final = {"generate": "generated", "judge": "judged", "screen": "screened", "relax": "relaxed"}

KILLED: Final = """
import os, signal, sys, zipfile
import numpy as np
from hpcvox import cli
from hpcvox.generation import making

making.fit_cell = lambda *_: 4.0 * np.eye(3)
write = zipfile.ZipFile.writestr

def writing(archive, *rest):
    write(archive, *rest)
    if len(archive.filelist) == 2:
        os.kill(os.getpid(), signal.SIGKILL)

zipfile.ZipFile.writestr = writing
cli.main(sys.argv[1:])
"""
"""A step that is killed in the midst of writing its crystals."""


@pytest.fixture(scope="module", autouse=True)
def same_cells() -> Iterator[None]:
    """A decoder that was never trained makes no cell: its candidates are given one."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(making, "fit_cell", lambda *_: 4.0 * np.eye(3))
        patched.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), *sys.path]))
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Networks, and the whole chain from them in each form, in ``folder`` and in ``zip``."""
    place = tmp_path_factory.mktemp("forms")
    random_networks(place)
    shards = make_graphs(place / "graphs", list(crystals()))
    target = next(iter(crystals()[0].targets))
    given = [f"shards={shards}", f"target={target}", f"out={place / 'cgcnn'}", "epochs=1", "threads=1"]
    train(config.load(TrainCGCNNSettings, None, given))
    for form in ("folder", "zip"):
        (place / form).mkdir()
        for name in ("vae", "unet", "cgcnn"):
            (place / form / name).symlink_to(place / name)
        for step in STEPS:
            assert run(place / form, step, form) in (0, 4)
    return place


def run(place: Path, step: str, form: str) -> int:
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(place)
        return cli.main([step, *STEPS[step], f"crystals={form}"])


def files(folder: Path) -> dict[str, bytes]:
    """All that a step left but its settings, the files of its zips as if they were unpacked."""
    found = {}
    for path in folder.rglob("*"):
        if not path.is_file() or path.name in (".lock", "config.yaml"):
            continue
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    found[f"{path.stem}/{name}"] = archive.read(name)
        else:
            found[path.relative_to(folder).as_posix()] = path.read_bytes()
    return found


@pytest.mark.parametrize("step", STEPS)
def test_each_step_makes_the_same_of_one_file_as_of_many(place: Path, step: str) -> None:
    loose, packed = place / "folder" / FOLDERS[step], place / "zip" / FOLDERS[step]
    assert files(packed) == files(loose)
    assert len(CifSet(packed / "cifs").names()) > 1
    assert (loose / "cifs").is_dir()
    assert not (loose / "cifs.zip").exists()
    assert (packed / "cifs.zip").is_file()
    assert not list(packed.rglob("*.cif"))
    assert not list(packed.glob("states/*"))


def sections(place: Path) -> list[Section]:
    folders = {name: place / name for name in ("generated", "judged", "screened", "relaxed")}
    run = run_of(place, **folders, table_rows=1000)
    return [
        section for each in (best, generated, funnel, screened, relaxed) for section in each.sections(run)
    ]


def test_the_report_shows_and_offers_the_same_crystals(place: Path) -> None:
    for loose, packed in zip(sections(place / "folder"), sections(place / "zip"), strict=True):
        assert packed.downloads == loose.downloads
        assert packed.widget == loose.widget
        assert packed.notes == loose.notes
        assert len(packed.tables) == len(loose.tables)
    first, *others = sections(place / "zip")
    assert all(section.downloads is not None for section in others)
    turned = first.widget
    assert isinstance(turned, CrystalsToTurn)
    assert turned.crystals, "some are drawn"
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(place / "zip")
        nothing = [f"{name}=null" for name in ("database", "shards", "finetuned_unet", "evaluation")]
        folders = [f"{name}={name}" for name in ("unet", "vae", "generated", "judged", "screened", "relaxed")]
        assert cli.main(["report", *folders, *nothing, "figures=false", "out=report"]) == 0
    text = (place / "zip/report/report.html").read_text()
    assert 'href="../generated/cifs.zip"' in text
    assert "generated/cifs/" not in text.replace("cifs/d", ""), "no link leads to what is not there"


@pytest.mark.parametrize("step", STEPS)
def test_killed_while_it_writes_its_crystals_a_step_ends_as_if_undisturbed(
    place: Path, tmp_path: Path, step: str
) -> None:
    """What was computed before is kept, and there is no zip, or the whole one of before."""
    here, folder = tmp_path / "chain", FOLDERS[step]
    shutil.copytree(place / "zip", here, symlinks=True)
    for path in (here / folder).iterdir():
        if path.is_file() and path.name not in ("config.yaml", "states.zip"):
            path.unlink()
    given = [*STEPS[step], "crystals=zip"]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, step, *given], cwd=here, check=False, capture_output=True, timeout=600
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert (here / folder / ".cifs.zip.part").exists()
    assert not (here / folder / "cifs.zip").exists()
    assert run(here, step, "zip") in (0, 4)
    assert files(here / folder) == files(place / "zip" / folder)
    assert not (here / folder / ".cifs.zip.part").exists()
    assert (here / folder / "cifs.zip").read_bytes() == (place / "zip" / folder / "cifs.zip").read_bytes()


def test_a_finished_run_takes_the_other_form_without_computing_anew(place: Path, tmp_path: Path) -> None:
    here = tmp_path / "chain"
    shutil.copytree(place / "zip", here, symlinks=True)
    for step, folder in FOLDERS.items():
        assert run(here, step, "folder") in (0, 4)
        assert not list((here / folder).glob("*.zip"))
        assert files(here / folder) == files(place / "folder" / folder)
        if step != "relax":
            assert run(here, step, "zip") in (0, 4)
            assert (here / folder / "cifs.zip").is_file()
            assert not (here / folder / "cifs").exists()
