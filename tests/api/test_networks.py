"""Trained networks in Python say what the verbs say."""

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.db import connect

import hpcvox
from hpcvox import config
from hpcvox.actors.campaign import Part
from hpcvox.crystals.formats.cif.writing import cif_text
from hpcvox.crystals.sources.source import open_source
from hpcvox.errors import CheckpointError, ConfigError
from hpcvox.experiments.evaluate_fingerprint.settings import EvaluateFingerprintSettings
from hpcvox.experiments.evaluate_fingerprint.worker import DefectsWorker
from hpcvox.generation.job import run as generate
from hpcvox.generation.settings import GenerateSettings
from hpcvox.networks.fingerprint.settings import TrainFingerprintSettings
from hpcvox.screening.settings import ScreenSettings
from hpcvox.screening.worker import ScreenWorker
from hpcvox.training.job import run as train
from tests.support.fingerprint_shards import make_fingerprints

pytestmark = pytest.mark.slow  # PyTorch decodes, and a network is trained

PEROVSKITE = Atoms(
    "SrTiO3",
    scaled_positions=[[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]],
    cell=[3.905] * 3,
    pbc=True,
)


def test_generated_crystals_are_those_of_the_verb(tmp_path: Path) -> None:
    network = hpcvox.load("perovskites")
    found = network.generate(2, condition=1.0, threads=1, seed=3)
    name = found[0].info["id"]
    decile = int(name[1 : name.index("-")])
    settings = GenerateSettings(
        vae=Path("perovskites"),
        out=tmp_path,
        per_condition=16,
        conditions=[decile],
        seed=3,
        threads=1,
        slices=0,
    )
    assert generate(settings).exit_status == 0
    for atoms in found:
        given = (tmp_path / "cifs" / f"{atoms.info['id']}.cif").read_text()
        from hpcvox.api.structures import to_record

        assert cif_text(to_record(atoms)) == given


def test_a_crystal_comes_back() -> None:
    network = hpcvox.load("perovskites")
    (back,) = network.reconstruct(PEROVSKITE, condition=1.0)
    assert back is not None
    assert back.get_chemical_formula() == "O3SrTi"
    assert back.cell.lengths() == pytest.approx([3.905] * 3, abs=0.2)
    with pytest.raises(ConfigError, match="give condition=VALUE"):
        network.reconstruct([PEROVSKITE])


def test_predictions_are_those_of_screen(tmp_path: Path) -> None:
    from ase.io import write

    crystals = [PEROVSKITE, bulk("MgO", "rocksalt", a=4.21)]
    path = tmp_path / "crystals.db"
    for atoms in crystals:
        write(path, atoms, append=path.exists())
    models = [Path("perovskite_formation_energy")]
    rows = ScreenWorker(ScreenSettings(source=path, models=models), None)(Part(0, list(open_source(path))))
    network = hpcvox.load("perovskite_formation_energy")
    found = network.predict(crystals)
    (column,) = [key for key in rows[0] if f"{key}_std" in rows[0]]
    assert found.tolist() == pytest.approx(
        [row[column] if row[column] is not None else np.nan for row in rows], rel=1e-5, nan_ok=True
    )
    assert column in repr(network)


def test_classes_are_those_of_evaluate_fingerprint(tmp_path: Path) -> None:
    shards = make_fingerprints(tmp_path / "shards")
    classes = {"sc": [221], "fcc": [225], "bcc": [229], "diam": [227]}
    small = [
        "model={filters: [[4, 4], [4, 4]], kernel: 3, dense: 8}",
        "threads=1",
        "epochs=2",
        "batch_size=8",
    ]
    given = [f"shards={shards}", f"out={tmp_path / 'run'}", f"classes={classes}", *small]
    assert train(config.load(TrainFingerprintSettings, None, given)).exit_status == 0
    network = hpcvox.load(tmp_path / "run")
    crystals = [bulk("Cu", "fcc", a=3.6), bulk("Fe", "bcc", a=2.9), bulk("Si", "diamond", a=5.4)]
    path = tmp_path / "crystals.db"
    for atoms, group in zip(crystals, (225, 229, 227), strict=True):
        connect(path).write(atoms, space_group=group)
    asked = EvaluateFingerprintSettings(
        run=tmp_path / "run", source=path, displacements=(), vacancies=(), substitutions=(), symmetry=False
    )
    said = [row["said"][0] for row in DefectsWorker(asked)(Part(0, list(open_source(path))))]
    assert network.classify(crystals) == said


def test_what_a_network_cannot_do_is_refused_with_what_it_can() -> None:
    network = hpcvox.load("perovskite_formation_energy")
    with pytest.raises(ConfigError, match=r"holds a cgcnn: predict\(crystals\) gives .*train-vae` generate"):
        network.generate(3)
    with pytest.raises(CheckpointError, match="holds no trained model"):
        hpcvox.load("perovskits")
