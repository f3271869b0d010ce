"""What CIFs state of their symmetry: read in every spelling, and held against itself and the cell."""

import gemmi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcvox.crystals.record import Crystal, Reject
from tests.support.small_cifs import NACL, cif, outcome, read

CUBE = (5.64, 5.64, 5.64, 90, 90, 90)
MONOCLINIC = (5, 6, 7, 90, 100, 90)
SYMBOL = "_symmetry_space_group_name_H-M"
NUMBER = "_symmetry_Int_Tables_number"
CODE = "_space_group_IT_coordinate_system_code"
P21C = ("x,y,z", "-x,y+1/2,-z+1/2", "-x,-y,-z", "x,-y+1/2,z+1/2")
HALL = "_symmetry_space_group_name_Hall"
FOUR = {"_chemical_formula_sum": "C", "_cell_formula_units_Z": "4"}
"""What tells that there are four atoms of carbon in the cell."""
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


UNIQUE = {"a": (50, 60, 70, 100, 90, 90), "b": (50, 60, 70, 90, 100, 90), "c": (50, 60, 70, 90, 90, 100)}
"""Monoclinic cells by their unique axis."""


@pytest.mark.parametrize(
    ("symbol", "axis", "setting"),
    [
        ("P 21/n", "a", "P 21/n 1 1"),
        ("P 21/n", "b", "P 1 21/n 1"),
        ("P2(1)/n", "c", "P 1 1 21/n"),
        ("P 21/a", "c", "P 1 1 21/a"),
        ("P 21/b", "a", "P 21/b 1 1"),
        ("P 21/b", "c", "P 1 1 21/b"),
        ("P 21/c", "a", "P 21/c 1 1"),
        ("P 21", "c", "P 1 1 21"),
        ("C 2/m", "a", "C 2/m 1 1"),
        ("A 2/m", "c", "A 1 1 2/m"),
        ("I 2/m", "c", "I 1 1 2/m"),
        ("A 2/a", "c", "A 1 1 2/a"),
        ("I 2/b", "c", "I 1 1 2/b"),
        ("B 2/b", "c", "B 1 1 2/b"),
        ("I b", "a", "I b 1 1"),
    ],
)
def test_the_letters_of_a_short_symbol_choose_the_glide_and_the_cell_the_axis(
    symbol: str, axis: str, setting: str
) -> None:
    site = ["C 0.13 0.29 0.41"]
    named, listed = (
        read(cif(UNIQUE[axis], site, {SYMBOL: symbol})),
        read(cif(UNIQUE[axis], site, operations=triplets(setting))),
    )
    assert isinstance(named, Crystal), named
    assert isinstance(listed, Crystal)
    assert named.remarks == ()
    assert sorted(named.frac.round(6).tolist()) == sorted(listed.frac.round(6).tolist())


def test_a_number_that_leaves_the_glide_open_is_not_guessed() -> None:
    assert outcome(cif(UNIQUE["c"], ["C 0.13 0.29 0.41"], {NUMBER: "14"})) == "symmetry"
    assert outcome(cif(UNIQUE["c"], ["C 0.13 0.29 0.41"], {NUMBER: "4"})) == "OK 2"


@pytest.mark.parametrize(
    ("symbol", "cell", "atoms"),
    [
        ("P 21/c (#14)", UNIQUE["b"], 4),
        ("P 21/c #14", UNIQUE["b"], 4),
        ("P 21/c (No. 14)", UNIQUE["b"], 4),
        ("P 1 21/c 1, no. 14", UNIQUE["b"], 4),
        ("P2(1)/c (14)", UNIQUE["b"], 4),
        ("Fm-3m (225)", CUBE, 192),
        ("F m -3 m [225]", CUBE, 192),
        ("P -1 (2)", UNIQUE["b"], 2),
        ("P-1 (#2)", UNIQUE["b"], 2),
        ("P 2(1)", UNIQUE["b"], 2),
        ("P2(1) (4)", UNIQUE["b"], 2),
        ("R -3 m (hexagonal axes)", (4, 4, 10, 90, 90, 120), 36),
        ("R -3 m (rhombohedral axes)", (4, 4, 4, 70, 70, 70), 12),
        ("R -3 m (hexagonal axes) (No. 166)", (4, 4, 10, 90, 90, 120), 36),
        ("F d -3 m O2", CUBE, 192),
        ("P 21/n (unique axis c)", UNIQUE["c"], 4),
    ],
)
def test_comments_in_symbols_are_understood(symbol: str, cell: tuple[float, ...], atoms: int) -> None:
    big = tuple((1 if length > 20 else 10) * length for length in cell[:3]) + cell[3:]
    crystal = read(cif(big, ["C 0.13 0.29 0.41"], {SYMBOL: symbol}))
    assert isinstance(crystal, Crystal), crystal
    assert (crystal.n_sites, crystal.remarks) == (atoms, ())


