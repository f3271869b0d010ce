"""Tables: no column is lost in silence, and a structure in a cell may be a CIF or JSON."""

import csv
import json
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal, Entry, Reject
from hpcvox.crystals.sources.source import open_source
from hpcvox.errors import SourceError

CIF = (
    "data_x\n"
    + "".join(f"_cell_length_{axis} 4.1\n" for axis in "abc")
    + "".join(f"_cell_angle_{angle} 90\n" for angle in ("alpha", "beta", "gamma"))
    + "loop_\n_atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n"
    + "Cs 0 0 0\nCl 0.5 0.5 0.5\n"
)
STRUCTURE = json.dumps(
    {
        "lattice": {"matrix": [[4, 0, 0], [0, 4, 0], [0, 0, 4]], "pbc": [True] * 3},
        "sites": [{"species": [{"element": e}], "abc": [x] * 3} for e, x in (("Cs", 0), ("Cl", 0.5))],
    }
)


def put(path: Path, header: list[str], *rows: list[Any]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def of_column(folder: Path, *cells: Any) -> Path:
    """A table with the target ``e``."""
    return put(folder / "t.csv", ["id", "cif", "e"], *([f"m{i}", CIF, cell] for i, cell in enumerate(cells)))


@pytest.mark.parametrize(
    "cell",
    [
        *(
            "",
            " ",
            "nan",
            "NaN",
            "-nan",
            "NA",
            "N/A",
            "n/a",
            "<NA>",
            "None",
            "NULL",
            "null",
            "-",
            "--",
            "?",
            ".",
        ),
        *("#N/A", "#NA", "#N/A N/A", "#VALUE!", "#DIV/0!", "#REF!", "#NAME?", "#NUM!", "#NULL!", "-1.#IND"),
    ],
)
def test_a_column_of_numbers_keeps_them_where_one_is_absent(tmp_path: Path, cell: str) -> None:
    path = of_column(tmp_path, 1.5, cell, -2)
    for targets in (None, ["e"]):
        source = open_source(path, targets=targets)
        assert source.target_names == ("e",)
        assert [entry.targets for entry in source] == [{"e": 1.5}, {}, {"e": -2}]
        assert source.passed_over == ""


def test_a_column_that_is_not_numeric_throughout_is_told_with_its_first_such_cell(tmp_path: Path) -> None:
    source = open_source(of_column(tmp_path, 1.5, "#N/A", "high", "low", 3, 4))
    assert source.target_names == ()
    assert source.passed_over == (
        "1 column that is not numeric throughout and so no target (e: row 4 has 'high')"
    )
    assert open_source(of_column(tmp_path, "high", *range(3))).passed_over.endswith("(e: row 2 has 'high')")
    assert open_source(of_column(tmp_path, "high", "low", 3)).passed_over == ""  # a column of words
    assert open_source(of_column(tmp_path, "high", 3, 4), targets=[]).passed_over == ""


@pytest.mark.parametrize("cell", ["4,12", "-1,5e-3", "1,234.5", "1.234,5"])
def test_a_column_of_numbers_with_commas_is_told(tmp_path: Path, cell: str) -> None:
    source = open_source(of_column(tmp_path, *[cell] * 200))
    assert source.target_names == ()
    assert source.passed_over.endswith(f"(e: row 2 has {cell!r})")


@pytest.mark.parametrize("cell", ["inf", "-Infinity", "1e999"])
def test_an_infinite_value_is_told_as_any_that_is_no_number(tmp_path: Path, cell: str) -> None:
    path = of_column(tmp_path, 1.5, cell, -2)
    assert open_source(path).target_names == ()
    assert open_source(path).passed_over.endswith(f"(e: row 3 has {cell!r})")
    entries = list(open_source(path, targets=["e"]))
    assert [entry.targets for entry in entries] == [{"e": 1.5}, {}, {"e": -2}]
    (result,) = parse(entries[1])
    assert isinstance(result, Reject)
    assert (result.code, result.message) == ("target", f"the target 'e' is {cell!r}, not a finite number")


@pytest.mark.parametrize("targets", [None, ["e"]])
def test_an_infinite_value_of_a_record_rejects_its_crystal(tmp_path: Path, targets: list[str] | None) -> None:
    pq.write_table(pa.table({"cif": [CIF] * 2, "e": [1.5, -math.inf]}), tmp_path / "t.parquet")
    records = [{"structure": json.loads(STRUCTURE), "e": e} for e in (1.5, -math.inf)]
    (tmp_path / "t.jsonl").write_text("\n".join(map(json.dumps, records)))
    frame = '2\nLattice="4 0 0 0 4 0 0 0 4" Properties=species:S:1:pos:R:3 e={}\nCs 0 0 0\nCl 2 2 2\n'
    (tmp_path / "t.extxyz").write_text(frame.format("1.5") + frame.format("-inf"))
    for name in ("t.parquet", "t.jsonl", "t.extxyz"):
        results = [r for entry in open_source(tmp_path / name, targets=targets) for r in parse(entry)]
        assert [r.code if isinstance(r, Reject) else r.targets for r in results] == [{"e": 1.5}, "target"], (
            name
        )


HEADERS = ["energy", "cif", "id", "note"]


@pytest.mark.parametrize("name", ["energy", "cif", "id"])
def test_two_columns_of_one_name_are_refused_where_one_is_used(tmp_path: Path, name: str) -> None:
    row = {"energy": 1.5, "cif": CIF, "id": "a", "note": "x"}
    path = put(tmp_path / "t.csv", [*HEADERS, f"{name} "], [*row.values(), row[name]])
    with pytest.raises(SourceError, match=f"2 columns are called '{name}'"):
        open_source(path)
    table = pa.table([[row[n]] for n in (*HEADERS, name)], names=[*HEADERS, name])
    pq.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(SourceError, match=f"2 columns are called '{name}'"):
        open_source(tmp_path / "t.parquet")


@pytest.mark.parametrize(
    ("doubled", "targets"), [("note", None), ("energy", []), ("energy", ["gap"]), ("note", ["energy"])]
)
def test_two_columns_of_one_name_are_no_matter_where_neither_is_used(
    tmp_path: Path, doubled: str, targets: list[str] | None
) -> None:
    names = ["id", "cif", "energy", "gap", "note", doubled]
    row = ["a", CIF, 1.5, 0.5, "x", 2.5 if doubled == "energy" else "y"]
    put(tmp_path / "t.csv", names, row)
    pq.write_table(pa.table([[cell] for cell in row], names=names), tmp_path / "t.parquet")
    for path in (tmp_path / "t.csv", tmp_path / "t.parquet"):
        (entry,) = open_source(path, targets=targets)
        assert set(entry.targets) == ({"energy", "gap"} if targets is None else set(targets))


def test_a_structure_in_json_is_read_as_a_cif_is(tmp_path: Path) -> None:
    def formulas(path: Path, **options: Any) -> list[str]:
        found = [result for entry in open_source(path, **options) for result in parse(entry)]
        return [one.formula if isinstance(one, Crystal) else one.code for one in found]

    cells = [STRUCTURE, CIF, f"\n {STRUCTURE}", ""]
    rows = [[f"m{i}", cell] for i, cell in enumerate(cells)]
    expected = ["CsCl", "CsCl", "CsCl", "empty"]
    for column in ("cif", "structure"):
        assert formulas(put(tmp_path / "t.csv", ["id", column], *rows)) == expected
    assert formulas(put(tmp_path / "t.csv", ["id", "best"], *rows), cif_column="best") == expected
    for path in (tmp_path / "t.csv", tmp_path / "t.parquet"):
        put(tmp_path / "t.csv", ["id", "structure"], *rows)
        pq.write_table(pa.table({"id": ["m0"], "structure": [STRUCTURE]}), tmp_path / "t.parquet")
        with pytest.raises(SourceError, match="no column 'best'"):  # which was asked for
            open_source(path, cif_column="best")


def test_a_dictionary_as_python_prints_it_is_called_that(tmp_path: Path) -> None:
    (entry,) = open_source(put(tmp_path / "t.csv", ["structure"], [str(json.loads(STRUCTURE))]))
    (result,) = parse(entry)
    assert isinstance(result, Reject)
    assert result.code == "json-syntax"
    assert "json.dumps" in result.message


def test_numbers_of_a_parquet_table_that_are_decimals_are_targets_and_those_in_text_are_told(
    tmp_path: Path,
) -> None:
    columns = {
        "cif": [CIF] * 3,
        "price": [Decimal("1.50"), None, Decimal("2.25")],
        "gap": ["0.5", "N/A", "1.5"],
        "note": ["a", "b", "3"],
    }
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    source = open_source(tmp_path / "t.parquet")
    entries: list[Entry] = list(source)
    assert [entry.targets for entry in entries] == [{"price": 1.5}, {}, {"price": 2.25}]
    assert source.passed_over.endswith("(gap: it is written as text)")
    assert open_source(tmp_path / "t.parquet", targets=["price"]).passed_over == ""


@pytest.mark.parametrize("cell", ["", "  ", "nan", "#N/A", "None"])
def test_a_cell_without_a_structure_is_called_that(tmp_path: Path, cell: str) -> None:
    path = put(tmp_path / "t.csv", ["id", "cif"], ["a", cell], ["b", CIF])
    results = [result for entry in open_source(path) for result in parse(entry)]
    assert [getattr(result, "code", "") for result in results] == ["empty", ""]
