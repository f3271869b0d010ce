"""Numbers as CIFs write them: in decimals, and with their uncertainty behind them (``4.05(2)``).

gemmi reads both, in a third of the time of Python's ``float`` and to the same last bit.  Only of what is smaller or
greater than any double, which is zero or infinite, it says that it is no number.
"""

import math
from collections.abc import Sequence

import gemmi

from hpcvox.crystals.decimals import decimal, decimals


def number(text: str) -> float:
    """The number that ``text`` writes.

    Raises:
        ValueError: it is none.
    """
    found: float = gemmi.cif.as_number(text)
    return found if found == found else decimal(text)


def numbers(words: Sequence[str]) -> list[float]:
    """The numbers that ``words`` write, nan for what is none."""
    found = list(map(gemmi.cif.as_number, words))
    if math.isnan(sum(found)):
        try:
            return decimals(words)
        except ValueError:
            pass
    return found
