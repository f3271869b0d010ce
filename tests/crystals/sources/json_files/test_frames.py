"""Frames of pandas in JSON, in each of its orientations, give the crystals and targets of their rows."""

import gzip
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal, Entry
from hpcvox.crystals.sources.json_files import scanner as json_scanner
from hpcvox.crystals.sources.source import open_source
from hpcvox.errors import SourceError

FORMULAS = ["CsCl", "CsBr", "CsI"]


def structure(anion: str, a: float = 4.1) -> dict[str, Any]:
    return {
        "@module": "pymatgen.core.structure",
        "@class": "Structure",
        "charge": 0,
        "lattice": {"matrix": [[a, 0, 0], [0, a, 0], [0, 0, a]], "pbc": [True, True, True]},
        "properties": {},
        "sites": [
            {"species": [{"element": e, "occu": 1}], "abc": [x, x, x]} for e, x in (("Cs", 0), (anion, 0.5))
        ],
    }


CIF = """data_x
_cell_length_a 4.1
_cell_length_b 4.1
_cell_length_c 4.1
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
loop_
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
Cs 0 0 0
{} 0.5 0.5 0.5
"""


def frame(kind: str, **options: Any) -> pd.DataFrame:
    """Three crystals with a target that is absent once, a note, and a structure of ``kind``."""
    cells: dict[str, Any] = {
        "object": [structure(f[2:]) for f in FORMULAS],
        "text": [json.dumps(structure(f[2:])) for f in FORMULAS],
        "cif": [CIF.format(f[2:]) for f in FORMULAS],
    }
    columns = {"e (eV)": [1.5, None, -0.25], "note": ["a", "b", None]}
    return pd.DataFrame({**columns, "cif" if kind == "cif" else "structure": cells[kind]}, **options)


def crystals(path: Path, **options: Any) -> list[Crystal]:
    source = open_source(path, **options)
    entries = list(source)
    assert list(source) == entries
    found = [result for entry in entries for result in parse(entry)]
    assert all(isinstance(one, Crystal) for one in found), found
    return [one for one in found if isinstance(one, Crystal)]


TARGETS = [{"e (eV)": 1.5}, {}, {"e (eV)": -0.25}]


@pytest.mark.parametrize("kind", ["object", "text", "cif"])
@pytest.mark.parametrize("orient", ["split", "columns", "index", "records", "table"])
@pytest.mark.parametrize("first", [True, False])
def test_every_orientation_gives_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, orient: Any, kind: str, first: bool
) -> None:
    made = frame(kind, index=["p", "q", "r"])
    made = made[sorted(made.columns, reverse=first)]
    made.to_json(tmp_path / "f.json.gz", orient=orient)
    found = crystals(tmp_path / "f.json.gz")
    assert [one.formula for one in found] == FORMULAS
    assert [one.targets for one in found] == TARGETS
    names = [f"f.json.gz#{n}" for n in range(3)] if orient == "records" else ["p", "q", "r"]
    assert [one.id for one in found] == names
    monkeypatch.setattr(json_scanner, "_CHUNK", 11)
    assert [one.id for one in crystals(tmp_path / "f.json.gz")] == names


@pytest.mark.parametrize(
    "order", [("index", "columns", "data"), ("data", "index", "columns"), ("data", "columns")]
)
def test_split_is_read_in_any_order_of_its_parts(tmp_path: Path, order: tuple[str, ...]) -> None:
    parts = {
        "index": ["mb-1", "mb-2"],
        "columns": ["structure", "log10(K_VRH)"],
        "data": [[structure("Cl"), 1.2], [structure("Br"), 1.3]],
    }
    (tmp_path / "m.json").write_text(json.dumps({part: parts[part] for part in order}))
    found = crystals(tmp_path / "m.json")
    assert [one.formula for one in found] == ["CsCl", "CsBr"]
    assert [one.targets for one in found] == [{"log10(K_VRH)": 1.2}, {"log10(K_VRH)": 1.3}]
    assert [one.id for one in found] == (["mb-1", "mb-2"] if "index" in order else ["m.json#0", "m.json#1"])
    assert found[1].origin == "m.json:row 1"


def test_ids_are_those_of_a_column_where_there_is_one_and_of_rows_where_names_repeat(tmp_path: Path) -> None:
    made = frame("object")
    made.index = pd.Index([0, 1, 0])
    made.to_json(tmp_path / "f.json", orient="split")
    assert [one.id for one in crystals(tmp_path / "f.json")] == ["f.json#0", "f.json#1", "f.json#2"]
    made.assign(material_id=["x", "y", "z"]).to_json(tmp_path / "g.json", orient="split")
    assert [one.id for one in crystals(tmp_path / "g.json")] == ["x", "y", "z"]
    assert [one.id for one in crystals(tmp_path / "g.json", id_column="material_id", targets=[])] == list(
        "xyz"
    )


