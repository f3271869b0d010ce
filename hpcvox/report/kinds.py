"""Kinds of crystals: by their formulas (perovskites are ABC3, rocksalts AB), and by their space groups."""

import re
import string
from collections import Counter
from collections.abc import Sequence
from typing import Final

import gemmi

KINDS: Final = 6
"""Kinds of crystals with a colour of their own."""


def kinds_of(formulas: Sequence[str]) -> list[str]:
    """``ABC3`` for ``SrTiO3``: the most frequent kinds by name, the rest as ``other``."""
    return kinds_of_names([kind_of(formula) for formula in formulas])


def kinds_of_names(kinds: Sequence[str]) -> list[str]:
    """The most frequent of ``kinds`` as they are, the rest as ``other``."""
    named = {kind for kind, _ in Counter(kinds).most_common(KINDS)}
    return [kind if kind in named else "other" for kind in kinds]


def kind_of(formula: str) -> str:
    """The anonymous formula: ``ABC3`` for ``SrTiO3``."""
    amounts = sorted(int(amount or 1) for _, amount in re.findall(r"([A-Z][a-z]?)(\d*)", formula))
    letters = zip(string.ascii_uppercase, amounts, strict=False)
    return "".join(letter if amount == 1 else f"{letter}{amount}" for letter, amount in letters)


def is_space_group(name: str) -> bool:
    """Whether a target's name is that of the number of a space group, which is a name and no measure."""
    return re.sub(r"[^a-z]", "", name.lower()) in _SPACE_GROUP


_SPACE_GROUP: Final = {
    f"{group}{more}" for group in ("spacegroup", "sg", "spg") for more in ("", "number", "num", "no")
}


def space_group(number: float) -> str:
    """``221 Pm-3m`` for 221."""
    found = (
        gemmi.find_spacegroup_by_number(int(number)) if 1 <= number <= 230 and number == int(number) else None
    )
    return f"{number:g}" if found is None else f"{int(number)} {found.hm.replace(' ', '')}"
