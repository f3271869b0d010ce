"""Which compounds the built-in database has, and how large their cells are at first.

Ionic compounds balance their charges and keep the classical radius rules; Heusler compounds are
alloys, held to electronegativity, valence electrons and size.  These rules choose plausible
compounds, stable or not; how plausible, their formation energies tell.
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

# Pauling's limits for 4, 6 and 8 neighbours are 0.225, 0.414 and 0.732; real compounds overstep them
# by some 20 % (LiI and MgS are rocksalts at 0.35), so the windows overlap.
RADIUS_RATIO: Final = {"zincblende": (0.10, 0.50), "rocksalt": (0.33, 0.90), "CsCl": (0.65, 1.20)}
_COORDINATION: Final = {"zincblende": 4, "rocksalt": 6, "CsCl": 8}
_CELL_PER_BOND: Final = {"zincblende": 4 / math.sqrt(3), "rocksalt": 2.0, "CsCl": 2 / math.sqrt(3)}

TOLERANCE_FACTOR: Final = (0.80, 1.07)
"""Goldschmidt (1926): (r_A + r_X) / (√2 (r_B + r_X)) of perovskites; BaTiO3 has 1.06."""
OCTAHEDRAL_FACTOR: Final = (0.38, 0.90)
"""Li et al. (2004): r_B / r_X at which an X6 octahedron holds B; LaAlO3 has 0.38."""

SIZE_RATIO: Final = (0.70, 1.35)
"""Radius of each partner of a Heusler compound over the mean of the three."""
VALENCE_ELECTRONS: Final = {"full-Heusler": (8, 32), "inverse-Heusler": (8, 32), "half-Heusler": (6, 24)}
"""Per formula unit; the known ones spread around the gaps at 24 and at 8 and 18 (Graf et al. 2011)."""
# What takes the Z site of a Heusler compound.
# fmt: off
MAIN_GROUP: Final = frozenset({
    "Be", "Mg", "B", "Al", "Si", "P", "S", "Zn", "Ga", "Ge", "As", "Se", "Cd", "In", "Sn", "Sb", "Te",
    "Hg", "Tl", "Pb", "Bi",
})
# fmt: on


def binaries() -> dict[str, list[Compound]]:
    """AB by structure: opposite charges, the anion the more electronegative, radius ratio in its window."""
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
    """ABX3: charges balance, A larger than B, tolerance and octahedral factors in their ranges."""
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
                    # Both contacts want their length; a cubic cell settles between the two.
                    start = (2 * (r_b + r_x) + math.sqrt(2) * (r_a + r_x)) / 2
                    charges = (float(a.charge), float(b.charge), float(x.charge))
                    found.append(((a.symbol, b.symbol, x.symbol), charges, start))
    return found


def heuslers() -> dict[str, list[Compound]]:
    """X2YZ and XYZ: X and Y metals, Z of the main groups and not the least electronegative.

    X2YZ is inverse where Y has more valence electrons than X, else full (Burch et al. 1974: the more
    electrons, the more an atom prefers the tetrahedral sites beside Z's); in XYZ the more
    electronegative metal takes X, the site between the others.
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
    """Cell from touching neighbours (√3/4 of the cell apart); charges from electronegativity.

    An alloy has no oxidation states: each atom is given the mean electronegativity of the compound
    less its own, in e, which is neutral by construction and points the right way.
    """
    mean = (copies * x.electronegativity + y.electronegativity + z.electronegativity) / (copies + 2)
    charges = tuple(round(mean - atom.electronegativity, 6) for atom in (x, y, z))
    bond = x.radius + (y.radius + z.radius) / 2
    return (x.symbol, y.symbol, z.symbol), charges, 4 / math.sqrt(3) * bond
