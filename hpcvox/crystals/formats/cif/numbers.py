"""Reads numbers of CIFs: decimal, perhaps with an uncertainty (``4.05(2)``), perhaps in quotes.

gemmi reads these in a third of the time of Python's ``float``, with the same bits.  There is one difference: Python
reads numbers beyond the range of a double as zero or infinity, but gemmi says that they are no numbers.
"""

import math
from collections.abc import Sequence
from typing import Final

import gemmi

from hpcvox.crystals.decimals import decimal, decimals

_QUOTES: Final = ("'", '"', ";")


def number(text: str) -> float:
    """The number in ``text``.

    Raises:
        ValueError: the text is no number.
    """
    found: float = gemmi.cif.as_number(text)
    if found == found:
        return found
    bare = _unquoted(text)
    return decimal(text) if bare == text else number(bare)


def numbers(words: Sequence[str]) -> list[float]:
    """The numbers in ``words``; nan for a word that is none."""
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
    """``word`` without the quotation marks or semicolons around it."""
    return gemmi.cif.as_string(word).strip() if word[:1] in _QUOTES else word
