"""Numbers as CIFs write them: in decimals, with their uncertainty behind them (``4.05(2)``), and also in quotes.

gemmi reads both, in a third of the time of Python's ``float`` and to the same last bit.  Only of what is smaller or
greater than any double, which is zero or infinite, it says that it is no number.
"""

import math
from collections.abc import Sequence
from typing import Final

import gemmi

from hpcvox.crystals.decimals import decimal, decimals

_QUOTES: Final = ("'", '"', ";")


def number(text: str) -> float:
    """The number that ``text`` writes.

    Raises:
        ValueError: it is none.
    """
    found: float = gemmi.cif.as_number(text)
    if found == found:
        return found
    bare = _unquoted(text)
    return decimal(text) if bare == text else number(bare)


def numbers(words: Sequence[str]) -> list[float]:
    """The numbers that ``words`` write, nan for what is none."""
    found = list(map(gemmi.cif.as_number, words))
    if math.isnan(sum(found)):
        bare = list(map(_unquoted, words))
        if bare != list(words):
            return numbers(bare)
        try:
            return decimals(words)
        except ValueError:
            pass
    return found


def _unquoted(word: str) -> str:
    """``word`` without the quotation marks or the semicolons around it, which make it a text."""
    return gemmi.cif.as_string(word).strip() if word[:1] in _QUOTES else word
