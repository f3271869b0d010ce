"""Extended XYZ: one frame, however its comment line is spelled (github.com/libAtoms/extxyz has the specification)."""

import time
from pathlib import Path

import numpy as np
import pytest

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
