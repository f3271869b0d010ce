"""What a CIF says of its crystal is held against its atoms."""

import pytest

from hpcvox.crystals.formats.cif.agreement import REMARKS
from hpcvox.crystals.formats.cif.elements.formulas import readings
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


STRUCTURAL, MOIETY = "_chemical_formula_structural", "_chemical_formula_moiety"
IUPAC, ANALYTICAL = "_chemical_formula_iupac", "_chemical_formula_analytical"


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        ("'Al2 Mg O4'", {13: 2, 12: 1, 8: 4}),
        ("NaCl", {11: 1, 17: 1}),
        ("'C16 H16.5 N4'", {6: 16, 1: 16.5, 7: 4}),
        ("'D2 H O'", {1: 3, 8: 1}),
        ("'Na1+ Cl1-'", {11: 1, 17: 1}),
        ("'Na+ Cl-'", {11: 1, 17: 1}),
        ("'Na1 +, Cl1 -'", {11: 1, 17: 1}),
        ("'(Na2 Cl)'", {11: 2, 17: 1}),
        ("K(Cl)", {19: 1, 17: 1}),
        ("'Ca (C O3)'", {20: 1, 6: 1, 8: 3}),
        ("'(N H4)2 (S O4)'", {7: 2, 1: 8, 16: 1, 8: 4}),
        ("'[Mo (C O)4 {P H3}2]'", {42: 1, 6: 4, 8: 4, 15: 2, 1: 6}),
        ("'Cu S O4, 5(H2 O)'", {29: 1, 16: 1, 8: 9, 1: 10}),
        ("'Cu S O4 · 5H2 O'", {29: 1, 16: 1, 8: 9, 1: 10}),
        ("'Na Cl, 0(H2 O)'", {11: 1, 17: 1}),
        ("'(C6 H6)n, n(H2 O)'", {6: 6, 1: 8, 8: 1}),
        ("'Cu 2+, S O4 2-'", {29: 1, 16: 1, 8: 4}),
        ("'Fe2.45(2) Ni1.60(3) S4'", {26: 2.45, 28: 1.6, 16: 4}),
        ("'K~2~ S O~4~^2-^'", {19: 2, 16: 1, 8: 4}),
        ("'K₂ Cl'", {19: 2, 17: 1}),
        ("'na2 cl'", {11: 2, 17: 1}),
        ("'Na CL.'", {11: 1, 17: 1}),
    ],
)
def test_formulas(text: str, amounts: dict[int, float]) -> None:
    assert readings(text)[0] == amounts


@pytest.mark.parametrize(
    "text",
    [
        *(
            "'(Fe,Mn) O'",
            "?",
            "'.'",
            "unknown",
            "calcite",
            "'Xx2 O'",
            "'O1.2.3'",
            "'Na 2 Cl'",
            "'iron silicon'",
        ),
        *("'(Na Cl'", "'2(Na)2'", "'" + 9 * "CO" + " O'", "(" * 5000, "'Al2 O3 - alpha'"),
    ],
)
def test_what_is_no_formula(text: str) -> None:
    assert readings(text) == ()


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        ("'NI O'", [{7: 1, 53: 1, 8: 1}, {28: 1, 8: 1}]),
        ("'co o'", [{6: 1, 8: 2}, {27: 1, 8: 1}]),
        ("'Ca2+ F1-'", [{20: 1, 9: 1}, {20: 2, 9: 1}]),
        ("'(S O4)2-'", [{16: 1, 8: 4}, {16: 2, 8: 8}]),
        ("'Na2 S O42-'", [{11: 2, 16: 1, 8: 4}]),
    ],
)
def test_formulas_that_may_mean_several(text: str, amounts: list[dict[int, float]]) -> None:
    found = readings(text)
    assert all(expected in found for expected in amounts)


@pytest.mark.parametrize(
    "sum", ["NA CL", "NACL", "na cl", "Na1+ Cl1-", "(Na Cl)", "Na Cl, 0(H2 O)", "(Na4 Cl4)"]
)
def test_a_formula_in_any_spelling_is_held_against_the_atoms(sum: str) -> None:
    assert remarks({FORMULA: sum, UNITS: "1" if "4" in sum else "4"}) == ()
    assert outcome(cif(CUBE, ("Na 0 0 0",), SYMBOL | {FORMULA: sum})) == "incomplete"


