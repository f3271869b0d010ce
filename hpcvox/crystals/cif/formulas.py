"""Chemical formulas as CIFs state them: ``'Al2 Mg O4'``."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from hpcvox.crystals.elements import ATOMIC_NUMBERS

_PART: Final = re.compile(r"([A-Z][a-z]?)([0-9.]*)")
_SUM: Final = re.compile(r"(?:[A-Z][a-z]?[0-9.]*\s*)+")
_ISOTOPES: Final = {"D": 1, "T": 1}

Amounts = Mapping[int, float]
"""Of each atomic number, how many atoms."""


@lru_cache(maxsize=65536)
def parsed(stated: str) -> Amounts | None:
    """The amounts of the formula ``stated``, raw or unquoted; None where it is no sum of elements.

    Hydrogen and its isotopes are one element.
    """
    text = stated.strip("'\"\n; ")
    if not _SUM.fullmatch(text):
        return None
    amounts: dict[int, float] = {}
    for symbol, amount in _PART.findall(text):
        z = ATOMIC_NUMBERS.get(symbol, _ISOTOPES.get(symbol, 0))
        try:
            number = float(amount or 1)
        except ValueError:
            return None
        if z == 0 or number <= 0:
            return None
        amounts[z] = amounts.get(z, 0.0) + number
    return amounts or None
