"""What a CIF says of its crystal is held against its atoms."""

import pytest

from hpcvox.crystals.formats.cif.agreement import REMARKS
from hpcvox.crystals.formats.cif.elements.formulas import parsed
from hpcvox.crystals.record import Crystal, Reject
from tests.support.small_cifs import NACL, cif, outcome, read

CUBE = (5.64, 5.64, 5.64, 90, 90, 90)
FORMULA, UNITS = "_chemical_formula_sum", "_cell_formula_units_Z"
VOLUME, DENSITY, WEIGHT = "_cell_volume", "_exptl_crystal_density_diffrn", "_chemical_formula_weight"
SYMBOL = {"_symmetry_space_group_name_H-M": "F m -3 m"}
TRUE = {FORMULA: "Cl Na", UNITS: "4", VOLUME: "179.4", DENSITY: "2.164", WEIGHT: "58.44"}


def remarks(items: dict[str, str], sites: tuple[str, ...] = NACL, columns: str = "") -> tuple[str, ...]:
    """The remarks on a crystal of rocksalt, which is taken."""
    result = read(cif(CUBE, sites, SYMBOL | items, columns=columns or "type_symbol fract_x fract_y fract_z"))
    assert isinstance(result, Crystal), result
    return result.remarks


def test_a_file_that_agrees_with_itself_has_no_remark() -> None:
    assert remarks(TRUE) == ()
    assert remarks({}) == ()


@pytest.mark.parametrize(
    ("items", "code"),
    [
        ({FORMULA: "Cl Na2"}, "incomplete"),
        ({FORMULA: "Br Cl Na"}, "incomplete"),
        ({FORMULA: "Na"}, "incomplete"),
        ({FORMULA: "Cl Na", UNITS: "2"}, "symmetry"),
        ({FORMULA: "Cl Na", UNITS: "8"}, "symmetry"),
        ({DENSITY: "4.33"}, "symmetry"),
        ({VOLUME: "197.4"}, "cell"),
    ],
)
def test_what_contradicts_the_atoms_rejects(items: dict[str, str], code: str) -> None:
    assert outcome(cif(CUBE, NACL, SYMBOL | items)) == code


def test_atoms_that_are_listed_in_full_are_held_against_z_as_well() -> None:
    assert outcome(cif(CUBE, NACL, {FORMULA: "Cl Na", UNITS: "4"})) == "incomplete"
    assert outcome(cif(CUBE, NACL, {FORMULA: "Cl Na", UNITS: "1"})) == "OK 2"


def test_z_of_the_reduced_formula_is_z() -> None:
    assert remarks({FORMULA: "Cl4 Na4", UNITS: "4"}) == ()  # as pymatgen writes it


def test_multiplicities_are_held_against_the_images() -> None:
    columns = "type_symbol symmetry_multiplicity fract_x fract_y fract_z"
    right, wrong = ("Na 4 0 0 0", "Cl 4 0.5 0.5 0.5"), ("Na 4 0 0 0", "Cl 8 0.5 0.5 0.5")
    assert remarks({}, right, columns) == ()
    result = read(cif(CUBE, wrong, SYMBOL, columns=columns))
    assert isinstance(result, Reject)
    assert result.code == "symmetry"
    assert "site 2 is stated to be 8 atoms, and is 4" in result.message
    assert remarks({FORMULA: "Cl Na", UNITS: "4"}, wrong, columns) == ("multiplicity",)


@pytest.mark.parametrize(
    ("items", "remark"),
    [
        ({DENSITY: "2.9"}, "density"),
        ({UNITS: "2"}, "formula-units"),
        ({WEIGHT: "85"}, "weight"),
    ],
)
def test_one_word_against_the_others_is_a_remark(items: dict[str, str], remark: str) -> None:
    assert remarks(TRUE | items) == (remark,)
    assert remark in REMARKS


@pytest.mark.parametrize("formula", ["H2 Mg O2", "D2 Mg O2"])
def test_hydrogen_that_is_not_located_is_a_remark(formula: str) -> None:
    cell = (3.142, 3.142, 4.766, 90, 90, 120)
    items = {FORMULA: formula, UNITS: "1", "_symmetry_space_group_name_H-M": "P -3 m 1"}
    sites = ["Mg 0 0 0", "O 0.33333 0.66667 0.2203"]
    result = read(cif(cell, sites, items))
    assert isinstance(result, Crystal)
    assert result.remarks == ("hydrogen",)
    located = read(cif(cell, [*sites, "H 0.33333 0.66667 0.43"], items))
    assert isinstance(located, Crystal)
    assert located.remarks == ()


def test_hydrogen_alone_has_a_formula_too() -> None:
    assert outcome(cif(CUBE, ["H 0 0 0", "H 0.5 0.5 0.5"], {FORMULA: "H2", UNITS: "1"})) == "OK 2"
    assert outcome(cif(CUBE, ["H 0 0 0", "H 0.5 0.5 0.5"], {FORMULA: "H2", UNITS: "4"})) == "incomplete"


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        ("'Al2 Mg O4'", {13: 2, 12: 1, 8: 4}),
        ("NaCl", {11: 1, 17: 1}),
        ("'C16 H16.5 N4'", {6: 16, 1: 16.5, 7: 4}),
        ("'D2 H O'", {1: 3, 8: 1}),
        ("'(Fe,Mn) O'", None),
        ("?", None),
        ("'Xx2 O'", None),
        ("'O1.2.3'", None),
    ],
)
def test_formulas(text: str, amounts: dict[int, float] | None) -> None:
    assert parsed(text) == amounts
