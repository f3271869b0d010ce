"""The built-in crystals: how many, which, and that their cells are the structures that they are named."""

from collections import Counter

import numpy as np
import pytest
import spglib

from hpcvox.crystals.cells import is_cubic
from hpcvox.crystals.formats.cif.writing import cif_text
from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal, Entry
from hpcvox.database.prototypes.compounds import (
    CLASSES,
    LARGEST,
    STRUCTURES,
    Prototype,
    conventional,
    draw,
    enumerate_prototypes,
    primitive,
)
from hpcvox.database.prototypes.ions import EXCLUDED, ions
from hpcvox.database.prototypes.rules import RADIUS_RATIO, TOLERANCE_FACTOR
from hpcvox.errors import ConfigError

KNOWN = {
    "MgO-rocksalt": 4.21,
    "NaCl-rocksalt": 5.64,
    "CsCl-CsCl": 4.12,
    "ZnS-zincblende": 5.41,
    "GaAs-zincblende": 5.65,
    "SrTiO3-perovskite": 3.905,
    "BaTiO3-perovskite": 4.00,
    "KMgF3-perovskite": 3.99,
    "LaAlO3-perovskite": 3.79,
    "Cu2MnAl-full-Heusler": 5.95,
    "Co2FeSi-full-Heusler": 5.64,
    "Mn2CoAl-inverse-Heusler": 5.80,
    "NiMnSb-half-Heusler": 5.93,
    "NiTiSn-half-Heusler": 5.93,
}
"""Measured lattice constants, Å."""


@pytest.fixture(scope="module")
def all_prototypes() -> list[Prototype]:
    """Every prototype that there is."""
    return enumerate_prototypes()


def test_there_are_enough_of_every_class(all_prototypes: list[Prototype]) -> None:
    counts = Counter(p.compound_class for p in all_prototypes)
    assert sum(counts.values()) > LARGEST
    assert counts["AB"] > 500
    assert counts["ABX3"] > 2000
    assert {p.structure for p in all_prototypes} == set(STRUCTURES)
    assert len({p.id for p in all_prototypes}) == len(all_prototypes)
    symbols = {s for p in all_prototypes for s in p.species}
    assert not symbols & EXCLUDED
    assert len(symbols) > 75


def test_known_compounds_are_there_with_sensible_cells(all_prototypes: list[Prototype]) -> None:
    by_id = {p.id: p for p in all_prototypes}
    for name, measured in KNOWN.items():
        assert by_id[name].start == pytest.approx(measured, rel=0.07), name
    assert not {"LiI-CsCl", "CsI-zincblende", "NaCl2-rocksalt", "LiC-zincblende"} & set(by_id)


