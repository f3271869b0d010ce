"""From the text of a CIF to crystals: what is read, what is rejected, and that nothing is ever raised."""

import csv
import tarfile
import time
from pathlib import Path
from typing import Any

import gemmi
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hpcvox.crystals import overlap
from hpcvox.crystals.cells import lattice_from_parameters
from hpcvox.crystals.formats.cif.writing import cif_text
from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import CANDIDATE, Crystal, Entry, Fault, Reject

HEAD = """data_x
_cell_length_a {a}
_cell_length_b {a}
_cell_length_c {a}
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
"""
LOOP = "loop_\n_atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n"
LABELLED = LOOP.replace("type_symbol", "label")
OCCUPIED = LOOP + "_atom_site_occupancy\n"
CSCL = HEAD.format(a="4.123(4)") + LOOP + "Cs+ 0 0 0\nCl- 0.5 0.5 0.5(1)\n"


def entry(text: str | bytes, **fields: Any) -> Entry:
    data = text.encode() if isinstance(text, str) else text
    return Entry(0, "x", "x.cif", data, {"gap": 1.5})._replace(**fields)


def crystal(text: str) -> Crystal:
    (only,) = parse(entry(text))
    assert isinstance(only, Crystal), only
    return only


def code(text: str | bytes) -> str:
    (only,) = parse(entry(text))
    assert isinstance(only, Reject), only
    assert only.id == "x"
    assert only.origin == "x.cif"
    assert only.message
    return only.code


def test_a_small_cif() -> None:
    cscl = crystal(CSCL)
    assert cscl.formula == "CsCl"
    assert cscl.numbers.dtype == np.uint8
    assert cscl.numbers.tolist() == [55, 17]
    np.testing.assert_array_equal(cscl.lattice, 4.123 * np.eye(3))
    np.testing.assert_array_equal(cscl.frac, [[0, 0, 0], [0.5, 0.5, 0.5]])
    assert cscl.targets == {"gap": 1.5}


def test_symmetry_is_expanded_from_operations_name_and_number() -> None:
    site = LOOP + "Na 0 0 0\nCl 0.5 0.5 0.5\n"
    for stated in (
        "_space_group_name_H-M_alt 'F m -3 m'",
        "_symmetry_Int_Tables_number 225",
        "_space_group_name_Hall '-F 4 2 3'",
        "loop_\n_symmetry_equiv_pos_as_xyz\nx,y,z\nx,y+1/2,z+1/2\nx+1/2,y,z+1/2\nx+1/2,y+1/2,z",
    ):
        salt = crystal(HEAD.format(a=5.64) + stated + "\n" + site)
        assert salt.n_sites == 8, stated
        assert salt.formula == "NaCl"


def test_rounded_special_positions_are_one_site() -> None:
    hexagonal = HEAD.format(a=15.0).replace("gamma 90", "gamma 120")
    boron = crystal(hexagonal + "_symmetry_Int_Tables_number 187\n" + LOOP + "B 0.333 0.667 0\n")
    assert boron.n_sites == 1
    np.testing.assert_allclose(boron.frac[0], [1 / 3, 2 / 3, 0], atol=1e-12)


def test_coordinates_are_brought_into_the_cell() -> None:
    frac = crystal(HEAD.format(a=8) + LOOP + "O -0.0 1.0 -1e-18\nO -0.25 2.5 0.999999\n").frac
    np.testing.assert_allclose(frac, [[0.0, 0.0, 0.0], [0.75, 0.5, 0.999999]], atol=1e-12)
    assert ((frac >= 0) & (frac < 1)).all()


def test_an_atom_listed_at_both_ends_is_one_atom() -> None:
    assert crystal(HEAD.format(a=4) + LOOP + "O 0 0 0\nO 1 0 0\nMg 0.5 0.5 0.5\n").formula == "MgO"


def test_parts_of_one_atom_are_put_together() -> None:
    split = OCCUPIED + "Fe 0 0 0 0.25\nFe 0 0 0 0.75\nO .5 .5 .5 1\n"
    assert crystal(HEAD.format(a=4) + split).formula == "FeO"


