"""Decides the unit of lengths in a cube file if its comments contradict the sign of its counts."""

import re
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hpcvox.crystals.elements import COVALENT_RADII_A
from hpcvox.errors import Rejected

_UNIT: Final = r"(?<![/\w])(?:{})s?\b(?!\s*(?:\^|\*\*|-?\d))"  # excludes the unit of values, as in e/Å^3
_ANGSTROM: Final = re.compile(_UNIT.format("angstrom|ångström|ångstrom|angström|å|ang"), re.IGNORECASE)
_BOHR: Final = re.compile(_UNIT.format("bohr|a\\.u"), re.IGNORECASE)
_BONDS: Final = (0.74, 1.36)
"""Range of the shortest distance in crystals, as a share of the sum of two covalent radii; a wrong unit is outside."""
_LOOKED_AT: Final = 100
_SAME_A: Final = 0.05


def in_angstrom(
    comments: str,
    by_sign: bool,
    lattice: NDArray[np.float64],
    positions: NDArray[np.float64],
    numbers: list[int],
    bohr: float,
) -> bool:
    """Whether lengths are in Å, which the sign of the counts says (``by_sign``) unless the comments contradict it.

    If the comments name only the other unit, the distances between the atoms decide.  ``lattice`` (3, 3) and
    ``positions`` (n, 3) are as written in the file.

    Raises:
        Rejected: ``header``, if the distances fit neither unit.
    """
    # text is read as Latin-1, in which the two bytes of UTF-8's Å are two letters
    told = comments.encode("latin-1", errors="replace").decode(errors="replace")
    units = {unit for unit, pattern in ((True, _ANGSTROM), (False, _BOHR)) if pattern.search(told)}
    if units != {not by_sign} or not numbers:
        return by_sign
    nearest = _nearest(lattice, positions, numbers, _SAME_A)
    for angstrom in (by_sign, not by_sign):
        if _BONDS[0] <= nearest * (1.0 if angstrom else bohr) <= _BONDS[1]:
            return angstrom
    counts, comment = ("negative", "Bohr") if by_sign else ("positive", "Å")
    raise Rejected(
        "header",
        f"the counts of the grid are {counts}, which means {'Å' if by_sign else 'Bohr'}, the comment says {comment}, "
        "and the atoms' distances fit neither: the shortest is "
        f"{nearest:.3g} of the sum of its covalent radii in Å, and {nearest * bohr:.3g} in Bohr",
    )


def _nearest(
    lattice: NDArray[np.float64], positions: NDArray[np.float64], numbers: list[int], same: float
) -> float:
    """The shortest distance of the first atoms to other atoms or images, as a share of the sum of covalent radii."""
    shifts = np.array([(i, j, k) for i in (-1, 0, 1) for j in (-1, 0, 1) for k in (-1, 0, 1)]) @ lattice
    radii = np.array([COVALENT_RADII_A[z] if 0 < z < len(COVALENT_RADII_A) else 0.0 for z in numbers])
    inverse = np.linalg.inv(lattice)
    found = np.inf
    for k in range(min(len(numbers), _LOOKED_AT)):
        apart = (positions - positions[k]) @ inverse
        apart = (apart - np.rint(apart)) @ lattice
        distances = np.linalg.norm(apart[:, None] + shifts, axis=2)
        distances[distances < same] = np.inf
        sums = radii + radii[k]
        found = min(found, float((distances.min(axis=1)[sums > 0] / sums[sums > 0]).min(initial=np.inf)))
    return found