@pytest.mark.parametrize("metal", ["Ni", "Cu", "Si", "Pb", "Co", "Sn", "Hf", "Nb", "Ho", "Sc"])
def test_capitals_are_read_as_the_sites_have_it(metal: str) -> None:
    cell = (4.6, 4.6, 4.6, 90, 90, 90)
    sites = (f"{metal} 0 0 0", "O 0.5 0.5 0.5")
    items = SYMBOL | {FORMULA: f"{metal.upper()} O", UNITS: "4"}
    result = read(cif(cell, sites, items))
    assert isinstance(result, Crystal), result
    assert result.remarks == ()
    assert outcome(cif(cell, sites, items | {FORMULA: f"{metal.upper()} O2"})) == "incomplete"


@pytest.mark.parametrize("tag", [STRUCTURAL, MOIETY, IUPAC, ANALYTICAL])
def test_another_formula_stands_for_a_sum_that_is_absent_or_unread(tag: str) -> None:
    for sum in ({}, {FORMULA: "?"}, {FORMULA: "(Na,K) Cl"}):
        assert remarks(sum | {tag: "Na Cl"}) == ()
        assert outcome(cif(CUBE, NACL, SYMBOL | sum | {tag: "K Cl"})) == "incomplete"
        assert outcome(cif(CUBE, ("Na 0 0 0",), SYMBOL | sum | {tag: "Na1 +, Cl1 -"})) == "incomplete"
        assert outcome(cif(CUBE, NACL, SYMBOL | sum | {tag: "Na Cl", UNITS: "1"})) == "symmetry"


@pytest.mark.parametrize("formula", ["(Na,K) Cl", "halite", "Na Cl + water", "Na 1 Cl 1"])
def test_a_formula_that_stays_unread_is_a_remark(formula: str) -> None:
    assert remarks({FORMULA: formula}) == ("formula-unread",)
    assert remarks({FORMULA: "?", MOIETY: formula}) == ("formula-unread",)
    assert "formula-unread" in REMARKS


@pytest.mark.parametrize("formula", ["?", ".", "unknown", "not known", "n/a", ""])
def test_a_formula_that_is_not_known_is_none(formula: str) -> None:
    assert remarks({FORMULA: formula}) == ()


def test_weight_and_z_without_a_formula_are_a_density() -> None:
    assert remarks({WEIGHT: "58.44", UNITS: "4"}) == ()
    assert outcome(cif(CUBE, ("Na 0 0 0",), SYMBOL | {WEIGHT: "58.44", UNITS: "4"})) == "symmetry"
    result = read(cif(CUBE, ("Na 0 0 0",), {WEIGHT: "58.44", UNITS: "4"}))
    assert isinstance(result, Reject)
    assert result.code == "incomplete"
    assert "the density is 2.1636" in result.message
    urea = ["C 0 0.5 0.33", "O 0 0.5 0.6", "N 0.14 0.64 0.18", "N -0.14 0.36 0.18"]
    urea += ["C 0.5 0 0.67", "O 0.5 0 0.4", "N 0.64 0.86 0.82", "N 0.36 0.14 0.82"]
    without_hydrogen = read(cif((5.66, 5.66, 4.71, 90, 90, 90), urea, {WEIGHT: "60.06", UNITS: "2"}))
    assert isinstance(without_hydrogen, Crystal), without_hydrogen
    assert without_hydrogen.remarks == ("hydrogen",)


def test_the_list_of_atom_types_has_no_more_elements_than_the_sites_where_no_formula_is_read() -> None:
    types = "loop_\n_atom_type_symbol\nNa1+\nCl1-\nH\n"
    cut = read(cif(CUBE, ("Na 0 0 0",), SYMBOL) + types)
    assert isinstance(cut, Reject)
    assert cut.code == "incomplete"
    assert "the list of atom types has Cl" in cut.message
    assert outcome(cif(CUBE, NACL, SYMBOL) + types) == "OK 8"
    assert outcome(cif(CUBE, ("Na 0 0 0",), SYMBOL | {FORMULA: "Na"}) + types) == "OK 4"


def test_multiplicities_of_one_without_symmetry_agree_with_nothing() -> None:
    columns = "type_symbol symmetry_multiplicity fract_x fract_y fract_z"
    sites, stated = ("Na 1 0 0 0", "Cl 1 0.5 0.5 0.5"), {FORMULA: "Cl Na", UNITS: "4"}
    for symbol in ({}, {"_symmetry_space_group_name_H-M": "P 1"}):
        assert outcome(cif(CUBE, sites, symbol | stated, columns=columns)) == "incomplete"
        assert outcome(cif(CUBE, sites, symbol | stated | {UNITS: "1"}, columns=columns)) == "OK 2"
    assert outcome(cif(CUBE, ("Na 4 0 0 0", "Cl 4 0.5 0.5 0.5"), stated, columns=columns)) == "incomplete"


