"""Blocks of one name are all read; tags that are given twice are let through or named."""

import pytest

from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal, Entry, Reject

LOOP = "loop_\n_atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n"


def block(name: str = "x", a: float = 4.1, anion: str = "Cl", more: str = "") -> str:
    lengths = "".join(f"_cell_length_{axis} {a}\n" for axis in "abc")
    angles = "".join(f"_cell_angle_{angle} 90\n" for angle in ("alpha", "beta", "gamma"))
    return f"data_{name}\n{lengths}{angles}{more}{LOOP}Cs 0 0 0\n{anion} 0.5 0.5 0.5\n"


def results(text: str) -> list[Crystal | Reject]:
    return parse(Entry(0, "f", "f.cif", text.encode(), {}))


def formulas(text: str) -> dict[str, str]:
    return {one.id: one.formula if isinstance(one, Crystal) else one.code for one in results(text)}


@pytest.mark.parametrize("name", ["image0", "global", ""])
def test_blocks_of_one_name_are_all_read(name: str) -> None:
    text = block(name) + block(name, 4.3, "Br") + block(name, 4.5, "I")
    assert formulas(text) == {f"f#{name}": "CsCl", f"f#{name}~2": "CsBr", f"f#{name}~3": "CsI"}


def test_an_id_that_a_block_has_by_itself_is_given_to_no_other() -> None:
    text = block("a") + block("a", anion="Br") + block("a~2", anion="I") + block("A", anion="F")
    assert formulas(text) == {"f#a": "CsCl", "f#a~3": "CsBr", "f#a~2": "CsI", "f#A": "CsF"}


def test_names_with_blanks_lose_no_block() -> None:
    text = block("Cs Cl") + block("Cs Br", anion="Br") + block("other", anion="I")
    assert formulas(text) == {"f#Cs": "CsCl", "f#Cs~2": "CsBr", "f#other": "CsI"}


def test_a_bad_block_does_not_take_those_of_its_name_with_it() -> None:
    bad = block(anion="Br").replace("_cell_length_b 4.1\n", "")
    assert formulas(block() + bad + block(anion="I")) == {"f#x": "CsCl", "f#x~2": "cell", "f#x~3": "CsI"}


SYMMETRY = "_symmetry_space_group_name_H-M 'P m -3 m'\n"
OPERATIONS = "loop_\n_symmetry_equiv_pos_as_xyz\nx,y,z\n-x,-y,-z\n"


@pytest.mark.parametrize(
    "more",
    [
        "_cell_length_a 4.1\n",
        "_cell_length_a 4.10(2)\n",
        "_CELL_LENGTH_A ?\n",
        "_cell_measurement_temperature 293\n_cell_measurement_temperature 100\n",
        "_diffrn_ambient_temperature 293\n_diffrn_ambient_temperature 100\n",
        SYMMETRY + SYMMETRY.replace("P m -3 m", "Pm-3m"),
        OPERATIONS + OPERATIONS,
        "loop_\n_atom_site_aniso_label\n_atom_site_aniso_label\nCs1 Cs2\n",
    ],
)
def test_what_is_said_twice_or_is_of_no_matter_is_let_through(more: str) -> None:
    (crystal,) = results(block(more=more))
    assert isinstance(crystal, Crystal), crystal
    assert crystal.lattice[0, 0] == 4.1


DOTTED = "loop_\n_atom_site.type_symbol\n_atom_site.fract_x\n_atom_site.fract_y\n_atom_site.fract_z\n"
SITES = "Cs 0 0 0\nCl 0.5 0.5 0.5\n"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("_cell.length_a 4.100\n", "CsCl"),
        ("_Cell.Length_A 9.9\n", "cif-syntax"),
        ("_cell.length_a ?\n", "CsCl"),
        ("_chemical_formula_sum 'Cs Cl'\n_chemical_formula.sum 'Cs Br'\n", "cif-syntax"),
        ("_cell_formula_units_Z 1\n_cell.formula_units_Z 4\n", "cif-syntax"),
        (SYMMETRY + "_symmetry.space_group_name_H-M 'P m -3 m'\n", "CsCl"),
        (DOTTED + SITES, "CsCl"),
        (DOTTED + SITES.replace("Cl", "Br"), "cif-syntax"),
        (DOTTED + SITES.replace("0 0 0", "0 0 0.1"), "cif-syntax"),
        (DOTTED + "Cs 0 0 0\n", "cif-syntax"),
    ],
)
def test_a_tag_with_dots_is_the_one_with_underscores(more: str, expected: str) -> None:
    assert formulas(block(more=more)) == {"f": expected}