def test_several_structures_are_several_crystals() -> None:
    results = parse(entry(CSCL + CSCL.replace("data_x", "data_y") + "data_z\n_cell_length_a 3\n"))
    assert [r.id for r in results] == ["x#x", "x#y"]
    mixed = parse(entry(CSCL + "data_bad\n" + LOOP + "O 0 0 0\n"))
    assert isinstance(mixed[0], Crystal)
    assert isinstance(mixed[1], Reject)
    assert (mixed[1].id, mixed[1].code) == ("x#bad", "cell")


def test_labels_stand_for_missing_type_symbols() -> None:
    labelled = LABELLED + "Fe1 0 0 0\nOw .5 .5 .5\n"
    assert crystal(HEAD.format(a=4) + labelled).numbers.tolist() == [26, 8]
    deuterium = HEAD.format(a=4) + LOOP + "D 0 0 0\nLi1+ .5 .5 .5\n"
    assert crystal(deuterium).formula == "LiH"


@pytest.mark.parametrize(
    "stated",
    [
        "_chemical_formula_sum 'H Li O'",
        "_chemical_formula_structural 'Li (O H)'",
        "_chemical_formula_moiety 'Li 1+, H O 1-'",
        "loop_\n_atom_type_symbol\nLi1+\nO2-\nH1+",
    ],
)
def test_a_label_of_two_readings_is_the_one_that_the_file_states(stated: str) -> None:
    sites = LABELLED + "Li1 0 0 0\nO1 .5 .5 .5\nHO1 .5 .5 .72\n"
    assert crystal(HEAD.format(a=4) + stated + "\n" + sites).numbers.tolist() == [3, 8, 1]
    (only,) = parse(entry(HEAD.format(a=4) + sites))
    assert isinstance(only, Reject)
    assert only.code == "element"
    assert "HO1 can mean Ho or H" in only.message


def test_sites_without_an_atom_are_left_out() -> None:
    flagged = OCCUPIED + "_atom_site_calc_flag\n"
    for site in (
        "Va 0 0 .5 0 d",
        "Cl 0 0 .5 0.00 d",
        "Cnt . . . 1 dum",
        ". 0 0 .5 ? dum",
        "O 0 0 .5 1 DUM",
        "O 0 0 .5 1 'Dum'",
        "Fe 0 0 .5 0.0(1) ?",
    ):
        got = crystal(HEAD.format(a=4) + flagged + "Cs 0 0 0 1 d\n" + site + "\nCl .5 .5 .5 . d\n")
        assert got.numbers.tolist() == [55, 17], site
        np.testing.assert_array_equal(got.frac, [[0, 0, 0], [0.5, 0.5, 0.5]])


def test_atoms_that_are_too_near_are_named_by_site_element_and_label() -> None:
    loop = LABELLED.replace("label", "label\n_atom_site_type_symbol")
    mirror = "loop_\n_symmetry_equiv_pos_as_xyz\nx,y,z\n-x,y,z\n"
    (only,) = parse(entry(HEAD.format(a=5) + mirror + loop + "O1 O 0 0 0\nC2' C 0.05 .5 .5\n"))
    assert isinstance(only, Reject)
    assert only.code == "overlapping-sites"
    assert (
        "sites 2 (C, C2') and 3 (C, C2') are 0.500 Å apart; 2 C atoms come no nearer than 0.76 Å"
        in only.message
    )
    (only,) = parse(entry(HEAD.format(a=1.2) + LOOP + "Fe 0 0 0\n"))
    assert isinstance(only, Reject)
    assert "site 1 (Fe) and its image in the next cell are 1.200 Å apart" in only.message


def test_hydrogens_of_x_ray_structures_and_short_bonds_are_read() -> None:
    near = HEAD.format(a=10) + LOOP + "C 0 0 0\nH .048 0 0\nC 0 0 .118\nN .5 .5 .5\nN .5 .5 .61\n"
    assert crystal(near).n_sites == 5


