"""What an atom site's type symbol says, as a CIF has it."""

import pytest

from hpcvox.crystals.elements import SYMBOLS
from hpcvox.crystals.formats.cif.elements.symbols import UNKNOWN, number_of_type, of_type
from hpcvox.errors import Rejected


def test_every_symbol_is_its_element_also_charged_and_quoted() -> None:
    for z, symbol in enumerate(SYMBOLS[1:], start=1):
        for written in (symbol, f"'{symbol}'", f"{symbol}2+", f"{symbol}-2", f"{symbol}0+", f"{symbol}3"):
            assert number_of_type(written) == z, written


@pytest.mark.parametrize(
    ("written", "symbol"),
    [
        *(
            ("FE", "Fe"),
            ("fe", "Fe"),
            ("o", "O"),
            ("SI4+", "Si"),
            ("Fe++", "Fe"),
            ("O--", "O"),
            ("Fe 3+", "Fe"),
        ),
        *(("Ti3.5+", "Ti"), ("Fe(III)", "Fe"), ("FeIII", "Fe"), ("Fe(3+)", "Fe"), ("D", "H"), ("D1+", "H")),
        *(
            ("2H", "H"),
            ("57Fe", "Fe"),
            ("11B", "B"),
            ("Cval", "C"),
            ("Siva", "Si"),
            ("CL1-", "Cl"),
            ("NA", "Na"),
        ),
        *(("CS", "Cs"), ("SN", "Sn"), ("Co", "Co"), ("Nh", "Nh")),
        *(("Fe+III", "Fe"), ("O-II", "O"), ("Mn+IV", "Mn")),
    ],
)
def test_decorated_symbols(written: str, symbol: str) -> None:
    assert SYMBOLS[number_of_type(written)] == symbol


@pytest.mark.parametrize(
    ("written", "code", "words"),
    [
        *(
            (word, "element", f"'{word}'")
            for word in ("UNK", "Va", "Vac", "vacancy", "X", "Q", "Du", "dum", "Dummy")
        ),
        *((word, "element", "value that is not known") for word in ("nan", "NaN", "None", "null", "NULL")),
        *(
            (word, "element", "valid is an element's symbol")
            for word in ("na", "no", "N/A", "Nit", "Lig", "Xe1A")
        ),
        *(
            (word, "element", "not a chemical element")
            for word in ("M", "A", "R", "L", "AA", "EI", "Hw", "Uuo")
        ),
        *(
            (word, "element", "not a chemical element")
            for word in ("Fe_pv", "Fe0.5", "0.5Fe", "200Fe", "1H2X")
        ),
        *((word, "disordered", "Fe and Mn") for word in ("FeMn", "Fe/Mn", "Fe,Mn", "(Fe,Mn)", "Fe0.5Mn0.5")),
        *(
            (word, "disordered", "Fe and Mn")
            for word in ("Fe2+/Mn3+", "0.5(1)Fe + 0.5(1)Mn", "Fe Mn", "Fe|Mn")
        ),
        ("CN", "disordered", "C and N"),
        *(
            (word, "incomplete", "O with hydrogen")
            for word in ("OH", "'OH2'", "H2O", "OH-", "Ow", "Oh", "Wat", "OD")
        ),
        *((word, "incomplete", "N with hydrogen") for word in ("NH4", "NH3", "NH4+", "NH")),
        ("N(CH3)4", "incomplete", "N and C with hydrogen"),
        ("BH4", "incomplete", "B with hydrogen"),
    ],
)
def test_what_is_no_element_says_why(written: str, code: str, words: str) -> None:
    with pytest.raises(Rejected) as error:
        number_of_type(written)
    assert error.value.code == code
    assert words in str(error.value)
    assert written.strip("'") in str(error.value)


def test_unknown_marks_and_what_only_the_formula_tells_have_no_number() -> None:
    for mark in (".", "?", "", "'.'"):
        assert of_type(mark) is UNKNOWN
    for written in ("CO", "HO3+", "ND4", "RE", "TM", "T"):
        assert number_of_type(written) == 0
        assert len(of_type(written).elements) == 1
