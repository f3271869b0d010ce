"""The corrections are those that the paper has for each kind of compound."""

import pytest
from pymatgen.core import Composition

from hpcvox.stability.corrections import correction

# eV an atom of the anion, and an atom of a metal with U, of Wang et al. 2021 (Table 1), as pymatgen has them
OXIDE, SULFIDE, NITRIDE, FLUORIDE, IODIDE = -0.687, -0.503, -0.361, -0.462, -0.379
FE_OXIDE, CR_FLUORIDE, MN_OXIDE = -2.256, -1.999, -1.668


@pytest.mark.parametrize(
    ("formula", "total"),
    [
        ("SrTiO3", 3 * OXIDE),
        ("Fe2O3", 3 * OXIDE + 2 * FE_OXIDE),
        ("BaMnO3", 3 * OXIDE + MN_OXIDE),
        ("CrF3", 3 * FLUORIDE + CR_FLUORIDE),
        ("FeS", SULFIDE),
        ("LaCrN3", 3 * NITRIDE),
        ("CsPbI3", 3 * IODIDE),
        *((element, 0.0) for element in ("Fe", "O2", "N2", "S")),
        ("FeTi", 0.0),
    ],
)
def test_corrections_are_those_of_the_materials_project(formula: str, total: float) -> None:
    given = correction("sevennet")
    assert given is not None
    composition = Composition(formula)
    assert given(composition.get_el_amt_dict()) == pytest.approx(total / composition.num_atoms, abs=1e-9)
    # of the same composition, however it is written
    assert given((2 * composition).get_el_amt_dict()) == given(composition.get_el_amt_dict())


def test_energies_that_were_corrected_before_are_not_corrected_again() -> None:
    assert correction("chgnet") is None
    assert correction("emt") is None