@pytest.mark.parametrize(
    ("items", "axis"),
    [
        ({SYMBOL: "P 21/c (#15)"}, "b"),
        ({SYMBOL: "P 21/c (15)"}, "b"),
        ({SYMBOL: "P 21/c (No. 15)", NUMBER: "14"}, "b"),
        ({SYMBOL: "P 21/c (#14)", NUMBER: "15"}, "b"),
        ({SYMBOL: "P 21/n (unique axis b)"}, "c"),
        ({SYMBOL: "P 21/c (a remark)"}, "b"),
    ],
)
def test_a_comment_that_contradicts_or_is_not_understood_rejects(items: dict[str, str], axis: str) -> None:
    assert outcome(cif(UNIQUE[axis], ["C 0.13 0.29 0.41"], items)) == "symmetry"


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


@pytest.mark.parametrize(
    ("setting", "items", "words"),
    [
        ("P 1 21/c 1", {SYMBOL: "P 1 21/n 1"}, ("P 1 21/c 1", "the symbol P 1 21/n 1")),
        ("P 1 21/n 1", {SYMBOL: "P 1 21/c 1"}, ("P 1 21/n 1", "the symbol P 1 21/c 1")),
        ("P 1 21/c 1", {SYMBOL: "P 21/n"}, ("P 1 21/c 1", "the symbol P 21/n")),
        ("P 1 21/n 1", {HALL: "-P 2ybc"}, ("P 1 21/n 1", "the Hall symbol -P 2ybc is of P 1 21/c 1")),
        ("P 1 21/n 1", {SYMBOL: "P 21/c", CODE: "b1"}, ("P 1 21/n 1", "the coordinate system b1")),
        ("P 21 21 2", {SYMBOL: "P 2 21 21"}, ("P 21 21 2", "the symbol P 2 21 21")),
    ],
)
def test_operations_of_another_setting_than_is_stated_are_held_to_the_rest_of_the_file(
    setting: str, items: dict[str, str], words: tuple[str, ...]
) -> None:
    site, listed = ["C 0.1 0.2 0.3"], triplets(setting)
    cell = MONOCLINIC if "/" in setting else (5, 6, 7, 90, 90, 90)
    for more in (FOUR, {"_exptl_crystal_density_diffrn": "0.386" if cell == MONOCLINIC else "0.380"}):
        crystal = read(cif(cell, site, {**items, **more}, listed))
        assert isinstance(crystal, Crystal), crystal
        assert (crystal.n_sites, crystal.remarks) == (4, ("setting",))
    columns = "type_symbol site_symmetry_multiplicity fract_x fract_y fract_z"
    assert outcome(cif(cell, ["C 4 0.1 0.2 0.3"], items, listed, columns)) == "OK 4"
    wrong = {**FOUR, "_cell_formula_units_Z": "8"}
    for more in (
        {},
        {"_chemical_formula_sum": "C"},
        wrong,
        {**wrong, "_exptl_crystal_density_diffrn": "0.386"},
    ):
        result = read(cif(cell, site, {**items, **more}, listed))
        assert isinstance(result, Reject)
        assert result.code == "symmetry"
        assert all(word in result.message for word in words), result.message


