"""What few CIFs have is never missed in their text, for nearly all of a file's checks hang on it."""

import gemmi
import pytest

from hpcvox.crystals.formats.cif.unusual import Unusual, unusual
from tests.support.small_cifs import NACL, cif

PLAIN = cif(
    (4, 4, 4, 90, 90, 90),
    NACL,
    {
        "_symmetry_space_group_name_H-M": "P 1",
        "_symmetry_Int_Tables_number": "1",
        "_symmetry_cell_setting": "cubic",
    },
    ["x,y,z"],
)


def found(text: str) -> Unusual | None:
    return unusual(text.encode(), [(gemmi.cif.read_string(text)[0], None)])


def test_the_old_dictionary_is_usual() -> None:
    assert found(PLAIN) is None


@pytest.mark.parametrize("change", [str, str.upper, str.title, str.swapcase])
@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("_space_group_name_H-M_alt", Unusual(False, False, False)),
        ("_space_group_IT_number", Unusual(False, False, False)),
        ("_space_group_symop_operation_xyz", Unusual(False, False, False)),
        ("_symmetry_space_group_name_H-M_full", Unusual(False, False, False)),
        ("_symmetry_space_group_name_Hall", Unusual(False, False, False)),
        ("_symmetry.Int_Tables_number", Unusual(False, False, True)),
        ("_symmetry_equiv.pos_as_xyz", Unusual(False, False, True)),
        ("_cell.length_a", Unusual(False, False, True)),
        ("_atom_site.fract_x", Unusual(False, False, True)),
        ("_chemical_formula.sum", Unusual(False, False, True)),
        ("_space_group_symop_magn_operation.xyz", Unusual(False, True, True)),
        ("_magnetic_space_group_BNS_number", Unusual(False, True, False)),
        ("_cell_modulation_dimension", Unusual(True, False, False)),
        ("_cell.modulation_dimension", Unusual(True, False, True)),
        ("_space_group.ssg_name", Unusual(True, False, True)),
        ("_space_group_ssg_name", Unusual(True, False, False)),
        ("_cell_wave_vector_x", Unusual(True, False, False)),
        ("_cell_subsystems_number", Unusual(True, False, False)),
        ("_atom_site_U_Fourier_axis", Unusual(True, False, False)),
        ("_atom_site_displace_Fourier_axis", Unusual(True, False, False)),
        ("_atom_site_occ_special_func_crenel_c", Unusual(True, False, False)),
        ("_atom_site_phason_formula", Unusual(True, False, False)),
        ("_exptl_crystal_type_of_structure", Unusual(True, False, False)),
    ],
)
def test_what_is_there_is_found_in_any_case(tag: str, expected: Unusual, change: type[str]) -> None:
    assert found(f"{PLAIN}{change(tag)} 1\n") == expected
