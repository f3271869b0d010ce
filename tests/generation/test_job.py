"""``generate`` and ``evaluate`` with networks of random weights: every sample accounted for, nothing twice."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import gemmi
import numpy as np
import pytest

from hpcvox import config
from hpcvox.crystals.record import reduced_formula
from hpcvox.errors import CheckpointError, ConfigError
from hpcvox.experiments.evaluate import job as evaluation
from hpcvox.experiments.evaluate.settings import EvaluateSettings
from hpcvox.generation import job as generation
from hpcvox.generation import making
from hpcvox.networks.vae.card import VAECard
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.training.folder.card import read_card
from tests.support.cards import changed
from tests.support.generated_runs import BINS, VOXELS, generate


def contents(out: Path) -> dict[str, bytes]:
    """What a run made, without its settings and parts."""
    made = [out / "candidates.csv", out / "summary.json", *sorted((out / "cifs").iterdir())]
    return {str(path.relative_to(out)): path.read_bytes() for path in made}


@pytest.fixture
def cells_of_four(monkeypatch: pytest.MonkeyPatch) -> None:
    """A decoder that was never trained makes no cell: give its candidates one, so that atoms are placed."""
    monkeypatch.setattr(making, "fit_cell", lambda coordinates, grid, oblique: 4.0 * np.eye(3))


def test_every_sample_is_in_the_table_with_its_reason(trained: Path, tmp_path: Path) -> None:
    rows = generate(trained, tmp_path / "out")
    assert [row["id"] for row in rows] == [f"d{d}-{i:06d}" for d in range(BINS) for i in range(6)]
    assert all((row["valid"] == "True") != bool(row["code"]) for row in rows)
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert summary["samples"] == 24
    assert summary["valid"] + sum(summary["failures"].values()) == 24
    assert summary["valid_rate"] == summary["valid"] / 24


@pytest.mark.usefixtures("cells_of_four")
def test_a_sample_does_not_depend_on_those_drawn_with_it(trained: Path, tmp_path: Path) -> None:
    together = {row["id"]: row for row in generate(trained, tmp_path / "all", per_condition=3)}
    alone = generate(trained, tmp_path / "alone", per_condition=3, conditions=[2])
    assert any(row["cif"] for row in alone)
    for row in alone:
        assert row == together[row["id"]]
        if row["cif"]:
            assert (tmp_path / "all" / row["cif"]).read_bytes() == (
                tmp_path / "alone" / row["cif"]
            ).read_bytes()


@pytest.mark.usefixtures("cells_of_four")
def test_cifs_are_the_crystals_of_the_table(trained: Path, tmp_path: Path) -> None:
    rows = [row for row in generate(trained, tmp_path) if row["cif"]]
    assert rows
    for row in rows:
        block = gemmi.cif.read(str(tmp_path / row["cif"])).sole_block()
        numbers = [site.element.atomic_number for site in gemmi.make_small_structure_from_block(block).sites]
        assert len(numbers) == int(row["n_sites"])
        assert reduced_formula(bytes(numbers)) == row["formula"]


@pytest.mark.usefixtures("cells_of_four")
def test_a_run_goes_on_where_it_was_interrupted(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generation, "PART", 4)
    generate(trained, tmp_path / "whole")
    made: list[str] = []
    make = generation._make

    def interrupted(part: Any, *rest: Any) -> Any:
        if len(made) == 3:
            raise KeyboardInterrupt
        made.append(part[0].id)
        return make(part, *rest)

    monkeypatch.setattr(generation, "_make", interrupted)
    with pytest.raises(KeyboardInterrupt):
        generate(trained, tmp_path / "cut")
    first = list(made)
    made.clear()
    made.extend([""] * 4)  # past the interruption
    generate(trained, tmp_path / "cut")
    assert not set(first) & set(made)
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")


@pytest.mark.usefixtures("cells_of_four")
def test_a_longer_run_keeps_the_samples_of_a_shorter_one(trained: Path, tmp_path: Path) -> None:
    short = generate(trained, tmp_path, per_condition=2)
    long = {row["id"]: row for row in generate(trained, tmp_path, per_condition=4)}
    assert len(long) == 4 * BINS
    assert all(long[row["id"]] == row for row in short)
    generate(trained, tmp_path, per_condition=2)
    with (tmp_path / "candidates.csv").open(newline="") as handle:
        cifs = {row["cif"] for row in csv.DictReader(handle) if row["cif"]}
    assert {f"cifs/{path.name}" for path in (tmp_path / "cifs").iterdir()} == cifs


def test_other_settings_do_not_mix_into_a_folder(trained: Path, tmp_path: Path) -> None:
    generate(trained, tmp_path, per_condition=1)
    with pytest.raises(ConfigError, match="seed"):
        generate(trained, tmp_path, per_condition=1, seed=1)


def test_a_condition_that_the_network_does_not_know_is_refused(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="valid: 0 to 3"):
        generate(trained, tmp_path, conditions=[4])


def test_a_card_of_an_unknown_grid_is_refused(trained: Path, tmp_path: Path) -> None:
    for name in ("vae", "unet"):
        shutil.copytree(trained / name, tmp_path / name)
        changed(tmp_path / name, grid="skewed")
    with pytest.raises(CheckpointError, match="'skewed' voxels, which are none of periodic, padded"):
        generate(tmp_path, tmp_path / "out")


def test_a_folder_without_a_model_is_refused(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError):
        generate(trained, tmp_path, vae=tmp_path / "nothing")


def test_slices_are_the_decoded_densities(trained: Path, tmp_path: Path) -> None:
    generate(trained, tmp_path, per_condition=3, slices=2)
    with np.load(tmp_path / "densities.npz", allow_pickle=False) as arrays:
        assert arrays["density"].shape == (2 * BINS, VOXELS, VOXELS, VOXELS)
        assert arrays["density"].dtype == np.float16
        assert arrays["ids"].tolist()[:3] == [b"d0-000000", b"d0-000001", b"d1-000000"]


def test_novel_means_not_in_the_training_set(trained: Path) -> None:
    run = read_card(trained / "vae", VAECard).run
    formulas = generation._training_formulas(run)
    assert formulas is not None
    assert 0 < len(formulas) < 48
    assert generation._training_formulas(run.model_copy(update={"shards": str(trained / "gone")})) is None


def evaluate(trained: Path, out: Path, **changes: Any) -> dict[str, Any]:
    tree = {
        "vae": trained / "vae",
        "unet": trained / "unet",
        "shards": trained / "shards",
        "out": out,
        "threads": 1,
    }
    evaluation.run(config.validate(EvaluateSettings, tree | changes, "test"))
    metrics: dict[str, Any] = json.loads((out / "metrics.json").read_text())
    return metrics


def test_evaluation_counts_every_held_out_crystal(trained: Path, tmp_path: Path) -> None:
    metrics = evaluate(trained, tmp_path)
    with (tmp_path / "per_crystal.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert len(rows) == metrics["held_out_crystals"] > 0
    for way in ("segmentation", "reconstruction"):
        figures = metrics[way]
        assert figures["failure_rate"] == sum(bool(row[f"{way}_code"]) for row in rows) / len(rows)
        assert sum(figures["failures"].values()) == sum(bool(row[f"{way}_code"]) for row in rows)
        assert 0 <= figures["recall"] <= 1
        assert figures["match_rate"] <= figures["metre"] <= 1
        assert 0 <= figures["crmse"] <= 0.5
    # true maps have exact coordinates
    assert metrics["segmentation"]["length_mae"] < 1e-5
    cells = ShardSet.open(trained / "shards").cells
    ids = ShardSet.open(trained / "shards").ids
    for row in rows:
        lengths = [float(row[axis]) for axis in "abc"]
        assert lengths == np.diag(cells[ids.index(row["id"])]).tolist()
        np.testing.assert_allclose([float(row[f"segmentation_{axis}"]) for axis in "abc"], lengths, atol=1e-4)
    assert evaluate(trained, tmp_path) == metrics


def test_evaluation_takes_as_many_as_asked_for(trained: Path, tmp_path: Path) -> None:
    assert evaluate(trained, tmp_path, limit=5)["held_out_crystals"] == 5
    assert evaluate(trained, tmp_path, limit=3)["held_out_crystals"] == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    "module", ["hpcvox.generation.settings", "hpcvox.experiments.evaluate.settings", "hpcvox.pipeline.job"]
)
def test_settings_load_without_the_networks(module: str) -> None:
    code = f"import sys, {module}; assert not {{'torch', 'pymatgen', 'numba', 'scipy'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, env=dict(os.environ))
