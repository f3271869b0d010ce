"""The element that a label means, alone and beside what the file states elsewhere."""

import pytest

from hpcvox.crystals.elements import ATOMIC_NUMBERS, SYMBOLS
from hpcvox.crystals.formats.cif.elements.labels import number_of_label, of_label, told
from hpcvox.errors import Rejected
from tests.support.small_cifs import cif, outcome

HEAD = "data_x\n" + "".join(f"_cell_length_{axis} 9\n" for axis in "abc")


def meant(labels: str, stated: str = "") -> str:
    return " ".join(SYMBOLS[z] for z in told([], labels.split(), frozenset(stated.split())))


@pytest.mark.parametrize(
    ("label", "symbol"),
    [
        *(("Fe1", "Fe"), ("Fe1A", "Fe"), ("O1'", "O"), ("Si(1)", "Si"), ("Al_T1", "Al"), ("Fe_oct", "Fe")),
        *(
            ("Fe2+", "Fe"),
            ("O-H", "O"),
            ("'Mo(1)_1'", "Mo"),
            ("C13*", "C"),
            ("N", "N"),
            ("W2", "W"),
            ("Co1", "Co"),
        ),
        *(("AlM1", "Al"), ("FeT2", "Fe"), ("AlOct", "Al"), ("AlTet", "Al"), ("MgX", "Mg"), ("KA(m)", "K")),
        *(("Ow1", "O"), ("OW2", "O"), ("Oh", "O"), ("WatOW", "O"), ("Wat1", "O"), ("wat", "O")),
        *(
            ("Hw", "H"),
            ("Hn1", "H"),
            ("HB1", "H"),
            ("D2", "H"),
            ("Dw", "H"),
            ("AL1", "Al"),
            ("Sl", "S"),
            ("c1", "C"),
        ),
    ],
)
def test_usual_labels_need_no_formula(label: str, symbol: str) -> None:
    assert meant(label) == symbol


@pytest.mark.parametrize(
    ("labels", "stated", "symbols"),
    [
        ("Li1 O1 HO1", "H Li O", "Li O H"),
        ("HO1 O1", "Ho O", "Ho O"),
        ("CO1 N1", "C N O H", "C N"),
        ("CO1 C1 O1", "C O Co", "Co C O"),
        ("CA1 CA2 C1 O1", "Ca C O", "Ca Ca C O"),
        ("CL1 C1", "C Cl H", "Cl C"),
        ("OG1 SI1", "O Si", "O Si"),
        ("OG Og2", "O", "O O"),
        ("Ho1 Li1 O1", "H Li O", "H Li O"),
        ("Ca1 C1 O1", "Ca C O", "Ca C O"),
        ("W1 O1 Al1", "Al O H", "O O Al"),
        ("W1 O1", "W O", "W O"),
        ("Wa1 S1", "S O H", "O S"),
        ("Ala Fea Dha", "Al Fe H O", "Al Fe H"),
        ("Nit Ga1", "Ga N", "N Ga"),
        ("NaK KK", "Na K O", "Na K"),
        ("BeA BeB B O", "Be B O", "Be Be B O"),
        ("RE1 O1", "Re O", "Re O"),
        ("T1 Li1", "Li H T", "H Li"),
        ("fe1 o1", "Fe O", "Fe O"),
    ],
)
def test_of_several_elements_the_formula_tells(labels: str, stated: str, symbols: str) -> None:
    assert meant(labels, stated) == symbols


@pytest.mark.parametrize(
    ("labels", "stated", "words"),
    [
        ("HO1", "", "HO1 can mean Ho or H, and no formula tells: add _atom_site_type_symbol"),
        ("CN1", "", "Cn or C"),
        ("OG", "", "Og or O"),
        ("NO1", "", "No or N"),
        ("CO1", "", "Co or C"),
        ("CA", "", "Ca or C"),
        ("Wa1", "", "W or O"),
        ("Ala", "", "Al or something else"),
        ("NaK1", "", "Na or something else"),
        ("RE1", "", "Re or something else"),
        ("RE1 O1", "La O", "La O, do not tell"),
        ("T1 O1", "Si O", "tritium"),
        ("HO1 O1", "Li O", "Li O, do not tell"),
        ("CA1 CB1 C1", "Ca C N", "CA1 can mean Ca or C"),
        ("CO1 Co2 C1", "Co C", "CO1 can mean Co or C"),
    ],
)
def test_what_nothing_tells_is_refused_with_its_readings(labels: str, stated: str, words: str) -> None:
    with pytest.raises(Rejected) as error:
        meant(labels, stated)
    assert error.value.code == "element"
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("label", "code"),
    [
        *(
            (label, "element")
            for label in ("Va1", "Vac", "VA", "X1", "Q2", "Du1", "DUM", "Cg1", "Cnt", "nan", "null")
        ),
        *(
            (label, "element")
            for label in ("M1", "A1", "R", "L2", "Site1", "Atom1", "Cation", "1HO", "0.0594(19)")
        ),
        *((label, "disordered") for label in ("FeMn1", "Fe/Mn", "Fe1/Mn1", "SiAl", "KNa1", "Fe,Mn")),
        *((label, "disordered") for label in ("Fe|Mn", "Fe;Mn", "Fe:Mn1")),
        *((label, "disordered") for label in ("Fe0.5Mn0.5", "Fe.5Mn.5", "Fe0.9 Mn0.1", "O0.5F0.5")),
    ],
)
def test_labels_that_name_no_one_element(label: str, code: str) -> None:
    with pytest.raises(Rejected) as error:
        of_label(label)
    assert error.value.code == code
    assert repr(label) in str(error.value)