def test_the_column_of_structures_may_be_chosen(tmp_path: Path) -> None:
    made = frame("object").rename(columns={"structure": "relaxed"})
    for orient in ("split", "columns", "index", "records"):
        made.to_json(tmp_path / "f.json", orient=orient)
        assert [one.formula for one in crystals(tmp_path / "f.json", cif_column="relaxed")] == FORMULAS


def test_a_record_with_a_structure_and_a_cif_is_the_structure_unless_it_is_told(tmp_path: Path) -> None:
    both = [{"cif": CIF.format("Br"), "structure": structure("Cl"), "relaxed": structure("I")}]
    (tmp_path / "f.json").write_text(json.dumps(both))
    (tmp_path / "f.jsonl").write_text(json.dumps(both[0]) + "\n")
    for name in ("f.json", "f.jsonl"):
        path = tmp_path / name
        assert [one.formula for one in crystals(path)] == ["CsCl"]
        assert [one.formula for one in crystals(path, cif_column="relaxed")] == ["CsI"]
        assert [one.formula for one in crystals(path, cif_column="structure")] == ["CsCl"]


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        (
            {"columns": ["composition", "gap"], "data": [["CsCl", 1]]},
            "no column 'cif': .* composition, gap",
        ),
        ({"columns": ["structure", "e", "e"], "data": [[structure("Cl"), 1, 2]]}, "2 columns are called 'e'"),
    ],
)
def test_a_frame_that_cannot_be_used_says_why(tmp_path: Path, tree: Any, words: str) -> None:
    (tmp_path / "f.json").write_text(json.dumps(tree))
    with pytest.raises(SourceError, match=words):
        list(open_source(tmp_path / "f.json"))


def test_rows_without_names_are_called_what_they_are(tmp_path: Path) -> None:
    frame("object").to_json(tmp_path / "f.json", orient="values")
    for entry in open_source(tmp_path / "f.json"):
        (result,) = parse(entry)
        assert not isinstance(result, Crystal)
        assert "orient='records'" in result.message


@pytest.mark.parametrize("orient", ["split", "columns", "table"])
def test_a_cut_frame_gives_what_is_there_and_one_fault(tmp_path: Path, orient: Any) -> None:
    frame("object")[["e (eV)", "structure"]].to_json(tmp_path / "f.json", orient=orient)
    text = (tmp_path / "f.json").read_text()
    (tmp_path / "f.json").write_text(text[: text.rindex('"abc"')])
    *good, last = open_source(tmp_path / "f.json")
    assert last.fault is not None
    assert last.fault.code == "damaged-archive"
    assert all(isinstance(parse(entry)[0], Crystal) for entry in good)


@pytest.mark.parametrize("orient", ["split", "columns"])
def test_frames_longer_than_one_structure_may_be_are_streams(tmp_path: Path, orient: str) -> None:
    path, rows = tmp_path / "f.json.gz", 2500
    one = structure("Cl")
    one["properties"] = {"note": "x" * 8000}
    if orient == "split":
        tree: Any = {"index": list(range(rows)), "columns": ["structure", "e"], "data": [[one, 1.5]] * rows}
    else:
        tree = {
            "structure": dict.fromkeys(map(str, range(rows)), one),
            "e": {str(i): 1.5 for i in range(rows)},
        }
    with gzip.open(path, "wt", compresslevel=1) as file:
        file.write(json.dumps(tree))
    del tree
    tracemalloc.start()
    last: Entry | None = None
    for number, last in enumerate(open_source(path)):
        assert last.index == number
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert last is not None
    assert (last.index, last.targets) == (rows - 1, {"e": 1.5})
    assert most < 8e6  # of 21 MB


@pytest.mark.parametrize("ending", ["\n", "\n\n"])
def test_lines_under_the_name_of_json_are_read_as_lines(tmp_path: Path, ending: str) -> None:
    rows = [{"material_id": f, "structure": structure(f[2:]), "e": k} for k, f in enumerate(FORMULAS)]
    for name in ("x.json", "x.jsonl"):
        (tmp_path / name).write_text(ending.join(map(json.dumps, rows)) + ending)
    found = {name: list(open_source(tmp_path / name)) for name in ("x.json", "x.jsonl")}
    assert [entry.id for entry in found["x.json"]] == FORMULAS
    assert [entry.targets for entry in found["x.json"]] == [entry.targets for entry in found["x.jsonl"]]
    for entry, formula in zip(found["x.json"], FORMULAS, strict=True):
        (crystal,) = parse(entry)
        assert isinstance(crystal, Crystal), crystal
        assert crystal.formula == formula


def test_one_object_on_one_line_is_no_list_of_lines(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(
        json.dumps({f: {"structure": structure(f[2:])} for f in FORMULAS}) + "\n"
    )
    assert [entry.id for entry in open_source(tmp_path / "x.json")] == FORMULAS
