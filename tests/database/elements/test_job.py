"""The built-in elemental solids."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest
import spglib

from hpcvox import cli
from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal
from hpcvox.crystals.sources.source import open_source
from hpcvox.database.prototypes.elemental import ELEMENTS, KINDS, SOLIDS, draw

csv.field_size_limit(10**7)


@pytest.mark.parametrize("symprec", [1e-3, 1e-2])
def test_every_solid_has_its_space_group_and_no_higher_one(symprec: float) -> None:
    for solid, crystal in draw(7 * 5 * 17, seed=1):
        found = spglib.get_spacegroup(
            (crystal.lattice.tolist(), crystal.frac.tolist(), crystal.numbers.tolist()), symprec=symprec
        )
        assert found is not None, crystal.id
        number = re.search(r"\((\d+)\)", found)
        assert number is not None, found
        assert int(number[1]) == solid.space_group, crystal.id


def test_draws_are_even_unique_and_the_beginnings_of_larger_ones() -> None:
    drawn = draw(7 * 250 + 3, seed=0)
    ids = [crystal.id for _, crystal in drawn]
    assert len(set(ids)) == len(ids)
    assert [crystal.id for _, crystal in draw(40, seed=0)] == ids[:40]
    assert [crystal.id for _, crystal in draw(40, seed=1)] != ids[:40]
    counts = [sum(solid.kind == kind for solid, _ in drawn) for kind in KINDS]
    assert set(counts) == {250, 251}
    for kind in ("fcc", "bct 139"):  # of one structure type each: all elements after 83
        assert {int(c.numbers[0]) for s, c in drawn[: 7 * 83] if s.kind == kind} == set(ELEMENTS)
    assert {solid.name for solid, _ in drawn} == {solid.name for solid in SOLIDS}


def test_the_job_writes_a_table_that_featurize_reads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["elements", f"out={tmp_path / 'a'}", "size=35"]) == 0
    assert "35 elemental solids (5 sc, 5 fcc" in capsys.readouterr().out
    assert cli.main(["elements", f"out={tmp_path / 'b'}", "size=35"]) == 0
    path = tmp_path / "a/crystals.csv"
    assert path.read_bytes() == (tmp_path / "b/crystals.csv").read_bytes()
    for entry, (solid, crystal) in zip(open_source(path), draw(35, 0), strict=True):
        (read,) = parse(entry)
        assert isinstance(read, Crystal)
        assert (read.id, entry.targets) == (crystal.id, {"space_group": solid.space_group})
        assert np.linalg.norm(read.lattice) == pytest.approx(np.linalg.norm(crystal.lattice), abs=1e-5)
        np.testing.assert_array_equal(read.numbers, crystal.numbers)


def test_a_size_without_all_classes_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["elements", f"out={tmp_path}", "size=6"]) == 2
    assert "size: Input should be greater than or equal to 7" in capsys.readouterr().err