@pytest.mark.parametrize(
    "items", [{SYMBOL: "F d -3 m :1"}, {SYMBOL: "F d -3 m S"}, {SYMBOL: "F d -3 m", CODE: "1"}]
)
def test_operations_of_another_origin_than_is_stated_are_held_to_the_rest_of_the_file(
    items: dict[str, str],
) -> None:
    listed = triplets("F d -3 m:2")
    assert outcome(cif(SILICON, ["Si 0 0 0"], items, listed)) == "symmetry"
    items = {**items, "_chemical_formula_sum": "Si", "_cell_formula_units_Z": "8"}
    assert outcome(cif(SILICON, ["Si 0 0 0"], items, listed)) == "symmetry"
    crystal = read(cif(SILICON, ["Si 0.125 0.125 0.125"], items, listed))
    assert isinstance(crystal, Crystal)
    assert (crystal.n_sites, crystal.remarks) == (8, ("setting",))


def test_a_cell_that_only_the_operations_fit_tells_the_setting() -> None:
    crystal = read(cif(UNIQUE["c"], ["C 0.1 0.2 0.3"], {SYMBOL: "P 1 21/a 1"}, triplets("P 1 1 21/a")))
    assert isinstance(crystal, Crystal)
    assert (crystal.n_sites, crystal.remarks) == (4, ("setting",))


def test_a_symbol_that_leaves_the_setting_open_is_of_the_listed_one() -> None:
    for setting, symbol in (
        ("P 1 21/n 1", "P 21/c"),
        ("I 1 2/a 1", "C 2/c"),
        ("F d -3 m:2", "F d -3 m"),
        ("P 1 21/n 1", "P 21/n"),
        ("C c c a:1", "C c c b :1"),  # the same operations
    ):
        cell = (50, 50, 50, 90, 90, 90)
        crystal = read(cif(cell, ["C 0.13 0.29 0.41"], {SYMBOL: symbol}, triplets(setting)))
        assert isinstance(crystal, Crystal), crystal
        assert crystal.remarks == ()


RIGHT_ANGLED = [group.xhm() for group in gemmi.spacegroup_table() if not 143 <= group.number < 195]
"""Settings that a cubic cell fits."""


@given(st.sampled_from(RIGHT_ANGLED), st.data())
def test_no_list_of_another_setting_passes_in_silence(listed: str, data: st.DataObject) -> None:
    number = gemmi.SpaceGroup(listed).number
    same = [xhm for xhm in RIGHT_ANGLED if gemmi.SpaceGroup(xhm).number == number]
    symbol = data.draw(st.sampled_from(same))
    text = cif((60, 60, 60, 90, 90, 90), ["C 0.13 0.29 0.41"], {SYMBOL: symbol}, triplets(listed))
    result = read(text)
    agree = set(triplets(listed)) == set(triplets(symbol))
    assert isinstance(result, Crystal) == agree, (listed, symbol, result)


def test_names_of_two_settings_are_decided_by_what_the_file_says() -> None:
    names = {HALL: "-P 2ybc", SYMBOL: "P 1 21/n 1"}
    assert outcome(cif(MONOCLINIC, ["C 0.1 0.2 0.3"], {**names, **FOUR})) == "symmetry"  # 4 by either
    origins = {
        HALL: "F 4d 2 3 -1d",
        SYMBOL: "F d -3 m :2",
        "_chemical_formula_sum": "Si",
        "_cell_formula_units_Z": "8",
    }
    codes = {SYMBOL: "F d -3 m :2", CODE: "1", "_exptl_crystal_density_diffrn": "2.33"}
    for items in (origins, codes):
        for place in ("0 0 0", "0.125 0.125 0.125"):
            crystal = read(cif(SILICON, [f"Si {place}"], items))
            assert isinstance(crystal, Crystal), crystal
            assert (crystal.n_sites, crystal.remarks) == (8, ("setting",))
    assert outcome(cif(MONOCLINIC, ["C 0.1 0.2 0.3"], {HALL: "-P 2ac 2n"}, P21C)) == "symmetry"
    assert outcome(cif(CUBE, NACL, {HALL: "-F 4 2 3"}, ["x,y,z"])) == "symmetry"


