"""What CIFs state of their symmetry: read in every spelling, and held against itself and the cell."""

import gemmi
import pytest

from hpcvox.crystals.record import Crystal, Reject
from tests.support.small_cifs import NACL, cif, outcome, read

CUBE = (5.64, 5.64, 5.64, 90, 90, 90)
MONOCLINIC = (5, 6, 7, 90, 100, 90)
SYMBOL = "_symmetry_space_group_name_H-M"
NUMBER = "_symmetry_Int_Tables_number"
CODE = "_space_group_IT_coordinate_system_code"
P21C = ("x,y,z", "-x,y+1/2,-z+1/2", "-x,-y,-z", "x,-y+1/2,z+1/2")
SILICON = (5.431, 5.431, 5.431, 90, 90, 90)


def triplets(xhm: str) -> list[str]:
    """The operations of a space group that gemmi knows."""
    return [operation.triplet() for operation in gemmi.SpaceGroup(xhm).operations()]


@pytest.mark.parametrize(
    ("symbol", "cell", "atoms"),
    [
        *(
            (symbol, MONOCLINIC, 4)
            for symbol in ("P 21/c", "P2(1)/c", "P 2_1/c", "P12(1)/c1", "P2~1~/c", "P 1 21/c 1")
        ),
        *((symbol, MONOCLINIC, 4) for symbol in ("P2(1)/n", "P 2_1/n", "P 2<sub>1</sub>/n")),
        *((symbol, CUBE, 192) for symbol in ("F m -3 m", "Fm3m", "F 4/m -3 2/m", "F m \\-3 m", "F m −3 m")),
        ("F d -3 m S", CUBE, 192),
        ("F d -3 m (origin choice 2)", CUBE, 192),
        ("P 4/n m m :1", CUBE, 16),
        ("R -3 m H", (4, 4, 10, 90, 90, 120), 36),
        ("R -3 m R", (4, 4, 4, 70, 70, 70), 12),
        ("R -3 m", (4, 4, 10, 90, 90, 120), 36),
        ("R -3 m", (4, 4, 4, 70, 70, 70), 12),
        ("P 21/n 21/m 21/a", (5, 6, 7, 90, 90, 90), 8),
        ("C m c e", (5, 6, 7, 90, 90, 90), 16),
    ],
)
def test_symbols_are_read_in_the_spellings_of_programs(
    symbol: str, cell: tuple[float, ...], atoms: int
) -> None:
    big = tuple(10 * length for length in cell[:3]) + cell[3:]
    text = cif(big, ["C 0.11 0.26 0.34"], {SYMBOL: symbol})
    assert outcome(text) == f"OK {atoms}"


@pytest.mark.parametrize(
    ("number", "cell", "atoms"),
    [
        (155, (4.0718, 4.0718, 4.0718, 90.459, 90.459, 90.459), 6),
        (155, (5.8, 5.8, 7.1, 90, 90, 120), 18),
        (14, (5, 6, 7, 90, 100, 90), 4),
        (225, CUBE, 192),
    ],
)
def test_the_cell_chooses_the_axes_of_a_number(number: int, cell: tuple[float, ...], atoms: int) -> None:
    big = tuple(10 * length for length in cell[:3]) + cell[3:]
    assert outcome(cif(big, ["C 0.11 0.26 0.34"], {NUMBER: str(number)})) == f"OK {atoms}"


def test_the_coordinate_system_code_chooses_the_origin() -> None:
    spinel = ["Mg 0.125 0.125 0.125", "Al 0.5 0.5 0.5", "O 0.2624 0.2624 0.2624"]
    text = cif((8.0831, 8.0831, 8.0831, 90, 90, 90), spinel, {SYMBOL: "F d -3 m", CODE: "2"})
    assert outcome(text) == "OK 56"
    assert outcome(text.replace(f"{CODE} 2", f"{CODE} 7")) == "symmetry"


@pytest.mark.parametrize(
    "words",
    [
        {"_cell_formula_units_Z": "8", "_chemical_formula_sum": "Si"},
        {"_exptl_crystal_density_diffrn": "2.329"},
    ],
)
def test_an_open_origin_is_taken_that_agrees_with_the_file(words: dict[str, str]) -> None:
    first = cif(SILICON, ["Si 0 0 0"], {SYMBOL: "F d -3 m", **words})
    second = cif(SILICON, ["Si 0.125 0.125 0.125"], {SYMBOL: "F d -3 m", **words})
    assert outcome(first) == outcome(second) == "OK 8"


