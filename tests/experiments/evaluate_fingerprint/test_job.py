"""A fingerprint network and spglib on crystals with defects."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from hpcvox import cli
from hpcvox.experiments.evaluate_fingerprint.worker import DefectsWorker
from hpcvox.networks.fingerprint.card import FingerprintCard
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.training.folder.card import WEIGHTS
from hpcvox.training.folder.runs import load_model
from tests.support.cards import changed

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("ray")]
SMALL = ["model={filters: [[4, 4], [8, 8]], kernel: 5, dense: 32}", "threads=1", "batch_size=16"]
GIVEN = ["displacements=[0.05]", "vacancies=[0.1, 0.5]", "substitutions=[0.5]", "limit=28", "actors=2"]
SPGLIB = ["spglib_tight", "spglib_medium", "spglib_loose"]


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Elemental solids, their fingerprints, and a network trained on them."""
    place = tmp_path_factory.mktemp("ziletti")
    source = place / "elements/crystals.csv"
    assert cli.main(["elements", f"out={place / 'elements'}", "size=140"]) == 0
    shards, run = f"shards={place / 'shards'}", f"out={place / 'run'}"
    made = ["configs/featurize_diffraction.yaml", f"source={source}", f"out={place / 'shards'}", "atoms=64"]
    assert cli.main(["featurize", *made, "actors=2"]) == 0
    assert cli.main(["train-fingerprint", shards, run, "epochs=12", "learning_rate=5e-3", *SMALL]) == 0
    return place


def evaluate(folder: Path, *more: str) -> int:
    given = [f"run={folder / 'run'}", f"source={folder / 'elements/crystals.csv'}", *GIVEN, *more]
    return cli.main(["evaluate-fingerprint", *given])


@pytest.fixture(scope="module")
def out(folder: Path) -> Path:
    """The folder of an evaluation of it on crystals with defects."""
    assert evaluate(folder, f"out={folder / 'defects'}") == 0
    return folder / "defects"


def test_whole_crystals_are_seen_by_both_and_defective_ones_by_the_network_alone(out: Path) -> None:
    rows = {(row["defect"], float(row["amount"])): row for row in table(out / "accuracy.csv")}
    assert list(rows) == [
        ("none", 0),
        ("displacement", 0.05),
        ("vacancies", 0.1),
        ("vacancies", 0.5),
        ("substitutions", 0.5),
    ]
    assert {row["crystals"] for row in rows.values()} == {"28"}
    assert [float(rows["none", 0][name]) for name in SPGLIB] == [1, 1, 1]
    assert float(rows["none", 0]["network"]) > 0.8
    for defect in list(rows)[1:]:
        assert float(rows[defect]["spglib_tight"]) < 0.1
    assert float(rows["vacancies", 0.1]["spglib_loose"]) < 0.1
    assert float(rows["vacancies", 0.1]["network"]) > 0.6
    assert min(Image.open(out / "accuracy.png").size) > 300


def test_the_table_counts_what_each_crystal_was_taken_for(out: Path) -> None:
    lines = table(out / "per_crystal.csv")
    assert len(lines) == 28 * 5
    for row in table(out / "accuracy.csv"):
        of = [line for line in lines if (line["defect"], line["amount"]) == (row["defect"], row["amount"])]
        for name in ("network", *SPGLIB):
            right = np.mean([line[name] == line["class"] for line in of])
            assert float(row[name]) == pytest.approx(right, abs=1e-6)


def test_a_whole_crystal_has_the_fingerprint_of_the_shards(folder: Path, out: Path) -> None:
    shards = ShardSet.open(folder / "shards")
    model, card = load_model(folder / "run", FingerprintCard)
    images = torch.from_numpy(shards.read_array("fingerprint", range(len(shards)))).permute(0, 3, 1, 2)
    with torch.no_grad():
        said = [list(card.classes)[i] for i in model(images).argmax(1).tolist()]
    by_id = dict(zip(shards.ids, said, strict=True))
    whole = [line for line in table(out / "per_crystal.csv") if line["defect"] == "none"]
    assert [line["network"] for line in whole] == [by_id[line["id"]] for line in whole]


def test_an_interrupted_run_goes_on_to_the_same_bytes(
    folder: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = ["accuracy.csv", "accuracy.png", "per_crystal.csv", "rejects.csv"]
    before = {name: (out / name).read_bytes() for name in files}
    parts = sorted((out / "parts").iterdir())
    assert len(parts) == 2
    kept = parts[0].stat().st_mtime_ns
    parts[1].unlink()
    (out / "accuracy.csv").unlink()
    assert evaluate(folder, f"out={out}", "actors=1") == 0
    assert {name: (out / name).read_bytes() for name in files} == before
    assert parts[0].stat().st_mtime_ns == kept
    # and once more from nothing: no actor is needed
    monkeypatch.setattr(DefectsWorker, "__init__", lambda *_: pytest.fail("it was all there"))
    assert evaluate(folder, f"out={out}") == 0


def test_what_has_no_class_is_a_reject(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = table(folder / "elements/crystals.csv")[:3]
    rows[0]["space_group"] = "1"
    rows[1]["cif"] = "nothing"
    with (tmp_path / "some.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    given = [f"source={tmp_path / 'some.csv'}", f"out={tmp_path / 'out'}", "symmetry=false", "actors=1"]
    assert evaluate(folder, *given) == 4
    assert "1 crystal in 5 conditions" in (said := capsys.readouterr().out)
    assert "2 rejects" in said
    rejects = table(tmp_path / "out/rejects.csv")
    assert rejects[0]["code"] == "no-class"
    assert "its space_group is 1.0" in rejects[0]["message"]
    assert list(table(tmp_path / "out/accuracy.csv")[0]) == ["defect", "amount", "crystals", "network"]


def test_symmetry_is_of_space_groups(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / WEIGHTS).write_bytes((folder / "run" / WEIGHTS).read_bytes())
    changed(tmp_path, target="my_group")
    assert evaluate(folder, f"run={tmp_path}", f"out={tmp_path / 'out'}") == 2
    assert "set symmetry=false" in capsys.readouterr().err
