"""Oblique cells through small networks, from shards to candidates."""

import json
from pathlib import Path

import numpy as np
import pytest

from hpcvox import config
from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal, Entry
from hpcvox.errors import CheckpointError, ConfigError
from hpcvox.experiments.evaluate import job as evaluation
from hpcvox.experiments.evaluate.compare import structure_rms
from hpcvox.experiments.evaluate.settings import EvaluateSettings
from hpcvox.generation.networks import Networks
from hpcvox.generation.placement.cell import cell_angles, fit_cell
from hpcvox.generation.placement.place import place
from hpcvox.generation.settings import GenerateSettings
from hpcvox.networks.maps import MapsCard
from hpcvox.networks.unet.card import UNetCard
from hpcvox.networks.unet.settings import TrainUNetSettings
from hpcvox.networks.vae.settings import TrainVAESettings
from hpcvox.networks.voxels import load
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.training.data import Slice
from hpcvox.training.folder.card import read_card
from hpcvox.training.job import run as train
from tests.support.generated_runs import generate
from tests.support.voxel_shards import SMALL_UNET, SMALL_VAE, make_shards


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shard set of right-angled and oblique cells."""
    return make_shards(tmp_path_factory.mktemp("data") / "shards", oblique=True)


def test_a_turned_sample_is_the_same_crystal(shards: Path) -> None:
    opened = ShardSet.open(shards)
    index = 11
    numbers, frac = opened.sites(index)
    true = Crystal("", "", opened.cells[index], frac, numbers, {})
    angles = set()
    for epoch in range(30):
        batch = load(opened, Slice(np.array([index]), np.ones(1, np.float32)), epoch, 5)
        lattice = fit_cell(batch.x[0, 1:].numpy(), "periodic", oblique=True)
        species = batch.species[0].numpy()
        placed = place(batch.x[0, 0].numpy(), species, (species > 0).astype(np.float32), lattice)
        angles.add(tuple(np.round(cell_angles(lattice))))
        rms = structure_rms(true, Crystal("", "", placed.lattice, placed.frac, placed.numbers, {}))
        assert rms is not None
        assert rms < 0.01
    assert len(angles) > 10


FAST = ["batch_size=6", "threads=1", "learning_rate=3e-3", "warmup_steps=2"]


@pytest.fixture(scope="module")
def trained(shards: Path) -> Path:
    """A folder with a UNet and a VAE of few epochs on right-angled and oblique cells."""
    folder = shards.parent
    unet = [f"shards={shards}", f"out={folder / 'unet'}", SMALL_UNET, "epochs=2", *FAST]
    train(config.load(TrainUNetSettings, None, unet))
    vae = [f"shards={shards}", f"out={folder / 'vae'}", f"unet={folder / 'unet'}", SMALL_VAE, "epochs=12"]
    vae += ["condition=energy", "bins=3", *FAST]
    train(config.load(TrainVAESettings, None, vae))
    return folder


def test_from_oblique_shards_to_oblique_candidates(trained: Path, tmp_path: Path) -> None:
    assert all(read_card(trained / name, MapsCard).oblique for name in ("unet", "vae"))
    rows = generate(trained, tmp_path / "out", per_condition=8)
    assert len(rows) == 24
    placed = [row for row in rows if row["cif"]]
    assert placed
    for row in placed:
        text = (tmp_path / "out" / row["cif"]).read_bytes()
        (read,) = parse(Entry(0, row["id"], row["cif"], text, {}))
        if isinstance(read, Crystal):
            angles = [float(row[name]) for name in ("alpha", "beta", "gamma")]
            np.testing.assert_allclose(cell_angles(read.lattice), angles, atol=1e-4)
    assert any(abs(float(row["gamma"]) - 90) > 0.1 for row in placed)


def test_evaluation_measures_angles(trained: Path, tmp_path: Path) -> None:
    names = ("vae", "unet", "shards")
    tree = {name: trained / name for name in names} | {"out": tmp_path, "threads": 1}
    evaluation.run(config.validate(EvaluateSettings, tree, "test"))
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["segmentation"]["length_mae"] < 1e-5
    assert metrics["segmentation"]["angle_mae"] < 1e-3
    assert metrics["reconstruction"]["angle_mae"] > 1e-3


def test_an_oblique_crystal_may_be_the_base(trained: Path, tmp_path: Path) -> None:
    own = ShardSet.open(trained / "shards").ids[11]
    assert len(generate(trained, tmp_path, base=own, per_condition=3)) == 3


def test_networks_of_right_angles_do_not_take_oblique_cells(trained: Path, tmp_path: Path) -> None:
    right = make_shards(tmp_path / "right")
    unet = [f"shards={right}", f"out={tmp_path / 'unet'}", SMALL_UNET, "epochs=1", *FAST]
    train(config.load(TrainUNetSettings, None, unet))
    assert read_card(tmp_path / "unet", UNetCard).oblique is False
    vae = [
        f"shards={trained / 'shards'}",
        f"out={tmp_path / 'vae'}",
        f"unet={tmp_path / 'unet'}",
        "condition=energy",
    ]
    with pytest.raises(ConfigError, match=r"has oblique cells, and .* right-angled ones alone"):
        train(config.load(TrainVAESettings, None, [*vae, SMALL_VAE, "epochs=1", *FAST]))
    with pytest.raises(CheckpointError, match="makes oblique cells"):
        generate(trained, tmp_path / "mixed", unet=tmp_path / "unet")
    vae = [
        f"shards={right}",
        f"out={tmp_path / 'vae'}",
        f"unet={trained / 'unet'}",
        "condition=energy",
        "bins=3",
    ]
    train(config.load(TrainVAESettings, None, [*vae, SMALL_VAE, "epochs=1", *FAST]))
    tree = {"vae": tmp_path / "vae", "unet": tmp_path / "unet", "threads": 1, "out": tmp_path / "out"}
    assert not Networks(config.validate(GenerateSettings, tree, "test")).kind.oblique
    with pytest.raises(ConfigError, match=r"has oblique cells, and .* right-angled ones alone"):
        evaluation.run(config.validate(EvaluateSettings, tree | {"shards": trained / "shards"}, "test"))
