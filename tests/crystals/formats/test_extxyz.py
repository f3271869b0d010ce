"""Extended XYZ: one frame, however its comment line is spelled (github.com/libAtoms/extxyz has the specification)."""

import json
import time
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.io import write

from hpcvox.crystals.formats.extxyz import info
from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal, Entry, Reject
from hpcvox.crystals.sources.source import open_source
from hpcvox.errors import Rejected

CELL = [[4.5, 0.0, 0.0], [0.5, 4.0, 0.0], [0.0, -0.25, 4.0]]


def frame(comment: str) -> str:
    return f"2\n{comment}\nCs 0 0 0\nCl 2 2 2\n"


def read(comment: str) -> Crystal | Reject:
    (result,) = parse(Entry(0, "x", "x.xyz", frame(comment).encode(), {}, None, "extxyz"))
    return result


@pytest.mark.parametrize(
    "spelled",
    [
        'Lattice="4.5 0 0 0.5 4 0 0 -0.25 4"',
        "Lattice='4.5 0 0 0.5 4 0 0 -0.25 4'",
        "Lattice={4.5 0 0 0.5 4 0 0 -0.25 4}",
        "Lattice={4.5, 0, 0, 0.5, 4, 0, 0, -0.25, 4}",
        "Lattice={{4.5 0 0} {0.5 4 0} {0 -0.25 4}}",
        "Lattice=[4.5, 0, 0, 0.5, 4, 0, 0, -0.25, 4]",
        "Lattice=[4.5,0,0,0.5,4,0,0,-0.25,4]",
        "Lattice=[[4.5,0,0],[0.5,4,0],[0,-0.25,4]]",
        "Lattice = [ [4.5, 0, 0], [0.5, 4, 0], [0, -0.25, 4] ]",
        'Lattice="[[4.5, 0, 0], [0.5, 4, 0], [0, -0.25, 4]]"',
        'Lattice="{4.5 0 0 0.5 4 0 0 -0.25 4}"',
        '"Lattice"="4.5 0 0 0.5 4 0 0 -0.25 4"',
        'lattice="4.5 0 0 0.5 4 0 0 -0.25 4"',
    ],
)
@pytest.mark.parametrize(
    "others",
    [
        "",
        'Properties=species:S:1:pos:R:3 pbc="T T T"',
        'Properties="species:S:1:pos:R:3" pbc=[T, T, T]',
        "Properties={species:S:1:pos:R:3} pbc={T T T}",
        "properties='species:S:1:pos:R:3' PBC=[true,True,TRUE]",
        'pbc="1 1 1"',
    ],
)
def test_a_frame_is_the_same_in_all_spellings(spelled: str, others: str) -> None:
    for comment in (f"{spelled} {others} e=1", f"{others} e=1 {spelled}"):
        crystal = read(comment)
        assert isinstance(crystal, Crystal), crystal
        np.testing.assert_allclose(crystal.lattice @ crystal.lattice.T, np.array(CELL) @ np.transpose(CELL))
        assert crystal.formula == "CsCl"


@pytest.mark.parametrize("slab", ['"T T F"', "[T, T, F]", "{true true false}", "[1, 0, 1]"])
def test_a_slab_is_no_crystal_in_any_spelling(slab: str) -> None:
    result = read(f'Lattice="4 0 0 0 4 0 0 0 4" pbc={slab}')
    assert isinstance(result, Reject)
    assert result.code == "cell"


def test_a_key_with_two_values_is_named_where_it_matters(tmp_path: Path) -> None:
    cell = 'Lattice="4 0 0 0 4 0 0 0 4"'
    texts = [
        frame(f"{cell} Lattice=[5, 0, 0, 0, 5, 0, 0, 0, 5]"),
        frame(f"{cell} energy=-3.5 energy=-4"),
        frame(f"{cell} Lattice={{4 0 0 0 4 0 0 0 4}} energy=-3.5 energy=-3.50 note=a note=b"),
    ]
    (tmp_path / "f.xyz").write_text("".join(texts))
    first, second, third = (result for entry in open_source(tmp_path / "f.xyz") for result in parse(entry))
    assert isinstance(first, Reject)
    assert isinstance(second, Reject)
    assert (first.code, second.code) == ("extxyz-syntax", "extxyz-syntax")
    assert "Lattice twice" in first.message
    assert "energy twice: '-3.5' and '-4'" in second.message
    assert isinstance(third, Crystal)
    assert third.targets == {"energy": -3.5}


@pytest.mark.parametrize(
    "word", ["k=[", "k=[[", "[", "k={", "{{", "k=[ a", "k={{a}", "k={a{", 'k="', "k='", "="]
)
def test_brackets_without_an_end_cost_no_time(word: str) -> None:
    begun = time.monotonic()
    info((word * 65536)[:65536].encode())
    assert time.monotonic() - begun < 5
    with pytest.raises(Rejected, match="64 KiB"):
        info(b" " * 70_000)