def test_a_dotted_tag_is_named_beside_the_plain_one() -> None:
    (result,) = results(block(more="_cell.length_a 9.9\n"))
    assert isinstance(result, Reject)
    assert "_cell_length_a and _cell.length_a" in result.message
    assert "as 4.1 and as 9.9" in result.message or "as 9.9 and as 4.1" in result.message


@pytest.mark.parametrize("order", [1, -1])
def test_of_an_unknown_value_and_a_known_one_the_known_is_taken(order: int) -> None:
    stated = ["_symmetry_Int_Tables_number ?\n", "_symmetry_Int_Tables_number 225\n"]
    (crystal,) = results(block(a=6.0, more="".join(stated[::order])))
    assert isinstance(crystal, Crystal), crystal
    assert crystal.n_sites == 8


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("_cell_length_a 9.9\n", ["_cell_length_a", "as 4.1 and as 9.9"]),
        ("_Cell_Angle_Beta 120\n", ["_Cell_Angle_Beta", "as 90 and as 120"]),
        (SYMMETRY + SYMMETRY.replace("m -3 m", "1"), ["_name_H-M", "'P m -3 m' and as 'P 1'"]),
        ("_chemical_formula_sum 'Cs Cl'\n_chemical_formula_sum 'Cs Br'\n", ["_formula_sum", "'Cs Br'"]),
        (OPERATIONS + OPERATIONS + "x,-y,z\n", ["_equiv_pos_as_xyz", "with 2 and with 3 values"]),
        (OPERATIONS + OPERATIONS.replace("-x,-y,-z", "-x,y,z"), ["the 2. is -x,-y,-z and -x,y,z"]),
        (LOOP + "Rb 0 0 0\nCl 0.5 0.5 0.5\n", ["_atom_site_type_symbol", "the 1. is Rb and Cs"]),
        (LOOP.replace("loop_\n", "loop_\n_atom_site_occupancy\n") + "1 Cs 0 0 0\n1 Cl 0.5 0.5 0.5\n", []),
        (
            LOOP.replace("_type_symbol", "_label") + "Cs 0 0 0\nCl 0.5 0.5 0.5\n",
            ["_type_symbol", "second loop"],
        ),
    ],
)
def test_what_contradicts_itself_is_named(more: str, words: list[str]) -> None:
    (result,) = results(block(more=more))
    if not words:  # the first loop has all that the second has
        assert isinstance(result, Crystal), result
        return
    assert isinstance(result, Reject)
    assert result.code == "cif-syntax"
    assert all(word in result.message for word in words), result.message


def test_a_column_that_a_loop_has_twice_is_held_against_itself() -> None:
    text = block().replace("Cs 0 0 0\nCl 0.5 0.5 0.5", "Cs 0 0 0 0\nCl 0.5 0.5 0.5 {}")
    text = text.replace("_atom_site_fract_z\n", "_atom_site_fract_z\n_atom_site_fract_z\n")
    assert formulas(text.format("0.5")) == {"f": "CsCl"}
    assert formulas(text.format("0.7")) == {"f": "cif-syntax"}


def test_a_contradiction_is_seen_in_a_file_of_faulty_syntax_too() -> None:
    faulty = "_note it's 'not closed\n"
    assert formulas(block(more=faulty)) == {"f": "CsCl"}
    (result,) = results(block(more=faulty + "_cell_length_a 9.9\n"))
    assert isinstance(result, Reject)
    assert "as 4.1 and as 9.9" in result.message


def test_a_block_of_faulty_syntax_takes_no_other_with_it_and_is_not_lost() -> None:
    faulty = block("y", anion="Br", more="_note\n")  # which takes the loop_ that follows for its value
    assert formulas(block() + faulty + block("z", anion="I")) == {
        "f#x": "CsCl",
        "f#y": "cif-syntax",
        "f#z": "CsI",
    }
    half = block("y", anion="Br") + "loop_\n_atom_site_aniso_U_11\n_atom_site_aniso_U_22\n1 2 3\n"
    assert formulas(half + block("z", anion="I")) == {"f#y": "cif-syntax", "f#z": "CsI"}


def test_what_stands_in_a_global_block_is_not_left_out() -> None:
    assert formulas(f"global_\n_symmetry_space_group_name_H-M 'F m -3 m'\n{block()}") == {"f": "cif-syntax"}
    assert formulas(f"data_global_\n_publ_author_name x\n{block()}") == {"f": "CsCl"}