def test_a_candidate_may_be_denser_than_a_real_crystal() -> None:
    text = HEAD.format(a=4) + LOOP + "Fe 0 0 0\nFe 0.2 0 0\n"
    assert code(text) == "overlapping-sites"
    (only,) = parse(entry(text, format=CANDIDATE))
    assert isinstance(only, Crystal)
    (only,) = parse(entry(text.replace("0.2 0 0", "0.09 0 0"), format=CANDIDATE))
    assert isinstance(only, Reject)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", "empty"),
        (b" \n\t ", "empty"),
        (b"\x7fELF\x00\x01\x02" * 50, "cif-syntax"),
        (b"not a cif at all", "cif-syntax"),
        (CSCL[: CSCL.index("0.5 0.5(1)")], "cif-syntax"),
        ("data_x\n_a 1\n", "no-structure"),
        (HEAD.format(a=4), "no-structure"),
        ("data_x\n" + LOOP + "O 0 0 0\n", "cell"),
        (HEAD.format(a="?") + LOOP + "O 0 0 0\n", "cell"),
        (HEAD.format(a="-4") + LOOP + "O 0 0 0\n", "cell"),
        (HEAD.format(a="0.2") + LOOP + "O 0 0 0\n", "cell"),
        (HEAD.format(a="nan") + LOOP + "O 0 0 0\n", "cell"),
        (HEAD.format(a=4).replace("alpha 90", "alpha 179") + LOOP + "O 0 0 0\n", "cell"),
        (HEAD.format(a=4) + LOOP + "O 0 ? 0\n", "coordinates"),
        (HEAD.format(a=4) + LOOP + "O 0 inf 0\n", "coordinates"),
        (HEAD.format(a=4) + LOOP + "Qq 0 0 0\n", "element"),
        (HEAD.format(a=4) + LOOP + "O 0 0 0\nO 0.01 0.02 0.05\n", "overlapping-sites"),
        (HEAD.format(a=4) + LOOP + "O 0 0 0\nMg 0.99 0 0\n", "overlapping-sites"),
        (HEAD.format(a=4) + OCCUPIED + "Fe 0 0 0 0.5\nO .5 .5 .5 1\n", "disordered"),
        (HEAD.format(a=4) + OCCUPIED + "Fe 0 0 0 0.5\nCo 0 0 0 0.5\n", "disordered"),
        (HEAD.format(a=4) + OCCUPIED + "Fe 0 0 0 1.7\n", "occupancy"),
        (HEAD.format(a=4) + OCCUPIED + "Fe 0 0 0 -1\n", "occupancy"),
        (HEAD.format(a=4) + OCCUPIED + "Fe 0 0 0 0\n", "no-structure"),
        (HEAD.format(a="4_12") + LOOP + "O 0 0 0\n", "cell"),
        (HEAD.format(a="infinity") + LOOP + "O 0 0 0\n", "cell"),
        (HEAD.format(a=4) + LOOP + "O 0 0_5 0\n", "coordinates"),
        (HEAD.format(a=4) + LOOP + "O 0 . 0\n", "coordinates"),
        (HEAD.format(a=4) + LOOP + "FeMn 0 0 0\n", "disordered"),
        (HEAD.format(a=4) + LOOP + "Mg 0 0 0\nOH .5 .5 .5\n", "incomplete"),
        (HEAD.format(a=4) + LOOP + "Va 0 0 0\nO .5 .5 .5\n", "element"),
        (HEAD.format(a=4) + LABELLED + "CN1 0 0 0\n", "element"),
        (HEAD.format(a=4) + OCCUPIED + "Fe 0 0 0 full\n", "occupancy"),
        (HEAD.format(a=4) + "_symmetry_space_group_name_H-M 'Q 4'\n" + LOOP + "O 0 0 0\n", "symmetry"),
        (HEAD.format(a=4) + "loop_\n_symmetry_equiv_pos_as_xyz\nx,y,q\n" + LOOP + "O 0 0 0\n", "symmetry"),
        (HEAD.format(a=4) + "_chemical_formula_sum 'Ti2 O4'\n" + LOOP + "Ti 0 0 0\nO .5 0 0\n", "incomplete"),
        (HEAD.format(a=4) + "_chemical_formula_sum 'Sr1 Ti1'\n" + LOOP + "Ti 0 0 0\n", "incomplete"),
        (HEAD.format(a=900) + LOOP + "".join(f"O {i}e-5 0 0\n" for i in range(10001)), "too-many-sites"),
    ],
)
def test_what_cannot_be_used_says_why(text: str | bytes, expected: str) -> None:
    assert code(text) == expected


def test_a_fault_of_the_source_is_its_rejection() -> None:
    (only,) = parse(entry(b"", fault=Fault("row", "the row has 3 cells, the header 8")))
    assert only == Reject("x", "x.cif", "row", "the row has 3 cells, the header 8")


@given(st.binary(max_size=400))
def test_no_bytes_raise(data: bytes) -> None:
    assert parse(entry(data))


