"""Run folders of every version of their format still open, and their networks say what they said."""

import json
from pathlib import Path

import numpy as np
import pytest

from hpcvox.networks.vae.at_work import TrainedVAE
from hpcvox.training.folder import runs, shipped
from hpcvox.training.folder.card import WEIGHTS
from hpcvox.training.network import ours
from tests.training.versions.make import NUMBERS, said

VERSIONS = Path(__file__).parent / "versions"
FOLDERS = sorted(path.parent for path in VERSIONS.glob("*/*/" + NUMBERS))


def test_every_version_has_a_folder_of_every_network() -> None:
    kept = {
        version: {folder.name for folder in FOLDERS if folder.parent == version}
        for version in VERSIONS.glob("[0-9]*")
    }
    assert len(kept) == 2
    assert all(networks == ours().keys() for networks in kept.values())


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_its_network_says_what_it_said(folder: Path) -> None:
    model, card = runs.load_model(folder)
    assert card.task == folder.name
    assert card.run.epoch == 1
    assert card.run.shards.startswith("shards/")
    np.testing.assert_allclose(said(model), json.loads((folder / NUMBERS).read_text()), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("version", sorted(VERSIONS.glob("[0-9]*")), ids=lambda path: path.name)
def test_its_vae_has_its_prior(version: Path) -> None:
    vae = TrainedVAE(version / "vae")
    found = vae.prior()
    assert found is not None
    assert found.prior.mean.shape == (3, 4)
    assert len(found.checksum) == 32
    assert vae.flow() is None


def test_the_networks_that_come_with_hpcvox_are_of_the_latest() -> None:
    for name in shipped.names():
        left = {path.suffix for path in (shipped.FOLDER / name).iterdir()}
        assert left == {".safetensors"}, f"{name} has its card in {WEIGHTS}"