@pytest.mark.parametrize(("label", "remark"), [("Oh", True), ("Ow1", True), ("WatO", True), ("O1", False)])
def test_a_label_of_water_without_its_hydrogen_is_a_remark(label: str, remark: bool) -> None:
    cell, columns = (3.142, 3.142, 4.766, 90, 90, 120), "label fract_x fract_y fract_z"
    sites = ["Mg1 0 0 0", f"{label} 0.33333 0.66667 0.2203"]
    symbol = {"_symmetry_space_group_name_H-M": "P -3 m 1"}
    bare, formula = read(cif(cell, sites, symbol, columns=columns)), {FORMULA: "Mg O2"}
    assert isinstance(bare, Crystal), bare
    assert (bare.numbers.tolist(), bare.remarks) == ([12, 8, 8], ("hydrogen",) if remark else ())
    stated = read(cif(cell, sites, symbol | formula, columns=columns))
    located = read(cif(cell, [*sites, "H1 0.33333 0.66667 0.43"], symbol, columns=columns))
    for whole in (stated, located):
        assert isinstance(whole, Crystal), whole
        assert whole.remarks == ()


STRUCTURAL, MOIETY = "_chemical_formula_structural", "_chemical_formula_moiety"


@pytest.mark.parametrize("tag", [STRUCTURAL, MOIETY, "_chemical_formula.moiety"])
@pytest.mark.parametrize(
    ("formula", "found"),
    [
        *(
            (formula, ())
            for formula in (
                "NaCl",
                "Na4 Cl4",
                "Na+, Cl-",
                "2(Na Cl)",
                "NACL",
                "NaCl H2",
                "?",
                "halite",
                "Na 0,5(Cl2)",
            )
        ),
        *((formula, ("other-formula",)) for formula in ("Mg O", "NaCl2", "K Cl", "(Na0.9 K0.1) Cl", "Na")),
    ],
)
def test_a_formula_that_is_not_that_of_the_sum_is_a_remark(
    tag: str, formula: str, found: tuple[str, ...]
) -> None:
    assert remarks(TRUE | {tag: formula}) == found


TYPES = "loop_\n_atom_type_symbol\n_atom_type_number_in_cell\n"


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        ("Na 4\nCl 4\n", "OK 8"),
        ("Na1+ 4\nCl1- 4.0\n", "OK 8"),
        ("Na ?\nCl ?\n", "OK 8"),
        ("Na 2\nCl 2\n", "symmetry"),
        ("Na 8\nCl 4\n", "symmetry"),
    ],
)
def test_the_numbers_of_the_list_of_atom_types_stand_for_z(types: str, expected: str) -> None:
    assert outcome(cif(CUBE, NACL, SYMBOL) + TYPES + types) == expected
    assert outcome(cif(CUBE, NACL, SYMBOL | {FORMULA: "Cl Na", UNITS: "4"}) + TYPES + types) == "OK 8"


def test_hydrogen_in_the_list_of_atom_types_is_a_remark() -> None:
    crystal = read(cif(CUBE, NACL, SYMBOL) + TYPES + "Na 4\nCl 4\nH 8\n")
    assert isinstance(crystal, Crystal)
    assert crystal.remarks == ("hydrogen",)


@pytest.mark.parametrize("tag", [UNITS, VOLUME, DENSITY, WEIGHT])
@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("four", True),
        ("2.1 g/cm3", True),
        ("0", True),
        ("-4", True),
        ("?", False),
        (".", False),
        ("n/a", False),
    ],
)
def test_a_number_that_cannot_be_read_is_a_remark(tag: str, value: str, told: bool) -> None:
    assert remarks({tag: value}) == (("number-unread",) if told else ())
    assert remarks({FORMULA: "Na Cl", tag: value}) == (("number-unread",) if told else ())
    assert "number-unread" in REMARKS


@pytest.mark.parametrize("written", ["'4'", "'4 '", '" 4.0"', "\n;4\n;\n"])
def test_a_number_in_quotes_or_a_text_field_is_one(written: str) -> None:
    for z, code in ((written, "OK 8"), (written.replace("4", "2"), "symmetry")):
        text = cif(CUBE, NACL, SYMBOL | {FORMULA: "Na Cl", UNITS: "0.125"}).replace("0.125", z)
        assert outcome(text) == code