@given(st.data())
@settings(max_examples=200)
def test_no_damage_raises(data: st.DataObject) -> None:
    text = bytearray(CSCL.encode())
    for _ in range(data.draw(st.integers(1, 5))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    for result in parse(entry(bytes(text[: data.draw(st.integers(0, len(text)))]))):
        if isinstance(result, Crystal):
            assert np.isfinite(result.lattice).all()
            assert ((result.frac >= 0) & (result.frac < 1)).all()
            assert result.n_sites > 0


lengths = st.floats(3.0, 40.0)
angles = st.sampled_from([60.0, 90.0, 120.0]) | st.floats(65, 115)


@given(
    cell=st.tuples(lengths, lengths, lengths, angles, angles, angles),
    frac=hnp.arrays(np.float64, st.tuples(st.integers(1, 12), st.just(3)), elements=st.floats(0, 0.999999)),
    data=st.data(),
)
@settings(max_examples=150, deadline=None)
def test_what_is_written_is_read_back(cell: tuple[float, ...], frac: np.ndarray, data: st.DataObject) -> None:
    try:
        lattice = lattice_from_parameters(*cell)
    except ValueError:
        return
    spacing = float(overlap.plane_spacings(lattice).min())
    numbers = np.array([data.draw(st.integers(1, 94)) for _ in frac], dtype=np.uint8)
    somewhat_more = 1.01 * overlap.LEAST_DISTANCES_A
    if spacing < 1 or overlap.overlapping(lattice, frac, numbers, spacing, somewhat_more) is not None:
        return
    made = Crystal("a b#'c", "made", lattice, frac, numbers, {})
    back = crystal(cif_text(made))
    assert back.numbers.tolist() == numbers.tolist()
    np.testing.assert_allclose(back.lattice, lattice, atol=2e-6)
    difference = back.frac - frac
    np.testing.assert_allclose(difference - np.rint(difference), 0, atol=2e-8)


CONTRADICT_THEMSELVES = {
    # one operation of R 3 reads y,-x,z for -x+y,-x,z
    "cod-developers__cod-tools__6e7de51ca689d5e3__2009397.cif": "symmetry",
    # graphite's P 63/m m c with translations of 2/3 where they are 1/2
    "aoterodelaroza__critic2__48fa1b9c864ec0bf__032_sym_refine_gen.cif": "symmetry",
    # both parts of a disordered ligand are listed without occupancies: two C 0.46 Å apart
    "cod-developers__cod-tools__9e45cb8f613e257b__2000332.cif": "overlapping-sites",
}
"""Crystals that all other parsers read, and wrongly."""


def names_twice(text: bytes) -> bool:
    """Whether names that are given twice are all that is wrong with a CIF's syntax."""
    with pytest.raises(RuntimeError, match="duplicate"):
        gemmi.cif.read_string(text)
    gemmi.cif.read_string(text, 0).check_for_missing_values()
    return True


def test_the_battery(shared_data: Path) -> None:
    folder = shared_data / "cif_battery"
    with (folder / "manifest.csv").open(newline="") as table:
        manifest = {row["file"].replace("/", "__"): row for row in csv.DictReader(table)}
    ordered = 0
    with tarfile.open(folder / "cifs.tar.xz") as archive:
        for member in archive:
            row = manifest.pop(member.name)
            handle = archive.extractfile(member)
            assert handle is not None
            text = handle.read()
            start = time.monotonic()
            results = parse(Entry(0, member.name, member.name, text, {}))
            assert time.monotonic() - start < 10
            assert results
            first = results[0]
            if member.name in CONTRADICT_THEMSELVES:
                assert isinstance(first, Reject)
                assert first.code == CONTRADICT_THEMSELVES[member.name]
            elif row["category"] == "structure_all_parsers":
                if row["ordered"] == "True":
                    assert isinstance(first, Crystal), first
                    assert first.n_sites == int(row["nsites"]), member.name
                    ordered += 1
                else:
                    assert isinstance(first, Reject)
                    assert first.code == "disordered"
            elif row["category"] == "no_structure":
                assert isinstance(first, Reject), member.name
            elif row["category"] == "syntax_error" and not row["nsites"]:
                assert isinstance(first, Reject)
                assert first.code == "cif-syntax" or names_twice(text)
    assert not manifest
    assert ordered == 21
