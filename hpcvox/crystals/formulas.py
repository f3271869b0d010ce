"""The formula that a CIF states for itself, held against the atoms that it lists."""

import re
from collections import Counter
from functools import lru_cache

from hpcvox.crystals.elements import ATOMIC_NUMBERS, SYMBOLS
from hpcvox.errors import Rejected

_PART = re.compile(r"([A-Z][a-z]?)([0-9.]*)")
_HYDROGEN = 1  # left out of many X-ray structures that state it in their formula


@lru_cache(maxsize=65536)
def check_complete(stated: str, numbers: bytes) -> None:
    """Hold the atoms ``numbers`` (one byte each) of a P1 cell against its ``_chemical_formula_sum``.

    A CIF that lists every atom and was cut between two lines is still a CIF; only its own formula
    tells.  Proportions are compared, hydrogen aside; a formula that cannot be read proves nothing.

    Raises:
        Rejected: ``incomplete``, where the proportions differ.
    """
    counts = Counter(numbers)
    counts.pop(_HYDROGEN, None)
    formula: dict[int, float] = {}
    for part in stated.strip("'\"").split():
        match = _PART.fullmatch(part)
        if match is None or match[1] not in ATOMIC_NUMBERS:
            return
        try:
            formula[ATOMIC_NUMBERS[match[1]]] = float(match[2] or 1)
        except ValueError:
            return
    formula.pop(_HYDROGEN, None)
    if not formula or not counts:
        return
    ratio = max(counts[z] / amount for z, amount in formula.items() if amount > 0)
    same = set(formula) == set(counts) and all(
        abs(counts[z] - ratio * amount) < 0.01 * ratio * amount for z, amount in formula.items()
    )
    if not same:
        listed = " ".join(f"{SYMBOLS[z]}{count}" for z, count in sorted(counts.items()))
        raise Rejected("incomplete", f"the formula is {stated}, the atoms listed are {listed}")