def of_species(words: str, comment: str = 'Lattice="4 0 0 0 4 0 0 0 4"') -> Crystal | Reject:
    one, other = words.split()
    text = f"2\n{comment}\n{one} 0 0 0\n{other} 2 2 2\n"
    (result,) = parse(Entry(0, "x", "x.xyz", text.encode(), {}, None, "extxyz"))
    return result


@pytest.mark.parametrize(
    "species",
    ["CO", "HO", "NO", "CN", "NH", "CF", "DB", "MD", "RE", "TM", "ND", "og", "hs", "fl", "lv", "no"],
)
def test_letters_that_may_be_a_group_of_atoms_are_no_element(species: str) -> None:
    result = of_species(f"{species} Cl")
    assert isinstance(result, Reject)
    assert result.code == "element"
    assert f"{species!r} may be a group of atoms or a word: write {species.capitalize()}" in result.message


@pytest.mark.parametrize(
    ("species", "numbers"),
    [
        *(
            ("CS CL", [55, 17]),
            ("NA CL", [11, 17]),
            ("fe O", [26, 8]),
            ("Co No", [27, 102]),
            ("Cn Og", [112, 118]),
        ),
        *(("D Cl", [1, 17]), ("si SI", [14, 14])),
    ],
)
def test_elements_in_other_letters_are_read_as_type_symbols_are(species: str, numbers: list[int]) -> None:
    result = of_species(species)
    assert isinstance(result, Crystal), result
    assert result.numbers.tolist() == numbers


@pytest.mark.parametrize(
    "properties", ["species:S:1:pos:R:2:charge:R:1", "species:S:1:pos:R:4", "species:S:2:pos:R:3"]
)
def test_columns_of_another_width_are_no_positions(properties: str) -> None:
    result = of_species("Cs Cl", f'Lattice="4 0 0 0 4 0 0 0 4" Properties={properties}')
    assert isinstance(result, Reject)
    assert result.code == "extxyz-syntax"
    assert "3 and 1 are valid" in result.message


COLUMNS = "Properties=species:S:1:pos:R:3"
CUBE = 'Lattice="4 0 0 0 4 0 0 0 4"'


def of_rows(properties: str, *rows: str, more: str = "") -> str:
    """The formula of a frame, or the code of its rejection."""
    text = f"{len(rows)}\n{CUBE} {properties} {more}\n" + "\n".join(rows) + "\n"
    (result,) = parse(Entry(0, "x", "x.xyz", text.encode(), {}, None, "extxyz"))
    return result.formula if isinstance(result, Crystal) else result.code


@pytest.mark.parametrize("name", ["occupancy", "occupancies", "occ"])
def test_occupancies_are_read(name: str) -> None:
    for occupancy, expected in (("1.0", "CsCl"), ("0.5", "disordered"), ("0", "Cs"), ("x", "occupancy")):
        rows = ("Cs 0 0 0 1", f"Cl 2 2 2 {occupancy}")
        assert of_rows(f"{COLUMNS}:{name}:R:1", *rows) == expected


def test_species_and_atomic_numbers_must_agree() -> None:
    for rows, expected in (
        (("Cs 0 0 0 55", "Cl 2 2 2 17"), "CsCl"),
        (("Cs 0 0 0 17", "Cl 2 2 2 55"), "element"),
    ):
        assert of_rows(f"{COLUMNS}:Z:I:1", *rows) == expected


@pytest.mark.parametrize("name", ["pos:R:3", "species:S:1"])
def test_a_column_that_is_there_twice_is_named(name: str) -> None:
    assert of_rows(f"{COLUMNS}:{name}", "Cs 0 0 0 1 1 1", "Cl 2 2 2 1 1 1") == "extxyz-syntax"


@pytest.mark.parametrize(
    ("parts", "expected"),
    [('{"Fe": 0.5, "Mn": 0.5}', "disordered"), ('{"Fe": 0.9}', "disordered"), ('{"Fe": 1}', "Fe")],
)
def test_a_mixed_crystal_of_ase_is_not_its_first_element(parts: str, expected: str) -> None:
    atoms = Atoms("Fe", cell=[4, 4, 4], pbc=True, info={"occupancy": {"0": json.loads(parts)}})
    out = StringIO()
    write(out, atoms, format="extxyz")
    (result,) = parse(Entry(0, "x", "x.xyz", out.getvalue().encode(), {}, None, "extxyz"))
    assert (result.formula if isinstance(result, Crystal) else result.code) == expected


@pytest.mark.parametrize(
    "spoilt", ["{", "[1]", '{\\"0\\": 1}', '{\\"0\\": {\\"Fe\\": \\"x\\"}}', "a" * 60_000, "[" * 60_000]
)
def test_occupancies_that_cannot_be_read_are_named(spoilt: str) -> None:
    began = time.process_time()
    assert of_rows(COLUMNS, "Cs 0 0 0", "Cl 2 2 2", more=f'occupancy="_JSON {spoilt}"') == "extxyz-syntax"
    assert time.process_time() - began < 1
