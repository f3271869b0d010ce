"""A table of targets by id gives the crystals of a folder their targets."""

from pathlib import Path

import pytest
from ase.build import bulk
from ase.io import write

from hpcvox.crystals.sources.source import open_source
from hpcvox.errors import SourceError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of three CIFs."""
    place = tmp_path / "cifs"
    place.mkdir()
    for cation, a in (("Mg", 4.21), ("Ca", 4.81), ("Sr", 5.16)):
        write(place / f"{cation}O.cif", bulk(f"{cation}O", "rocksalt", a=a))
    return place


def table(folder: Path, text: str) -> Path:
    path = folder.parent / "id_prop.csv"
    path.write_text(text)
    return path


def targets(folder: Path, text: str, **columns: object) -> dict[str, dict[str, float]]:
    source = open_source(folder, targets_file=table(folder, text), **columns)  # type: ignore[arg-type]
    return {entry.id: entry.targets for entry in source}


def test_cgcnns_table_has_no_header(folder: Path) -> None:
    found = targets(folder, "MgO,-3.0\nCaO,-3.25\n")
    assert found == {"CaO": {"target": -3.25}, "MgO": {"target": -3.0}, "SrO": {}}
    assert targets(folder, "MgO,-3.0\n", targets=["energy"])["MgO"] == {"energy": -3.0}
    assert targets(folder, "MgO,1,2\n")["MgO"] == {"target_1": 1.0, "target_2": 2.0}


def test_a_table_with_a_header_names_its_targets(folder: Path) -> None:
    text = "energy,material_id,note,gap\n-3.0,MgO,fine,7.8\n,CaO,none,6.9\n"
    assert targets(folder, text) == {"CaO": {"gap": 6.9}, "MgO": {"energy": -3.0, "gap": 7.8}, "SrO": {}}
    assert targets(folder, text, targets=["gap"])["MgO"] == {"gap": 7.8}
    assert targets(folder, "key,gap\nMgO,7.8\n")["MgO"] == {"gap": 7.8}  # else the first column has the id
    assert targets(folder, "gap,key\n7.8,MgO\n", id_column="key")["MgO"] == {"gap": 7.8}


def test_rows_that_no_crystal_has_are_counted(folder: Path) -> None:
    source = open_source(folder, targets_file=table(folder, "MgO,-3.0\nBaO,-2.0\n"))
    list(source)
    assert source.passed_over == "1 row of targets that no crystal has (BaO)"
    assert source.target_names == ("target",)


@pytest.mark.parametrize(
    ("text", "columns", "said"),
    [
        (
            "MgO.cif,-3.0\n",
            {},
            r"none of its ids \(MgO.cif\) is .* \(CaO, MgO, SrO\): .* without .cif",
        ),
        ("MgO,-3.0\nMgO,-2.0\n", {}, "row 2: the id 'MgO' is there twice"),
        ("id,gap\nMgO,7.8\n", {"targets": ["gp"]}, "no column 'gp' for a target: did you mean gap?"),
        ("key,gap\nMgO,7.8\n", {"id_column": "ky"}, "no id column 'ky': did you mean key?"),
        ("MgO,1,2\n", {"targets": ["a"]}, "no header and 2 columns after the id"),
        ("", {}, "it is to have ids and numbers"),
        ("id,gap,gap\nMgO,1,7.8\n", {}, "2 columns are called 'gap'"),
        ("id,gap,gap\nMgO,1,7.8\n", {"targets": ["gap"]}, "2 columns are called 'gap'"),
        ("id,id,gap\nMgO,1,7.8\n", {}, "2 columns are called 'id'"),
        ("id,gap\nMgO,7,8\n", {}, "row 2 has 3 cells, the first 2: is a number written with a comma"),
        ("MgO,7.8\nCaO,6,9\n", {}, "row 2 has 3 cells, the first 2"),
        ("id,gap,e\nMgO,7.8\n", {}, "row 2 has 2 cells, the first 3"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(
    folder: Path, text: str, columns: dict[str, object], said: str
) -> None:
    with pytest.raises(SourceError, match=said):
        targets(folder, text, **columns)


def test_a_target_that_was_asked_for_and_is_no_number_rejects_its_crystal(folder: Path) -> None:
    text = "id,gap\nMgO,wide\nCaO,6.9\n"
    source = open_source(folder, targets_file=table(folder, text), targets=["gap"])
    faults = {entry.id: entry.fault for entry in source}
    assert faults["MgO"] is not None
    assert faults["MgO"].code == "target"
    assert faults["CaO"] is None


def test_a_column_of_numbers_that_is_left_out_is_told_with_its_first_other_cell(folder: Path) -> None:
    text = "id,gap,e,note\nMgO,7.8,-3.0,wide\nCaO,6.9,inf,\nSrO,5.3,-3.1,\n"
    source = open_source(folder, targets_file=table(folder, text))
    assert source.target_names == ("gap",)
    list(source)
    assert source.passed_over == "1 column that is not numeric throughout and so no target (e: CaO has 'inf')"


def test_without_a_header_what_is_no_number_rejects_its_crystal(folder: Path) -> None:
    source = open_source(folder, targets_file=table(folder, "MgO,#N/A\nCaO,4_12\nSrO,-3.1\n"))
    found = {entry.id: (entry.targets, entry.fault and entry.fault.code) for entry in source}
    assert found == {"CaO": ({}, "target"), "MgO": ({}, None), "SrO": ({"target": -3.1}, None)}
