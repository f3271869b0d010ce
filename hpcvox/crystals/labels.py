"""The element that a CIF means by an atom type or label: ``Fe3+``, ``O2-``, ``Ca1``, ``Ow``, ``D``."""

import re
from functools import lru_cache
from typing import Final

from hpcvox.crystals.elements import ATOMIC_NUMBERS
from hpcvox.errors import Rejected

_LETTERS = re.compile(r"[A-Za-z]+")

# What mineralogical and protein data banks write for the atoms of water, ammonium and deuterium.
_SPECIAL: Final = {"D": "H", "T": "H", "Hw": "H", "Hn": "H", "Dw": "H", "Ow": "O", "Oh": "O", "OH": "O",
                   "Wat": "O", "wat": "O", "WAT": "O"}  # fmt: skip


@lru_cache(maxsize=65536)
def atomic_number(symbol: str) -> int:
    """Atomic number of the element that ``symbol`` begins with; 0 for an unknown mark (``.``, ``?``).

    Raises:
        Rejected: ``element``, where it begins with no element's symbol.
    """
    bare = symbol.strip("'\" \t")
    if bare in ("", ".", "?"):
        return 0
    match = _LETTERS.match(bare)
    letters = match.group() if match else ""
    # Case decides first (Co is cobalt, CO1 the carbon or oxygen of a label), then the longest symbol.
    for candidate in (letters, letters[:2], letters[:2].title(), letters[:1].upper()):
        if candidate in _SPECIAL:
            return ATOMIC_NUMBERS[_SPECIAL[candidate]]
        if candidate in ATOMIC_NUMBERS:
            return ATOMIC_NUMBERS[candidate]
    raise Rejected("element", f"{symbol!r} is not a chemical element")
