"""From text to numbers: decimal ones alone, as other programs read them.

Python's ``float`` also takes ``1_000`` for a thousand, and the digits of every script.
"""

from collections.abc import Sequence


def decimal(text: str) -> float:
    """The number that ``text`` writes in decimals; whether it is finite is the caller's to judge.

    Raises:
        ValueError: it is no number; the message quotes it.
    """
    if "_" not in text and text.isascii():
        try:
            return float(text)
        except ValueError:
            pass
    raise ValueError(f"{text[:40]!r} is not a number")


def decimals(words: Sequence[str]) -> list[float]:
    """As :func:`decimal`, of each of ``words``; looks at all of them at once, as most are good."""
    joined = "".join(words)
    if "_" not in joined and joined.isascii():
        try:
            return list(map(float, words))
        except ValueError:
            pass
    return [decimal(word) for word in words]
