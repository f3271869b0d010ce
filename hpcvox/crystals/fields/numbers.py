"""Converts a block of decimal numbers from text to float64."""

import numba
import numpy as np
from numpy.typing import NDArray

EXACT = 2**53
"""Whole numbers up to this, and powers of ten up to the 22nd, are exact in float64.  So a product or quotient of two of
them is rounded only once, and is the float64 nearest to the decimal number."""
POWERS: NDArray[np.float64] = np.array([float(10**k) for k in range(23)])

PLUS, MINUS, POINT, ZERO, NINE = (ord(sign) for sign in "+-.09")
EXPONENTS = tuple(ord(sign) for sign in "EeDd")


@numba.njit(cache=True, error_model="numpy")
def parse_numbers(
    text: NDArray[np.uint8], out: NDArray[np.float64], powers: NDArray[np.float64]
) -> tuple[int, int, int]:
    """Fill ``out`` with the numbers of ``text`` up to the first word that is no plain number.

    Plain numbers are such as ``-.5E+00``, ``12``, ``1.5D-3``, ``0.1-10``.

    Args:
        text: ASCII, (bytes,) uint8; white space separates words.
        powers: POWERS.

    Returns:
        Three numbers: how many were found; the place where the reading stopped (the end of ``text``, white space after
        the last number that fits into ``out``, or a word that is no plain number); and the end of that word, or again
        the place if there is no such word.
    """
    at, found, size = 0, 0, text.size
    while found < out.size:
        while at < size and (text[at] == 32 or 9 <= text[at] <= 13):
            at += 1
        start = at
        if at == size:
            return found, at, at
        negative = text[at] == MINUS
        if negative or text[at] == PLUS:
            at += 1
        digits, seen, power = np.int64(0), 0, np.int64(0)
        after = False
        plain = True
        while at < size:
            sign = text[at]
            if ZERO <= sign <= NINE:
                seen += 1
                if digits < EXACT // 16:
                    digits = digits * 10 + np.int64(sign - ZERO)
                    power -= 1 if after else 0
                else:
                    plain = plain and sign == ZERO  # more digits than float64 holds are not read here
                    power += 0 if after else 1
            elif sign == POINT and not after:
                after = True
            else:
                break
            at += 1
        plain = plain and seen > 0
        if at < size and (text[at] in EXPONENTS or ((text[at] == PLUS or text[at] == MINUS) and after)):
            at, exponent, stated = _exponent(text, at)
            plain = plain and stated
            power += exponent
        ended = at == size or text[at] == 32 or 9 <= text[at] <= 13
        if not (plain and ended and (digits == 0 or -22 <= power <= 22)):
            while at < size and not (text[at] == 32 or 9 <= text[at] <= 13):
                at += 1
            return found, start, at
        value = float(digits)
        if digits != 0:
            value = value * powers[power] if power >= 0 else value / powers[-power]
        out[found] = -value if negative else value
        found += 1
    return found, at, at


@numba.njit(cache=True, error_model="numpy")
def _exponent(text: NDArray[np.uint8], at: int) -> tuple[int, np.signedinteger, bool]:
    """Where the exponent that begins at ``at`` ends, its value, and whether it has a digit."""
    if text[at] in EXPONENTS:
        at += 1
    down = at < text.size and text[at] == MINUS
    if at < text.size and (text[at] == PLUS or text[at] == MINUS):
        at += 1
    first, exponent = at, np.int64(0)
    while at < text.size and ZERO <= text[at] <= NINE and at < first + 4:
        exponent = exponent * 10 + np.int64(text[at] - ZERO)
        at += 1
    return at, -exponent if down else exponent, at > first
