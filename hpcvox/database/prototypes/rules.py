"""Decides which compounds the built-in database has, and estimates their cells.

In ionic compounds the charges balance, and the classical radius rules hold.  Heusler compounds are alloys; rules for
electronegativity, valence electrons and size choose them.  The rules choose plausible compounds, which need not be
stable; their formation energies show how plausible they are.
"""

import math
from collections.abc import Iterator
from itertools import permutations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hpcvox.database.prototypes.ions import Atom, Ion, atoms, ions

Array = NDArray[np.float64]
Compound = tuple[tuple[str, ...], tuple[float, ...], float]
"""species, charges in e, lattice constant in Å"""

# Pauling's limits for 4, 6 and 8 neighbours are 0.225, 0.414 and 0.732; real compounds exceed them by about
# 20 % (LiI and MgS are rocksalts at 0.35), so the windows overlap.
RADIUS_RATIO: Final = {"zincblende": (0.10, 0.50), "rocksalt": (0.33, 0.90), "CsCl": (0.65, 1.20)}
_COORDINATION: Final = {"zincblende": 4, "rocksalt": 6, "CsCl": 8}
_CELL_PER_BOND: Final = {"zincblende": 4 / math.sqrt(3), "rocksalt": 2.0, "CsCl": 2 / math.sqrt(3)}

TOLERANCE_FACTOR: Final = (0.80, 1.07)
"""Range of Goldschmidt's (1926) tolerance factor of perovskites, (r_A + r_X) / (√2 (r_B + r_X)); BaTiO3 has 1.06."""
OCTAHEDRAL_FACTOR: Final = (0.38, 0.90)
"""Range of the octahedral factor r_B / r_X (Li et al. 2004), at which an X6 octahedron can hold B; LaAlO3 has 0.38."""

SIZE_RATIO: Final = (0.70, 1.35)
"""Range of the radius of each partner of a Heusler compound over the mean of the three."""
VALENCE_ELECTRONS: Final = {"full-Heusler": (8, 32), "inverse-Heusler": (8, 32), "half-Heusler": (6, 24)}
"""Valence electrons per formula unit; known compounds lie around the gaps at 24, and at 8 and 18 (Graf et al. 2011)."""
# elements on the Z site of a Heusler compound
# fmt: off
MAIN_GROUP: Final = frozenset({
    "Be", "Mg", "B", "Al", "Si", "P", "S", "Zn", "Ga", "Ge", "As", "Se", "Cd", "In", "Sn", "Sb", "Te",
    "Hg", "Tl", "Pb", "Bi",
})
# fmt: on


def binaries() -> dict[str, list[Compound]]:
    """AB compounds by structure: charges are opposite, the anion is more electronegative, the radius ratio fits."""
    found: dict[str, list[Compound]] = {name: [] for name in RADIUS_RATIO}
    for cation, anion in _pairs(ions()):
        if cation.charge != -anion.charge:
            continue
        for structure, (least, most) in RADIUS_RATIO.items():
            plus, minus = (ion.radius(_COORDINATION[structure]) for ion in (cation, anion))
            if least <= plus / minus <= most:
                start = _CELL_PER_BOND[structure] * (plus + minus)
                charges = (float(cation.charge), float(anion.charge))
                found[structure].append(((cation.symbol, anion.symbol), charges, start))
    return found


def _pairs(all_ions: tuple[Ion, ...]) -> Iterator[tuple[Ion, Ion]]:
    for cation in all_ions:
        for anion in all_ions:
            if cation.charge > 0 > anion.charge and cation.electronegativity < anion.electronegativity:
                yield cation, anion


def perovskites() -> list[Compound]:
    """ABX3 compounds: charges balance, A is larger than B, tolerance and octahedral factors are in their ranges."""
    found: list[Compound] = []
    cations = [ion for ion in ions() if ion.charge > 0]
    for x in (ion for ion in ions() if -3 <= ion.charge < 0):
        r_x = x.radius(6)
        for a in cations:
            for b in cations:
                distinct = len({a.symbol, b.symbol, x.symbol}) == 3
                if not distinct or a.charge + b.charge != -3 * x.charge:
                    continue
                r_a, r_b = a.radius(12), b.radius(6)
                tolerance = (r_a + r_x) / (math.sqrt(2) * (r_b + r_x))
                if (
                    r_a > r_b
                    and max(a.electronegativity, b.electronegativity) < x.electronegativity
                    and TOLERANCE_FACTOR[0] <= tolerance <= TOLERANCE_FACTOR[1]
                    and OCTAHEDRAL_FACTOR[0] <= r_b / r_x <= OCTAHEDRAL_FACTOR[1]
                ):
                    # A-X and B-X contacts ask for different lengths; a cubic cell is a compromise
                    start = (2 * (r_b + r_x) + math.sqrt(2) * (r_a + r_x)) / 2
                    charges = (float(a.charge), float(b.charge), float(x.charge))
                    found.append(((a.symbol, b.symbol, x.symbol), charges, start))
    return found


def heuslers() -> dict[str, list[Compound]]:
    """X2YZ and XYZ compounds: X and Y are metals, Z is of the main groups and not the least electronegative.

    X2YZ is of the inverse type if Y has more valence electrons than X, else full (Burch et al. 1974: atoms with more
    electrons prefer the tetrahedral sites beside Z).  In XYZ the more electronegative metal takes X, the site between
    the others.
    """
    found: dict[str, list[Compound]] = {name: [] for name in VALENCE_ELECTRONS}
    metals = [atom for atom in atoms() if atom.is_metal]
    for z in (atom for atom in atoms() if atom.symbol in MAIN_GROUP):
        for x, y in permutations(metals, 2):
            if z.symbol in (x.symbol, y.symbol):
                continue
            mean = (x.radius + y.radius + z.radius) / 3
            sizes = [atom.radius / mean for atom in (x, y, z)]
            if min(sizes) < SIZE_RATIO[0] or max(sizes) > SIZE_RATIO[1]:
                continue
            if z.electronegativity < min(x.electronegativity, y.electronegativity):
                continue
            doubled = "inverse-Heusler" if y.valence > x.valence else "full-Heusler"
            for structure, copies in ((doubled, 2), ("half-Heusler", 1)):
                least, most = VALENCE_ELECTRONS[structure]
                ordered = copies == 2 or x.electronegativity > y.electronegativity
                if ordered and least <= copies * x.valence + y.valence + z.valence <= most:
                    found[structure].append(_alloy(x, y, z, copies))
    return found


def _alloy(x: Atom, y: Atom, z: Atom, copies: int) -> Compound:
    """A compound with a cell in which neighbours (√3/4 of the cell apart) touch, and charges from electronegativity.

    An alloy has no oxidation states.  The charge of an atom, in e, is the mean electronegativity of the compound minus
    that of the atom.  These charges add up to zero, and have the right signs.
    """
    mean = (copies * x.electronegativity + y.electronegativity + z.electronegativity) / (copies + 2)
    charges = tuple(round(mean - atom.electronegativity, 6) for atom in (x, y, z))
    bond = x.radius + (y.radius + z.radius) / 2
    return (x.symbol, y.symbol, z.symbol), charges, 4 / math.sqrt(3) * bond