def test_an_origin_that_nothing_tells_rejects() -> None:
    result = read(cif(SILICON, ["Si 0 0 0"], {SYMBOL: "F d -3 m"}))
    assert isinstance(result, Reject)
    assert result.code == "symmetry"
    assert "F d -3 m:1 and F d -3 m:2 may both be meant" in result.message


def test_multiplicities_tell_the_origin() -> None:
    columns = "type_symbol site_symmetry_multiplicity fract_x fract_y fract_z"
    text = cif(SILICON, ["Si 8 0.125 0.125 0.125"], {SYMBOL: "F d -3 m"}, columns=columns)
    assert outcome(text) == "OK 8"


@pytest.mark.parametrize("missing", range(4))
def test_a_list_that_lacks_an_operation_is_no_group(missing: int) -> None:
    listed = [operation for i, operation in enumerate(P21C) if i != missing]
    result = read(cif(MONOCLINIC, ["C 0.1 0.2 0.3"], operations=listed))
    assert isinstance(result, Reject)
    assert result.code == "symmetry"
    assert "are no group" in result.message


@pytest.mark.parametrize(
    "xhm", ["F d -3 m:2", "I 41/a m d:1", "R -3 c:H", "P 63/m m c", "P 1 21/c 1", "I a -3 d"]
)
def test_a_list_of_a_group_in_any_order_is_its_group(xhm: str) -> None:
    group = gemmi.SpaceGroup(xhm)
    cell = {"hexagonal": (20, 20, 30, 90, 90, 120), "trigonal": (20, 20, 30, 90, 90, 120)}.get(
        group.crystal_system_str(), (40, 40, 40, 90, 90, 90)
    )
    listed = triplets(xhm)
    items = {SYMBOL: xhm.replace(":", " :"), NUMBER: str(group.number)}
    expected = f"OK {len(listed)}"
    assert outcome(cif(cell, ["C 0.11 0.26 0.34"], items, listed)) == expected
    assert outcome(cif(cell, ["C 0.11 0.26 0.34"], items, listed[::-1])) == expected


def test_operations_that_do_not_turn_the_cell_into_itself_reject() -> None:
    primitive = (2.9783, 2.9783, 2.9783, 60, 60, 60)
    for items in ({SYMBOL: "F m -3 m"}, {NUMBER: "225"}):
        assert outcome(cif(primitive, NACL, items)) == "symmetry"
    assert outcome(cif(primitive, NACL, operations=triplets("F m -3 m"))) == "symmetry"
    assert outcome(cif((3.99, 3.99, 4.03, 90, 90, 90), NACL, {SYMBOL: "P m -3 m"})) == "symmetry"
    assert outcome(cif((3.99, 3.99, 3.991, 90, 90, 90), NACL, {SYMBOL: "P m -3 m"})) == "OK 2"


@pytest.mark.parametrize(
    "items",
    [
        {SYMBOL: "P n m a"},
        {NUMBER: "62"},
        {SYMBOL: "P 21/c", NUMBER: "62"},
        {"_symmetry_cell_setting": "orthorhombic"},
    ],
)
def test_operations_and_names_that_contradict_each_other_reject(items: dict[str, str]) -> None:
    assert outcome(cif((5, 6, 7, 90, 90, 90), ["C 0.1 0.2 0.3"], operations=P21C)) == "OK 4"
    assert outcome(cif((5, 6, 7, 90, 90, 90), ["C 0.1 0.2 0.3"], items, P21C)) == "symmetry"


def test_symbol_and_number_that_contradict_each_other_reject() -> None:
    assert outcome(cif(CUBE, NACL, {SYMBOL: "F m -3 m", NUMBER: "221"})) == "symmetry"


def test_the_identity_beside_a_symbol_is_decided_by_what_the_file_says() -> None:
    listed = {SYMBOL: "F m -3 m", "_chemical_formula_sum": "Na Cl"}
    assert outcome(cif(CUBE, NACL, {**listed, "_cell_formula_units_Z": "4"}, ["x,y,z"])) == "OK 8"
    assert outcome(cif(CUBE, NACL, {**listed, "_cell_formula_units_Z": "1"}, ["x,y,z"])) == "OK 2"
    assert outcome(cif(CUBE, NACL, {SYMBOL: "F m -3 m"}, ["x,y,z"])) == "symmetry"