SYMBOLS = (
    "_space_group_name_H-M_alt",
    "_space_group.name_H-M_alt",
    "_space_group_name_H-M_full",
    "_symmetry_space_group_name_H-M_alt",
    "_space_group_name_H-M_ref",
    "_SPACE_GROUP_NAME_H-M_ALT",
)
NUMBERS = ("_space_group_IT_number", "_space_group.IT_number", "_Space_Group_IT_Number")
LISTS = (
    "_space_group_symop_operation_xyz",
    "_space_group_symop.operation_xyz",
    "_SPACE_GROUP_SYMOP_OPERATION_XYZ",
)


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(
    ("old", "new", "same", "others"),
    [
        *((SYMBOL, tag, ("F m -3 m", "Fm3m"), ("P 1", "P m -3 m")) for tag in SYMBOLS),
        *((NUMBER, tag, ("225", "0225"), ("1", "221")) for tag in NUMBERS),
        (HALL, "_space_group_name_Hall", ("-F 4 2 3", "-f 4 2 3"), ("P 1", "-P 4 2 3")),
    ],
)
def test_tags_that_mean_the_same_thing_must_say_it(
    old: str, new: str, same: tuple[str, ...], others: tuple[str, ...], order: int
) -> None:
    stated = cif(CUBE, NACL) + f"{old} '{same[0]}'\n"
    tags = (old, new)[::order]
    for value in (*same, "?"):
        assert outcome(cif(CUBE, NACL, dict(zip(tags, (same[0], value), strict=True)))) == "OK 8"
    for value in others:
        result = read(stated + f"{new} '{value}'\n")
        assert isinstance(result, Reject)
        assert result.code == "symmetry"
        assert all(word in result.message for word in (same[0], value))
        assert old.lower() in result.message.lower()
        assert new.lower() in result.message.lower()


def test_of_two_symbols_the_one_that_says_more_is_taken() -> None:
    for first, second in (("F d -3 m", "F d -3 m :2"), ("F d -3 m :2", "Fd-3m")):
        items = {SYMBOL: first, "_space_group_name_H-M_alt": second}
        assert outcome(cif(SILICON, ["Si 0.125 0.125 0.125"], items)) == "OK 8"
    contradiction = {SYMBOL: "F d -3 m :1", "_space_group_name_H-M_alt": "F d -3 m :2"}
    assert outcome(cif(SILICON, ["Si 0.125 0.125 0.125"], contradiction)) == "symmetry"
    for reference, expected in (("P 1 21/c 1", "OK 4"), ("P n m a", "symmetry")):
        items = {SYMBOL: "P 1 21/n 1", "_space_group_name_H-M_ref": reference}
        assert outcome(cif(MONOCLINIC, ["C 0.1 0.2 0.3"], items)) == expected
    assert outcome(cif(CUBE, NACL, {SYMBOL: "nonsense", "_space_group_name_H-M_alt": "F m -3 m"})) == "OK 8"


@pytest.mark.parametrize("tag", LISTS)
def test_two_lists_must_have_the_same_operations(tag: str) -> None:
    first = cif((9, 10, 11, 85, 95, 100), ["C 0.1 0.2 0.3"], operations=["x,y,z", "-x,-y,-z"])
    assert outcome(f"{first}loop_\n{tag}\n'-x, -y, -z'\n'x, y, z'\n") in ("OK 2", "cif-syntax")
    assert outcome(f"{first}loop_\n{tag}\nx,y,z\n-x,-y,-z\n") == "OK 2"
    assert outcome(f"{first}loop_\n{tag}\nx,y,z\n") == "symmetry"
    assert outcome(f"{first}loop_\n{tag}\n?\n") == "OK 2"
    identity = cif((9, 10, 11, 85, 95, 100), ["C 0.1 0.2 0.3"], operations=["x,y,z"])
    assert outcome(f"{identity}loop_\n{tag}\nx,y,z\n-x,-y,-z\n") == "symmetry"


