"""Chemical formulas as CIFs state them: ``'Al2 Mg O4'``."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from hpcvox.crystals.elements import ATOMIC_NUMBERS

_PART: Final = re.compile(r"([A-Z][a-z]?)([0-9.]*)")
_WORD: Final = re.compile(r"(?:[A-Z][a-z]?[0-9.]*)+")
_ISOTOPES: Final = {"D": 1, "T": 1}

Amounts = Mapping[int, float]
"""Of each atomic number, how many atoms."""


@lru_cache(maxsize=65536)
def parsed(stated: str) -> Amounts | None:
    """The amounts of the formula ``stated``, raw or unquoted; None where it is no sum of elements.

    Hydrogen and its isotopes are one element.
    """
    text = stated.strip("'\"\n; ")
    if text[:1].isspace():
        return None
    amounts: dict[int, float] = {}
    for word in text.split():
        parts = _parts(word)
        if parts is None:
            return None
        for z, amount in parts:
            amounts[z] = amounts.get(z, 0.0) + amount
    return amounts or None


@lru_cache(maxsize=65536)
def _parts(word: str) -> tuple[tuple[int, float], ...] | None:
    """Atomic numbers and amounts of a formula's part without spaces (``O4``): few, where formulas are many."""
    if not _WORD.fullmatch(word):
        return None
    parts = []
    for symbol, written in _PART.findall(word):
        z = ATOMIC_NUMBERS.get(symbol, _ISOTOPES.get(symbol, 0))
        try:
            amount = float(written or 1)
        except ValueError:
            return None
        if z == 0 or amount <= 0:
            return None
        parts.append((z, amount))
    return tuple(parts)
