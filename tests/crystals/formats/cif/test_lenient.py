"""CIFs that gemmi refuses for a character: read as they are meant, or named; no value loses a character."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal, Entry, Reject
from tests.support.small_cifs import cif, outcome, read

CELL = (6, 6.5, 7, 90, 90, 90)
SALT = cif(CELL, ("Na 0.1 -0.2 0.3", "Cl 0.6 0.4 0.75"))
FAULTY = "_note it's 'not closed\n"
"""Which no strict reader takes: pymatgen's reads the block."""


@pytest.mark.parametrize("more", ["", FAULTY])
@pytest.mark.parametrize("minus", "\u2212\u2010\u2011\u2012\u2013\u2014")
def test_what_looks_like_a_minus_is_one(minus: str, more: str) -> None:
    for encoding in ("utf-8", "cp1252") if minus in "\u2013\u2014" else ("utf-8",):
        crystal = read((SALT.replace("-0.2", f"{minus}0.2") + more).encode(encoding))
        assert isinstance(crystal, Crystal), crystal
        np.testing.assert_allclose(crystal.frac, [[0.1, 0.8, 0.3], [0.6, 0.4, 0.75]])


@pytest.mark.parametrize("more", ["", FAULTY])
@pytest.mark.parametrize("quote", ["", "'"])
def test_operations_keep_their_signs(quote: str, more: str) -> None:
    listed = f"loop_\n_symmetry_equiv_pos_as_xyz\nx,y,z\n{quote}−x,−y,−z{quote}\n"
    text = cif((9, 10, 11, 85, 95, 100), ("C 0.1 0.2 0.3",)) + listed + more
    strictly_read = quote and not more  # gemmi takes all that is quoted, and knows no such operation
    assert outcome(text) == ("symmetry" if strictly_read else "OK 2")


@pytest.mark.parametrize("more", ["", FAULTY])
def test_a_fixed_blank_is_a_blank_and_a_new_line_one(more: str) -> None:
    assert outcome(SALT.replace("\n", "\u0085") + more) == "OK 2"
    crystal = read(SALT.replace(" 0.3\n", "\u00a00.3\u00a0\n").replace("_a 6\n", "_a\u00a06\n") + more)
    assert isinstance(crystal, Crystal), crystal
    assert (crystal.lattice[0, 0], crystal.n_sites) == (6, 2)
    assert crystal.frac[0, 2] == 0.3


@pytest.mark.parametrize("more", ["", FAULTY])
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
@pytest.mark.parametrize(
    ("value", "written", "line"),
    [
        ("_length_b 6.5", "6.5±2", 3),
        ("Na 0.1", "0.1±2", 13),
        ("Na 0.1", "0·1", 13),
        ("Cl 0.6", "0.6¹", 14),
        ("Na", "Naª", 13),
    ],
)
def test_another_character_is_named_with_its_value_and_line(
    value: str, written: str, line: int, encoding: str, more: str
) -> None:
    named = value.split(" ")[-1]
    text = SALT.replace(value, value.removesuffix(named) + written) + more
    result = read(text.encode(encoding))
    assert isinstance(result, Reject)
    assert result.code == "cif-syntax"
    (character,) = (letter for letter in written if not letter.isascii())
    for word in (f" is {written}, line {line},", f"'{character}' (U+{ord(character):04X})"):
        assert word in result.message


@pytest.mark.parametrize("more", ["", FAULTY])
def test_a_character_where_the_crystal_is_not_does_no_harm(more: str) -> None:
    crystal = read(f"{SALT}_publ_author_name Müller\n_exptl_crystal_colour weiß # 5 µm\n{more}")
    assert isinstance(crystal, Crystal), crystal
    assert crystal.frac[0, 1] == 0.8
    two = SALT + SALT.replace("data_x", "data_größer").replace("Cl 0.6", "Cl 0.6±1")
    results = parse(Entry(0, "f", "f.cif", (two + more).encode(), {}))
    assert [(one.id, isinstance(one, Crystal)) for one in results] == [("f#x", True), ("f#größer", False)]


@given(
    st.characters(min_codepoint=0x80, codec="utf-8"),
    st.integers(0, len(SALT) - 1),
    st.sampled_from(["", FAULTY]),
)
def test_a_character_changes_no_crystal(character: str, place: int, more: str) -> None:
    whole = read(SALT)
    assert isinstance(whole, Crystal)
    result = read(SALT[:place] + character + SALT[place:] + more)
    if isinstance(result, Crystal) and character not in "\u2212\u2010\u2011\u2012\u2013\u2014\u00a0":
        assert (result.numbers == whole.numbers).all()
        np.testing.assert_array_equal(result.frac, whole.frac)
        np.testing.assert_array_equal(result.lattice, whole.lattice)


SYMBOL = "_symmetry_space_group_name_H-M"
WIDE = {"m": (25, 26, 27, 90, 100, 90), "o": (25, 26, 27, 90, 90, 90), "c": (25, 25, 25, 90, 90, 90)}


@pytest.mark.parametrize("tag", [SYMBOL, "_space_group_name_H-M_alt", "_space_group.name_H-M_alt"])
@pytest.mark.parametrize(
    ("symbol", "cell", "atoms"),
    [
        ("P 21/c", "m", 4),
        ("P1 21/c 1", "m", 4),  # whose first word is a symbol, too
        ("C2 /c", "m", 8),
        ("P n m a  # standard", "o", 8),
        ("F m -3 m", "c", 192),
        ("P 1", "m", 1),
    ],
)
@pytest.mark.parametrize("more", ["", FAULTY])
def test_a_symbol_without_quotation_marks_is_read_whole(
    tag: str, symbol: str, cell: str, atoms: int, more: str
) -> None:
    text = cif(WIDE[cell], ("C 0.13 0.29 0.41",)).replace("loop_", f"{tag} {symbol}\nloop_", 1)
    result = read(text + more)
    assert isinstance(result, Crystal), result
    assert result.n_sites == atoms


def test_a_formula_without_quotation_marks_is_read_whole() -> None:
    for formula, expected in (("Na Cl", "OK 2"), ("Na Cl2", "incomplete"), ("Na Cl H2 O", "incomplete")):
        text = SALT.replace("loop_", f"_chemical_formula_sum {formula}\nloop_", 1)
        assert outcome(text) == expected


@pytest.mark.parametrize("line", ["_cell_length_a 6 .5", "_symmetry_Int_Tables_number 22 5"])
def test_a_number_of_two_words_is_none(line: str) -> None:
    text = SALT.replace("_cell_length_a 6\n", "") if "cell" in line else SALT
    assert outcome(text.replace("loop_", f"{line}\nloop_", 1)) == "cif-syntax"


@pytest.mark.parametrize(
    "stray", ["symmetry_space_group_name_H-M 'F m -3 m'", "Fm-3m", "_publ_author_name A. Nother"]
)
def test_words_that_belong_to_no_tag_are_a_remark(stray: str) -> None:
    crystal = read(SALT.replace("loop_", f"{stray}\nloop_", 1))
    assert isinstance(crystal, Crystal), crystal
    assert crystal.remarks == ("faulty-syntax",)
    for text in (SALT, SALT.replace("data_x", "data_rock salt")):
        crystal = read(text)
        assert isinstance(crystal, Crystal), crystal
        assert crystal.remarks == ()
