"""The formula that a CIF states for itself, held against the atoms that it lists."""

import re
from collections import Counter
from functools import lru_cache

from hpcvox.crystals.elements import ATOMIC_NUMBERS, SYMBOLS
from hpcvox.errors import Rejected

_PART = re.compile(r"([A-Z][a-z]?)([0-9.]*)")
_HYDROGEN = 1  # left out of many X-ray structures that state it in their formula


@lru_cache(maxsize=4096)
def _part(text: str) -> tuple[int, float]:
    """Atomic number and amount of ``O3``; ``(0, 1.0)`` where it is no such thing."""
    match = _PART.fullmatch(text)
    if match is None or match[1] not in ATOMIC_NUMBERS:
        return 0, 1.0
    try:
        return ATOMIC_NUMBERS[match[1]], float(match[2] or 1)
    except ValueError:
        return 0, 1.0


def check_complete(stated: str, numbers: bytes) -> None:
    """Hold the atoms ``numbers`` (one byte each) of a P1 cell against its ``_chemical_formula_sum``.

    A CIF that lists every atom and was cut between two lines is still a CIF; only its own formula
    tells.  Proportions are compared, hydrogen aside; a formula that cannot be read proves nothing.

    Raises:
        Rejected: ``incomplete``, where the proportions differ.
    """
    found, unit, same = 0, 0.0, True
    for text in stated.strip("'\"").split():
        z, amount = _part(text)
        if z == 0 or amount <= 0:
            return
        if z != _HYDROGEN:
            count = numbers.count(z)
            found += count
            unit = unit or count / amount
            same = same and count > 0 and abs(count - unit * amount) <= 0.01 * count
    if unit and (not same or found + numbers.count(_HYDROGEN) != len(numbers)):
        listed = " ".join(f"{SYMBOLS[z]}{count}" for z, count in sorted(Counter(numbers).items()))
        raise Rejected("incomplete", f"the formula is {stated}, the atoms listed are {listed}")
