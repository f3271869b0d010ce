"""The atom sites of a CIF: columns that say more than places, and places that are none."""

import pytest

from hpcvox.crystals.record import Crystal, Reject
from tests.support.small_cifs import cif, outcome, read

CELL = (8, 9, 10, 90, 90, 90)
PLACE = "type_symbol fract_x fract_y fract_z"
ALCOHOL = ("C 0 0 0", "O 0.15 0 0", "O 0 0.15 0")


def remarks(text: str) -> tuple[str, ...]:
    """Those of a file whose crystal is taken."""
    result = read(text)
    assert isinstance(result, Crystal), result
    return result.remarks


@pytest.mark.parametrize(
    ("attached", "formula", "expected"),
    [
        ("0", "", ()),
        ("?", "", ()),
        ("3", "", ("hydrogen",)),
        ("3", "C O2", ("hydrogen",)),
        ("3", "C H3 O2", ("hydrogen",)),
    ],
)
def test_hydrogen_that_is_attached_to_a_site_is_a_remark(
    attached: str, formula: str, expected: tuple[str, ...]
) -> None:
    sites = [f"{site} {attached}" for site in ALCOHOL]
    stated = {"_chemical_formula_sum": formula} if formula else {}
    assert remarks(cif(CELL, sites, stated, columns=f"{PLACE} attached_hydrogens")) == expected


def test_hydrogen_that_is_listed_and_told_again_is_none() -> None:
    sites = ("C 0 0 0 1", "H 0.13 0 0 0")
    assert (
        remarks(cif(CELL, sites, {"_chemical_formula_sum": "C H"}, columns=f"{PLACE} attached_hydrogens"))
        == ()
    )


GROUP, ASSEMBLY = f"{PLACE} disorder_group", f"{PLACE} disorder_assembly disorder_group"


@pytest.mark.parametrize(
    ("columns", "groups", "expected"),
    [
        (GROUP, (".", ".", "?"), False),
        (GROUP, ("0", "0", "0"), False),
        (GROUP, (".", "1", "1"), False),
        (GROUP, (".", "1", "2"), True),
        (GROUP, (".", "'1'", "'2'"), True),
        (GROUP, (".", ".", "-1"), True),
        (ASSEMBLY, (". .", "A 1", "A 2"), True),
        (ASSEMBLY, (". .", "A 1", "B 2"), False),
    ],
)
def test_alternatives_that_are_all_whole_are_a_remark(
    columns: str, groups: tuple[str, ...], expected: bool
) -> None:
    sites = [f"{site} {group}" for site, group in zip(ALCOHOL, groups, strict=True)]
    assert remarks(cif(CELL, sites, columns=columns)) == (("disorder-groups",) if expected else ())


def test_an_alternative_that_is_empty_leaves_the_other_whole() -> None:
    sites = ("C 0 0 0 . 1", "O 0.15 0 0 1 1", "O 0 0.15 0 2 0")
    assert outcome(cif(CELL, sites, columns=f"{PLACE} disorder_group occupancy")) == "OK 2"


@pytest.mark.parametrize("name", ["occupancy", "occ", "occupation", "site_occupancy", "occupancy_factor"])
def test_an_occupancy_is_read_under_the_names_that_programs_give_it(name: str) -> None:
    sites = ("C 0 0 0 1", "O 0.15 0 0 0.5")
    assert outcome(cif(CELL, sites, columns=f"{PLACE} {name}")) == "disordered"


@pytest.mark.parametrize("tag", ["_atom_site_occupancy", "_atom_site_type_symbol", "_atom_site.occupancy"])
def test_a_column_in_a_second_loop_is_not_lost(tag: str) -> None:
    listed = cif(CELL, ("C1 0 0 0", "O1 0.15 0 0"), columns="label fract_x fract_y fract_z")
    result = read(f"{listed}loop_\n{tag}\n0.5\n0.5\n")
    assert isinstance(result, Reject)
    assert result.code == "cif-syntax"
    assert f"{tag} is in a second loop" in result.message


@pytest.mark.parametrize("written", ["{}", "'{}'", "{}.0", "{}.00"])
def test_multiplicities_are_read_however_they_are_written(written: str) -> None:
    for count, expected in ((1, "OK 2"), (4, "symmetry")):
        sites = [f"{site} {written.format(count)}" for site in ("Na 0 0 0", "Cl 0.5 0.5 0.5")]
        stated = {"_symmetry_space_group_name_H-M": "P m -3 m"}
        text = cif((5.64, 5.64, 5.64, 90, 90, 90), sites, stated, columns=f"{PLACE} symmetry_multiplicity")
        assert outcome(text) == expected


def test_the_order_of_a_sites_symmetry_is_held_against_its_images() -> None:
    for order, expected in ((48, "OK 8"), (12, "symmetry")):
        sites = (f"Na 0 0 0 {order}", f"Cl 0.5 0.5 0.5 {order}")
        stated = {"_symmetry_space_group_name_H-M": "F m -3 m"}
        text = cif((5.64, 5.64, 5.64, 90, 90, 90), sites, stated, columns=f"{PLACE} site_symmetry_order")
        assert outcome(text) == expected


def test_an_atom_far_from_the_cell_is_a_remark() -> None:
    assert remarks(cif(CELL, ("C 0 0 0", "O -0.85 1.5 2"))) == ()
    assert remarks(cif(CELL, ("C 0 0 0", "O 5.3 4.4 6.2"))) == ("far-coordinates",)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("500 250 125", "atom 2 is at 500, 250, 125, which are to be fractions of the cell's edges"),
        ("1000.5 0.5 0.5", "atom 2 is 1000 cells away or more (1000.5, 0.5, 0.5)"),
        ("inf 0 0", "atom 2 has no usable coordinates (inf, 0, 0)"),
    ],
)
def test_coordinates_that_are_no_fractions_are_named_as_that(place: str, words: str) -> None:
    result = read(cif(CELL, ("C 0 0 0", f"O {place}")))
    assert isinstance(result, Reject)
    assert result.code == "coordinates"
    assert words in result.message


def test_lengths_in_picometres_make_no_cell() -> None:
    for cell in ((412, 412, 412, 90, 90, 90), (20, 20, 20, 90, 90, 90)):
        expected = "cell" if cell[0] == 412 else "OK 2"
        assert outcome(cif(cell, ("Cs 0 0 0", "Cl 0.5 0.5 0.5"))) == expected


def test_lengths_in_nanometres_make_no_cell_and_too_many_atoms_are_no_fault_of_the_cell() -> None:
    result = read(cif((0.412, 0.412, 0.412, 90, 90, 90), ("Cs 0 0 0", "Cl 0.5 0.5 0.5")))
    assert isinstance(result, Reject)
    assert result.code == "cell"
    assert "are its lengths in nm?" in result.message
    crowd = cif((4, 4, 4, 90, 90, 90), ["C 0.11 0.26 0.34"], {"_symmetry_space_group_name_H-M": "F m -3 c"})
    assert outcome(crowd) == "overlapping-sites"