def test_charges_balance(all_prototypes: list[Prototype]) -> None:
    for prototype in all_prototypes[:: len(all_prototypes) // 500]:
        total = sum(prototype.charges[kind] for kind, _ in STRUCTURES[prototype.structure].sites)
        assert total == pytest.approx(0, abs=1e-5)


def test_ionic_compounds_keep_the_radius_rules(all_prototypes: list[Prototype]) -> None:
    radius = {(ion.symbol, ion.charge): ion.radius for ion in ions()}
    neighbours = {"zincblende": 4, "rocksalt": 6, "CsCl": 8}
    for prototype in all_prototypes:
        keys = [(s, int(q)) for s, q in zip(prototype.species, prototype.charges, strict=True)]
        if prototype.compound_class == "AB":
            plus, minus = (radius[key](neighbours[prototype.structure]) for key in keys)
            least, most = RADIUS_RATIO[prototype.structure]
            assert least <= plus / minus <= most
        elif prototype.compound_class == "ABX3":
            a, b, x = (radius[key](n) for key, n in zip(keys, (12, 6, 6), strict=True))
            assert TOLERANCE_FACTOR[0] <= (a + x) / (2**0.5 * (b + x)) <= TOLERANCE_FACTOR[1]


@pytest.mark.parametrize("structure", list(STRUCTURES))
def test_cells_are_what_they_are_named(structure: str, all_prototypes: list[Prototype]) -> None:
    prototype = next(p for p in all_prototypes if p.structure == structure)
    cube, small = conventional(prototype, 6.0), primitive(prototype, 6.0)
    assert is_cubic(cube.lattice)
    assert cube.formula == small.formula
    assert np.linalg.det(cube.lattice) / cube.n_sites == pytest.approx(
        np.linalg.det(small.lattice) / small.n_sites
    )
    for crystal in (cube, small):
        cell = crystal.lattice.tolist(), crystal.frac.tolist(), crystal.numbers.tolist()
        found = spglib.get_spacegroup(cell, symprec=1e-4)
        assert found is not None
        assert found.endswith(f"({STRUCTURES[structure].space_group})")
    (back,) = parse(Entry(0, "x", "x", cif_text(cube).encode(), {}))
    assert isinstance(back, Crystal)
    assert back.n_sites == cube.n_sites


def test_a_heusler_holds_its_neighbours(all_prototypes: list[Prototype]) -> None:
    """In Cu2MnAl every Cu has 4 Mn and 4 Al at √3/4 of the cell; in half-Heusler NiMnSb Ni has them too."""
    for name, atom in (("Cu2MnAl-full-Heusler", 29), ("NiMnSb-half-Heusler", 28)):
        prototype = next(p for p in all_prototypes if p.id == name)
        cube = conventional(prototype, 6.0)
        offset = cube.frac - cube.frac[cube.numbers == atom][0]
        near = np.linalg.norm((offset - np.rint(offset)) @ cube.lattice, axis=1) < 6.0 * 0.44
        assert Counter(cube.numbers[near].tolist()) == {atom: 1, 25: 4, cube.numbers[-1]: 4}


def test_a_draw_is_seeded_balanced_and_a_beginning_of_larger_ones() -> None:
    small, large = draw(100, 7), draw(3000, 7)
    assert large[:100] == small
    assert draw(100, 8) != small
    assert [Counter(p.compound_class for p in small)[c] for c in CLASSES] == [34, 33, 33]
    assert len({p.id for p in large}) == 3000
    # AB is used up; the others share what is left.
    counts = Counter(p.compound_class for p in large)
    assert abs(counts["ABX3"] - counts["Heusler"]) <= 1
    # The very crystals: a draw must not change with a library's version.
    assert [p.id for p in draw(100, 0)[:3]] == ["DyP-rocksalt", "NdTeS3-perovskite", "PbYbTl-half-Heusler"]


@pytest.mark.parametrize("size", [0, 99, 100_001])
def test_a_size_outside_the_range_is_refused(size: int) -> None:
    with pytest.raises(ConfigError, match=f"size={size}.*100 to 100000"):
        draw(size, 0)


def test_a_draw_of_some_elements_has_no_other() -> None:
    elements = ["Ba", "Ca", "Nb", "O", "Sr", "Ti", "Zr", "F", "K", "Na", "Mg", "Li", "Zn", "Cu", "Al", "Ga"]
    drawn = draw(100, 1, ["Heusler"], elements)
    assert {symbol for prototype in drawn for symbol in prototype.species} <= set(elements)
    every = [
        prototype for prototype in draw(20_000, 1, ["Heusler"]) if set(prototype.species) <= set(elements)
    ]
    assert every[:10] == drawn[:10], "in the order of a draw of all"
    with pytest.raises(ConfigError, match=r"there are 0 crystals of classes=.* and elements=He,Ne"):
        draw(100, 1, elements=["He", "Ne"])


def test_a_draw_of_some_classes_has_no_other() -> None:
    drawn = draw(150, 3, ("ABX3",))
    assert {p.compound_class for p in drawn} == {"ABX3"}
    assert drawn == [p for p in draw(450, 3) if p.compound_class == "ABX3"]
    with pytest.raises(ConfigError, match=r"size=90000: there are [\d,]+ crystals of classes=AB,ABX3"):
        draw(90_000, 0, ("AB", "ABX3"))


def test_the_largest_draw() -> None:
    assert len({p.id for p in draw(LARGEST, 1)}) == LARGEST
