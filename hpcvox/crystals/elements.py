"""Chemical elements: symbols, covalent radii, volumes, and electronegativities (which order a formula)."""

from typing import Final

_NAMES: Final = """
H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb
Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu
Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr Rf Db
Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og
"""

SYMBOLS: Final[tuple[str, ...]] = ("", *_NAMES.split())
"""Symbol by atomic number; index 0 is empty."""

ATOMIC_NUMBERS: Final[dict[str, int]] = {symbol: z for z, symbol in enumerate(SYMBOLS) if z}
"""Atomic number by symbol."""

# fmt: off
_PAULING: Final[tuple[float, ...]] = (
    0.0,
    2.2, 0.0, 0.98, 1.57, 2.04, 2.55, 3.04, 3.44, 3.98, 0.0, 0.93, 1.31, 1.61, 1.9, 2.19, 2.58, 3.16,
    0.0, 0.82, 1.0, 1.36, 1.54, 1.63, 1.66, 1.55, 1.83, 1.88, 1.91, 1.9, 1.65, 1.81, 2.01, 2.18, 2.55,
    2.96, 3.0, 0.82, 0.95, 1.22, 1.33, 1.6, 2.16, 1.9, 2.2, 2.28, 2.2, 1.93, 1.69, 1.78, 1.96, 2.05,
    2.1, 2.66, 2.6, 0.79, 0.89, 1.1, 1.12, 1.13, 1.14, 1.13, 1.17, 1.2, 1.2, 1.1, 1.22, 1.23, 1.24,
    1.25, 1.1, 1.27, 1.3, 1.5, 2.36, 1.9, 2.2, 2.2, 2.28, 2.54, 2.0, 1.62, 2.33, 2.02, 2.0, 2.2, 2.2,
    0.7, 0.9, 1.1, 1.3, 1.5, 1.38, 1.36, 1.28, 1.3, 1.3, 1.3, 1.3, 1.3, 1.3, 1.3, 1.3, 1.3, 0.0, 0.0,
    0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
)

COVALENT_RADII_A: Final[tuple[float, ...]] = (
    0.0, 0.31, 0.28, 1.28, 0.96, 0.84, 0.76, 0.71, 0.66, 0.57, 0.58, 1.66, 1.41, 1.21, 1.11, 1.07, 1.05,
    1.02, 1.06, 2.03, 1.76, 1.7, 1.6, 1.53, 1.39, 1.39, 1.32, 1.26, 1.24, 1.32, 1.22, 1.22, 1.2, 1.19, 1.2,
    1.2, 1.16, 2.2, 1.95, 1.9, 1.75, 1.64, 1.54, 1.47, 1.46, 1.42, 1.39, 1.45, 1.44, 1.42, 1.39, 1.39,
    1.38, 1.39, 1.4, 2.44, 2.15, 2.07, 2.04, 2.03, 2.01, 1.99, 1.98, 1.98, 1.96, 1.94, 1.92, 1.92, 1.89,
    1.9, 1.87, 1.87, 1.75, 1.7, 1.62, 1.51, 1.44, 1.41, 1.36, 1.36, 1.32, 1.45, 1.46, 1.48, 1.4, 1.5, 1.5,
    2.6, 2.21, 2.15, 2.06, 2.0, 1.96, 1.9, 1.87, 1.8, 1.69,
) + (0.0,) * 22
"""Covalent radius in Å by atomic number (Cordero et al. 2008, doi:10.1039/b801115j, as in ase.data); 0 beyond curium,
where none is known."""

ATOMIC_VOLUMES_A3: Final[tuple[float, ...]] = (
    0.0, 7.2, 15.9, 10.9, 7.8, 7.2, 9.0, 8.4, 9.0, 12.0, 0.0, 20.2, 18.4, 15.3, 15.9, 20.3, 23.2, 30.6, 0.0,
    35.3, 25.0, 18.6, 14.2, 13.3, 11.0, 12.1, 11.3, 9.5, 9.2, 11.8, 15.9, 17.6, 19.0, 22.7, 28.1, 37.3, 43.4,
    42.3, 30.0, 25.4, 19.9, 17.5, 15.6, 14.2, 12.5, 13.1, 14.8, 20.2, 23.9, 26.2, 27.2, 29.7, 34.6, 48.6, 52.2,
    51.0, 37.9, 29.5, 26.2, 30.1, 28.4, 31.7, 27.8, 26.9, 23.8, 25.0, 25.1, 24.7, 24.2, 23.9, 25.8, 22.7, 18.9,
    17.0, 16.6, 14.6, 13.7, 14.1, 15.8, 20.1, 27.1, 31.9, 31.2, 31.5, 0.0, 0.0, 0.0, 0.0, 0.0, 41.3, 29.7, 24.0,
    21.9, 21.0, 23.6, 0.0, 0.0,
) + (0.0,) * 22
"""Usual volume in Å³ of an atom in an inorganic compound, by atomic number; 0 if unknown.

The values were fitted to 36,737 crystals of the Materials Project (CC-BY 4.0).  The fit minimises the squared relative
difference between a cell's volume and the sum of its atoms' volumes; it leaves out cells of less than 0.6 or more than
1.6 times that sum.  Half of all crystals have 0.95 to 1.09 times the sum.
"""
# fmt: on


FAMILIES: Final = frozenset({"RE", "TM"})
"""Capitals that are an element's symbol, and more often a family: rare earths, transition metals."""
NOT_CERTAIN: Final = FAMILIES | {"CO", "HO", "HF", "PO", "ND", "CD"}
"""Capitals that may be an element or a group of atoms."""
_RARE: Final = 98
"""From this atomic number (californium) on, symbols must have their exact case: CN and NH are groups of atoms."""
_WORDS: Final = frozenset({"na", "no"})  # not available


def is_element(element: str, letters: str) -> bool:
    """Whether ``letters`` is an accepted spelling of the symbol ``element``."""
    own_case = letters == element or letters == "D"
    return element in ATOMIC_NUMBERS and (
        own_case or (letters not in _WORDS and ATOMIC_NUMBERS[element] < _RARE)
    )


def electronegativity(number: int) -> float:
    """Pauling electronegativity of the element with this atomic number (dimensionless); 0 if unknown.

    Source: the table of Mendeleev's elements in pymatgen (CRC Handbook, 2004).
    """
    return _PAULING[number]