def test_two_crystal_systems_are_both_held_against_the_group() -> None:
    items = {
        SYMBOL: "P 1 21/c 1",
        "_symmetry_cell_setting": "monoclinic",
        "_space_group_crystal_system": "monoclinic",
    }
    assert outcome(cif(MONOCLINIC, ["C 0.1 0.2 0.3"], items)) == "OK 4"
    items["_space_group_crystal_system"] = "orthorhombic"
    assert outcome(cif(MONOCLINIC, ["C 0.1 0.2 0.3"], items)) == "symmetry"


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
    "tag",
    [
        "_space_group_symop_magn_operation.xyz",
        "_space_group_symop.magn_operation_xyz",
        "_Space_Group_Symop_Magn_operation.xyz",
    ],
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
        "_magnetic_space_group_BNS_number 62.448\n",
        "_space_group_magn.number_BNS 62.441\n",
        "_space_group_magn.name_BNS \"P n' m a'\"\n",
        "_parent_space_group.IT_number 62\n",
        "_parent_space_group.name_H-M_alt 'P n m a'\n",
    ],
)
def test_a_magnetic_group_without_its_operations_is_not_p1(words: str) -> None:
    assert outcome(cif(CUBE, NACL) + words) == "symmetry"
    beside = outcome(cif(CUBE, NACL, operations=["x,y,z"]) + words)
    assert beside == ("OK 2" if "parent" in words else "symmetry")


def test_a_magnetic_group_that_is_p1_has_the_identity_alone() -> None:
    for words in ("number_BNS 1.1", 'name_BNS "P 1 1\'"', "number_OG 1.3.3", "name_BNS P_S1", "name_BNS ?"):
        assert outcome(f"{cif(CUBE, NACL, operations=['x,y,z'])}_space_group_magn.{words}\n") == "OK 2"


@pytest.mark.parametrize(
    "words",
    [
        "_cell_modulation_dimension 1\n",
        "_Cell_Modulation_Dimension 1\n",
        "_cell.modulation_dimension 1\n",
        "_space_group.ssg_name 'P n m a(00g)0s0'\n",
        "_SPACE_GROUP_SSG_NAME 'P n m a(00g)0s0'\n",
        "_space_group_magn.ssg_name_BNS 'P21221'\n",
        "loop_\n_space_group_symop_ssg.id\n_space_group_symop_ssg.operation_algebraic\n1 x1,x2,x3,x4\n",
        "_cell_wave_vector.x 0.31\n",
        "_cell_subsystems_number 2\n",
        "loop_\n_cell_subsystem.code\nTiS2\nLa\n",
        "loop_\n_atom_site_Fourier_wave_vector_seq_id\n_atom_site_Fourier_wave_vector_z\n1 0.31\n",
        "loop_\n_atom_site_displace_Fourier_id\n_atom_site_displace_Fourier_axis\n1 x\n",
        "loop_\n_atom_site_occ_special_func_atom_site_label\nC1\n",
        "loop_\n_atom_site_U_Fourier_atom_site_label\nC1\n",
        "_space_group_ssg_name 'P -1(0b0)0'\n",
        "loop_\n_space_group_symop_ssg_operation_algebraic\nx1,x2,x3,x4\n",
        "loop_\n_cell_wave_vector_seq_id\n_cell_wave_vector_x\n1 0.3\n",
        "_exptl_crystal_type_of_structure mod\n",
        "_exptl_crystal.type_of_structure comp\n",
    ],
)
def test_a_modulated_crystal_is_named_as_one(words: str) -> None:
    assert outcome(cif(CUBE, NACL, {"_chemical_formula_sum": "Na Cl2"}) + words) == "modulated"


@pytest.mark.parametrize(
    "words",
    [
        "_cell_modulation_dimension 0\n",
        "_cell_modulation_dimension ?\n",
        "_cell_subsystems_number 1\n",
        "_exptl_crystal_type_of_structure cryst\n",
        "loop_\n_cell_wave_vector_seq_id\n_cell_wave_vector_x\n? .\n",
        "_publ_section_comment 'no _ssg_ and no modulation here'\n",
        "_diffrn_standard_refln_index_m_1 1\n",
    ],
)
def test_words_of_no_modulation_are_none(words: str) -> None:
    assert outcome(cif(CUBE, NACL) + words) == "OK 2"


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


