"""A second, slow reading of a CIF: by other libraries, and by what the file says of itself."""

import contextlib
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from io import StringIO
from typing import NamedTuple

import gemmi
import numpy as np
from ase import Atoms
from ase.io import read as ase_read
from numpy.typing import NDArray
from pymatgen.core import Composition
from pymatgen.io.cif import CifParser

from hpcvox.crystals.elements import SYMBOLS
from hpcvox.crystals.record import Crystal

SAME_A = 0.1


class Reading(NamedTuple):
    """One library's atoms of a cell."""

    by: str
    frac: NDArray[np.float64]  # (n, 3)
    symbols: list[str]


def disagreements(text: str, crystal: Crystal) -> list[str]:
    """What the file's own words, and all the libraries that can read it, have against ``crystal``; none: it is right.

    A word that a remark of the crystal names is not held against it: it did not pass in silence.  A library's
    reading that the file's words contradict says nothing.
    """
    own = [SYMBOLS[z] for z in crystal.numbers.tolist()]
    volume = float(np.linalg.det(crystal.lattice))
    found = list(_against_words(text, own, volume, crystal.remarks))
    against: list[str] = []
    for by, frac, named in _readings(text):  # none is asked once one has the same atoms: they are slow
        reading = Reading(by, frac, ["H" if symbol in ("D", "T") else symbol for symbol in named])
        if any(_against_words(text, reading.symbols, volume, crystal.remarks)):
            continue
        if _same(reading, crystal):
            return found
        against.append(f"{reading.by} reads {dict(Counter(reading.symbols))}, or other places")
    return found + against


def _against_words(text: str, symbols: list[str], volume: float, remarks: tuple[str, ...]) -> Iterator[str]:
    """Where the atoms ``symbols`` of a cell of ``volume`` Å³ differ from formula, Z and density."""
    atoms = Composition(Counter(symbols))
    formula = _word(text, "_chemical_formula_sum")
    units = _word(text, "_cell_formula_units_Z")
    if formula and "hydrogen" not in remarks:
        stated = Composition(formula)
        if not stated.fractional_composition.almost_equals(atoms.fractional_composition, rtol=0.02):
            yield f"the formula is {formula}, the atoms are {atoms}"
        told = units and "formula-units" not in remarks
        whole = stated.num_atoms, stated.reduced_composition.num_atoms
        if told and not any(abs(float(units) * count / atoms.num_atoms - 1) < 0.02 for count in whole):
            yield f"Z is {units} of {formula}, the atoms are {atoms}"
    multiplicities = _multiplicities(text)
    if multiplicities and Counter(symbols) not in multiplicities and "multiplicity" not in remarks:
        yield f"the multiplicities make {dict(multiplicities[0])}, the atoms are {atoms}"
    density = _word(text, "_exptl_crystal_density_diffrn")
    if density and not {"density", "hydrogen"} & set(remarks):
        own = float(atoms.weight) / volume * 1.66053906660
        if abs(own / float(density) - 1) > 0.03:
            yield f"the density is {density}, the atoms have {own:.3f} g/cm³"


def _word(text: str, tag: str) -> str:
    match = re.search(rf"^{tag}[ \t]+(?:'([^'\n]*)'|(\S+))", text, re.MULTILINE | re.IGNORECASE)
    word = (match[1] or match[2] or "").strip() if match else ""
    return "" if word in ("?", ".") else re.sub(r"\(\d+\)$", "", word)


def _multiplicities(text: str) -> list[Counter[str]]:
    """Atoms by element, as the sites' multiplicities have them; empty where not all are numbers.

    Also as SHELXL means them: it writes the order of the site's symmetry in their place.
    """
    stated: Counter[str] = Counter()
    ordered: Counter[str] = Counter()
    with contextlib.suppress(Exception):
        block = gemmi.cif.read_string(text).sole_block()
        operations = len(block.find_loop("_symmetry_equiv_pos_as_xyz"))
        for tag in ("_atom_site_site_symmetry_multiplicity", "_atom_site_symmetry_multiplicity"):
            for symbol, count in block.find(["_atom_site_type_symbol", tag]):
                z = gemmi.Element(re.sub("[^A-Za-z].*", "", symbol)).atomic_number  # of D, that of H
                stated[SYMBOLS[z]] += int(count)
                ordered[SYMBOLS[z]] += operations // int(count)
    return [stated, ordered] if stated else []


def _readings(text: str) -> Iterator[Reading]:
    """What ASE, pymatgen and gemmi read, each where it can."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with contextlib.suppress(Exception):
            atoms = ase_read(StringIO(text), format="cif")
            assert isinstance(atoms, Atoms)
            yield Reading("ASE", atoms.get_scaled_positions(), atoms.get_chemical_symbols())
        with contextlib.suppress(Exception):
            (structure,) = CifParser(StringIO(text), occupancy_tolerance=1.01).parse_structures(
                primitive=False
            )
            yield Reading("pymatgen", structure.frac_coords, [site.specie.symbol for site in structure])
        with contextlib.suppress(Exception):
            small = gemmi.make_small_structure_from_block(gemmi.cif.read_string(text).sole_block())
            sites = small.get_all_unit_cell_sites()
            frac = np.array([site.fract.tolist() for site in sites])
            yield Reading("gemmi", frac, [site.element.name for site in sites])


def _same(reading: Reading, crystal: Crystal) -> bool:
    """Whether both have the same atoms at the same places, in any order."""
    symbols = reading.symbols
    own = np.array([SYMBOLS[z] for z in crystal.numbers.tolist()])
    if Counter(symbols) != Counter(own.tolist()):
        return False
    for site, symbol in zip(reading.frac, symbols, strict=True):
        apart = crystal.frac - site
        apart -= np.rint(apart)
        near = np.linalg.norm(apart @ crystal.lattice, axis=1) < SAME_A
        if not (near & (own == symbol)).any():
            return False
    return True
