"""Kinds of crystals by their formulas: perovskites are ABC3, rocksalts AB."""

import re
import string
from collections import Counter
from collections.abc import Sequence
from typing import Final

KINDS: Final = 6
"""Kinds of crystals with a colour of their own."""


def kinds_of(formulas: Sequence[str]) -> list[str]:
    """``ABC3`` for ``SrTiO3``: the most frequent kinds by name, the rest as ``other``."""
    kinds = [_kind(formula) for formula in formulas]
    named = {kind for kind, _ in Counter(kinds).most_common(KINDS)}
    return [kind if kind in named else "other" for kind in kinds]


def _kind(formula: str) -> str:
    amounts = sorted(int(amount or 1) for _, amount in re.findall(r"([A-Z][a-z]?)(\d*)", formula))
    letters = zip(string.ascii_uppercase, amounts, strict=False)
    return "".join(letter if amount == 1 else f"{letter}{amount}" for letter, amount in letters)
