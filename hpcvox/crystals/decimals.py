"""Reads decimal numbers from text, as other programs do.

Python's ``float`` accepts more: it reads ``1_000`` as a thousand, and the digits of every script.
"""

from collections.abc import Sequence


def decimal(text: str) -> float:
    """The decimal number in ``text``, which may be infinite or NaN; the caller has to check that.

    Raises:
        ValueError: the text is no number; the message quotes it.
    """
    if "_" not in text and text.isascii():
        try:
            return float(text)
        except ValueError:
            pass
    raise ValueError(f"{text[:40]!r} is not a number")


def decimals(words: Sequence[str]) -> list[float]:
    """:func:`decimal` of each of ``words``; checks all of them at once first, which is faster since most are valid."""
    joined = "".join(words)
    if "_" not in joined and joined.isascii():
        try:
            return list(map(float, words))
        except ValueError:
            pass
    return [decimal(word) for word in words]