@pytest.mark.parametrize(
    ("angles", "symbol", "expected"),
    [
        ({"beta": 100}, "P 1 21/c 1", "OK 4"),
        ({"gamma": 100}, "P 1 1 21/b", "OK 4"),
        ({"gamma": 120}, "P 6/m", "OK 12"),
        ({"alpha": 90, "gamma": 90}, "P 1 21/c 1", "cell"),
        ({"alpha": 90, "beta": 90}, "P 6/m", "cell"),
        ({}, "P 6/m", "cell"),
    ],
)
def test_those_angles_may_be_absent_that_symmetry_makes_right(
    angles: dict[str, float], symbol: str, expected: str
) -> None:
    lengths = (15, 15, 17) if "6" in symbol else (15, 16, 17)
    stated = {SYMBOL: symbol} | {f"_cell_angle_{name}": f"{angle}" for name, angle in angles.items()}
    result = read(cif(lengths, ["C 0.13 0.29 0.41"], stated))
    assert (f"OK {result.n_sites}" if isinstance(result, Crystal) else result.code) == expected
    if isinstance(result, Reject):
        absent = [name for name in ("alpha", "beta", "gamma") if name not in angles]
        assert " and ".join(f"_cell_angle_{name}" for name in absent) in result.message


@pytest.mark.parametrize("items", [{}, {SYMBOL: "P 1"}, {NUMBER: "1"}])
def test_the_identity_is_held_against_the_crystal_system(items: dict[str, str]) -> None:
    for system, expected in (("cubic", "symmetry"), ("triclinic", "OK 2"), ("?", "OK 2")):
        stated = items | {"_symmetry_cell_setting": system}
        assert outcome(cif(CUBE, NACL, stated, ["x,y,z"])) == expected


@pytest.mark.parametrize(
    "tag", ["_symmetry_equiv_pos_site_id", "_space_group_symop_id", "_space_group_symop.id"]
)
def test_operations_that_are_counted_and_not_listed_are_not_p1(tag: str) -> None:
    assert outcome(f"{cif(CUBE, NACL)}loop_\n{tag}\n1\n2\n") == "symmetry"
    assert outcome(f"{cif(CUBE, NACL)}loop_\n{tag}\n1\n") == "OK 2"


def test_a_magnetic_group_that_is_p1_needs_no_operations() -> None:
    assert outcome(f'{cif(CUBE, NACL)}_space_group_magn.name_BNS "P 1 1\'"\n') == "OK 2"


def test_magnetic_operations_and_others_must_be_the_same() -> None:
    magnetic = "loop_\n_space_group_symop_magn_operation.xyz\nx,y,z,+1\n-x,-y,-z,-1\n"
    for listed, expected in ((["x,y,z", "-x,-y,-z"], "OK 2"), (["x,y,z"], "symmetry")):
        assert outcome(cif(CUBE, ["Cr 0.1 0.2 0.3"], operations=listed) + magnetic) == expected


@pytest.mark.parametrize(
    "words",
    [
        "_space_group_magn.number_BNS 2.4\n",
        "_space_group_IT_number 2\n",
        "_space_group_magn.point_group_name -1\n",
    ],
)
def test_the_magnetic_identity_is_held_against_the_names_of_the_group(words: str) -> None:
    identity = "loop_\n_space_group_symop_magn_operation.xyz\nx,y,z,+1\n"
    assert outcome(cif(CUBE, ["Cr 0.1 0.2 0.3"]) + identity + words) == "symmetry"
    assert (
        outcome(cif(CUBE, ["Cr 0.1 0.2 0.3"]) + identity + words.replace("-1", "1").replace(" 2", " 1"))
        == "OK 1"
    )


def test_a_number_of_floating_point_is_the_number() -> None:
    listed = triplets("P m -3 m")
    assert outcome(cif(CUBE, NACL, {NUMBER: "225.0"})) == "OK 8"
    assert outcome(cif(CUBE, NACL, {NUMBER: "221.0"}, listed)) == "OK 2"
    assert outcome(cif(CUBE, NACL, {NUMBER: "225.0"}, listed)) == "symmetry"


def test_operations_may_stand_in_text_fields() -> None:
    fields = "".join(f";\n{operation}\n;\n" for operation in triplets("F m -3 m"))
    assert outcome(f"{cif(CUBE, NACL)}loop_\n_symmetry_equiv_pos_as_xyz\n{fields}") == "OK 8"