def test_all_atoms_listed_beside_their_group_are_all_atoms() -> None:
    corners = ((0, 0, 0), (0.5, 0.5, 0), (0.5, 0, 0.5), (0, 0.5, 0.5))
    sites = [f"Na {x} {y} {z}" for x, y, z in corners] + [f"Cl {x + 0.5} {y} {z}" for x, y, z in corners]
    assert outcome(cif(CUBE, sites, {SYMBOL: "F m -3 m"}, ["x,y,z"])) == "OK 8"


def test_only_a_block_without_a_word_of_symmetry_is_complete() -> None:
    assert outcome(cif(CUBE, NACL)) == "OK 2"
    assert outcome(cif(CUBE, NACL, {"_symmetry_cell_setting": "triclinic"})) == "OK 2"
    for items in ({"_symmetry_cell_setting": "cubic"}, {"_space_group_reference_setting": "225:F m -3 m"}):
        assert outcome(cif(CUBE, NACL, items)) == "symmetry"


@pytest.mark.parametrize(
    "tag", ["_space_group_symop_magn_operation.xyz", "_space_group_symop.magn_operation_xyz"]
)
def test_magnetic_operations_and_centrings_make_the_crystal(tag: str) -> None:
    magnetic = (
        f"loop_\n{tag}\nx,y,z,+1\n-x,-y,-z,-1\n"
        f"loop_\n{tag.replace('operation', 'centering')}\nx,y,z,+1\nx+1/2,y+1/2,z+1/2,-1\n"
    )
    assert outcome(cif(CUBE, ["Cr 0.1 0.2 0.3"]) + magnetic) == "OK 4"
    part = magnetic.replace("-x,-y,-z,-1\n", "-x,-y,-z,-1\n-y,x,z,+1\n")
    assert outcome(cif(CUBE, ["Cr 0 0 0"]) + part) == "OK 2"  # no group, but the same atoms
    assert outcome(cif(CUBE, ["Cr 0.1 0.2 0.3"]) + part) == "symmetry"


@pytest.mark.parametrize(
    "words",
    [
        "_cell_modulation_dimension 1\n",
        "_space_group_ssg_name 'P -1(0b0)0'\n",
        "loop_\n_space_group_symop_ssg_operation_algebraic\nx1,x2,x3,x4\n",
        "loop_\n_cell_wave_vector_seq_id\n_cell_wave_vector_x\n1 0.3\n",
    ],
)
def test_a_modulated_crystal_is_named_as_one(words: str) -> None:
    assert outcome(cif(CUBE, NACL, {"_chemical_formula_sum": "Na Cl2"}) + words) == "modulated"


def test_a_dimension_of_no_modulation_is_none() -> None:
    assert outcome(cif(CUBE, NACL) + "_cell_modulation_dimension 0\n") == "OK 2"


def test_angles_that_symmetry_makes_right_may_be_absent() -> None:
    assert outcome(cif(CUBE[:3], NACL, {SYMBOL: "F m -3 m"})) == "OK 8"
    assert outcome(cif(CUBE[:3], NACL, {SYMBOL: "P 1"})) == "cell"
    assert outcome(cif((4, 4, 6), NACL, {SYMBOL: "P 63/m m c"})) != "OK"


def test_a_group_without_a_known_setting_is_still_checked() -> None:
    shifted = [
        "x,y,z",
        "-x+1/8,y+1/2,-z+5/8",
        "-x+1/8,-y,-z+1/8",
        "x,-y+1/2,z+1/2",
    ]  # P 21/c of another origin
    assert outcome(cif(MONOCLINIC, ["C 0.1 0.2 0.3"], {NUMBER: "14"}, shifted)) == "OK 4"
    assert outcome(cif(MONOCLINIC, ["C 0.1 0.2 0.3"], {NUMBER: "15"}, shifted)) == "symmetry"


def test_what_is_read_is_a_crystal() -> None:
    crystal = read(cif(CUBE, NACL, {SYMBOL: "F m -3 m"}))
    assert isinstance(crystal, Crystal)
    assert (crystal.formula, crystal.remarks) == ("NaCl", ())
