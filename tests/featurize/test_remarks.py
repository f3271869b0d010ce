"""Remarks: what a crystal's file and its atoms disagree in, from the CIF to the shard set and its counts."""

from pathlib import Path

import pytest

from hpcvox.actors.campaign import Part
from hpcvox.crystals.record import Entry
from hpcvox.featurize.job import Tally, finish
from hpcvox.featurize.settings import GraphSettings
from hpcvox.featurize.worker import ShardWorker
from hpcvox.shards import inspect
from hpcvox.shards.manifest import Manifest
from hpcvox.shards.reading.shard_set import ShardSet
from tests.support.small_cifs import NACL, cif

CUBE = (5.64, 5.64, 5.64, 90, 90, 90)
GROUP = {
    "_symmetry_space_group_name_H-M": "F m -3 m",
    "_chemical_formula_sum": "Cl Na",
    "_cell_formula_units_Z": "4",
}
WITHOUT_HYDROGEN = cif(CUBE, NACL, GROUP | {"_chemical_formula_sum": "Cl H Na"})


def made(out: Path, strict: bool) -> ShardSet:
    """The shard set of one crystal that agrees with its file and one that lacks its hydrogen."""
    settings = GraphSettings(out=out, strict=strict)
    texts = (cif(CUBE, NACL, GROUP), WITHOUT_HYDROGEN)
    entries = [Entry(i, f"x{i}", f"x{i}.cif", text.encode(), {}) for i, text in enumerate(texts)]
    line = ShardWorker(settings)(Part(0, entries)).line
    assert line is not None
    finish(settings, "x", Tally([line], len(entries), 0))
    return ShardSet.open(out)


def test_a_remark_stays_with_its_sample_and_is_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shards = made(tmp_path, strict=False)
    assert shards.ids == ["x0", "x1"]
    assert shards.remarks == ["", "hydrogen"]
    assert Manifest.load(tmp_path).remarks_by_code == {"hydrogen": 1}
    inspect.info(tmp_path)
    assert "remark hydrogen" in capsys.readouterr().out


def test_strict_rejects_what_has_a_remark(tmp_path: Path) -> None:
    shards = made(tmp_path, strict=True)
    assert (shards.ids, shards.remarks) == (["x0"], [""])
    manifest = Manifest.load(tmp_path)
    assert (manifest.rejects_by_code, manifest.remarks_by_code) == ({"hydrogen": 1}, {})