def test_a_type_symbol_goes_before_a_label() -> None:
    assert told(["Fe", "?", "CO"], ["O1", "O2", "Qq"], frozenset({"Fe", "O", "Co"})) == [26, 8, 27]
    with pytest.raises(Rejected, match="atom 2 has no element"):
        told(["Fe", "."], ["Fe1", "?"], frozenset())


def test_only_what_can_mean_one_element_has_a_number_of_its_own() -> None:
    assert [number_of_label(label) for label in ("O1", "Ow", "AL1", "Ca1", "CA1", "?")] == [8, 8, 13, 0, 0, 0]


def test_a_point_in_a_label_is_no_mixture_by_itself() -> None:
    assert meant("Fe1.1 Fe0.5 O1.2A C1.1B Fe0.5Fe") == "Fe Fe O C Fe"


@pytest.mark.parametrize(
    "word", ["atom1", "ATOM1", "LIG1", "MOL2", "GAS1", "BOND", "UNIT1", "Mg_Fe", "Mg-Fe", "Mg Fe"]
)
def test_words_and_pairs_of_symbols_are_elements_where_the_formula_says_so(word: str) -> None:
    assert not of_label(word).certain
    with pytest.raises(Rejected, match="no formula tells"):
        told([], [word], frozenset())
    element = of_label(word).elements[0]
    assert told([], [word], frozenset({element})) == [ATOMIC_NUMBERS[element]]


@pytest.mark.parametrize("label", ["ALM1", "TIOCT", "MGA", "Mg_O", "Fe-O1", "Si_1", "OAX"])
def test_marks_behind_a_symbol_are_no_words(label: str) -> None:
    assert of_label(label).certain


@pytest.mark.parametrize(
    "label",
    [
        "SO4",
        "BF4",
        "ClO4",
        "PF6",
        "UO2",
        "CH3",
        "So4",
        "so4",
        "SO4_1",
        "P2O7",
        "Si2O5",
        "H2O",
        "D2O",
        "S(OH)2",
    ],
)
def test_a_label_that_may_be_a_group_of_atoms_is_an_element_where_the_formula_says_so(label: str) -> None:
    """By the dictionary a label begins with the type symbol, and SO is none."""
    with pytest.raises(Rejected, match="or something else, and no formula tells"):
        meant(label)
    element = next((two for two in ("Cl", "Si") if label.startswith(two)), label[0].upper().replace("D", "H"))
    assert meant(label, f"{element} O F H Na") == element
    with pytest.raises(Rejected, match="do not tell"):
        meant(label, "Na K")


def test_a_group_whose_other_atoms_are_not_listed_lacks_them() -> None:
    sites = ("Na1 0 0 0", "Na2 0.5 0.5 0", "SO4 0.5 0 0.5")
    text = cif((6, 6, 6, 90, 90, 90), sites, {}, columns="label fract_x fract_y fract_z")
    assert outcome(text) == "element"
    stated = {"_chemical_formula_sum": "Na2 O4 S"}
    assert (
        outcome(cif((6, 6, 6, 90, 90, 90), sites, stated, columns="label fract_x fract_y fract_z"))
        == "incomplete"
    )


@pytest.mark.parametrize(
    ("label", "symbol"),
    [
        ("OF1", "O"),
        ("OH", "O"),
        ("OHW", "O"),
        ("RH1", "Rh"),
        ("TH1", "Th"),
        ("MO1", "Mo"),
        ("Rh1", "Rh"),
        ("SX1", "S"),
        ("O2H", "O"),
        ("C1A", "C"),
        ("Fe(III)", "Fe"),
        ("Fe(OCT)", "Fe"),
    ],
)
def test_marks_of_oxygen_and_symbols_of_two_letters_are_no_groups(label: str, symbol: str) -> None:
    assert meant(label) == symbol
