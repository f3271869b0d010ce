"""What people read on the terminal: the one place that prints, so that no stranger's text commands the terminal.

Names of files, ids of crystals and words of servers are of others; a terminal obeys the control characters in them.
"""

import sys
from typing import Final

_SIGNS: Final = {"→": "->", "…": "...", "×": "x", "≤": "<=", "≥": ">=", "–": "-", "’": "'"}


def counted(number: int, one: str, many: str = "") -> str:
    """``1 shard``, ``2 shards``; ``many`` where more than an s tells them apart."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def say(text: str, error: bool = False) -> None:
    """Print ``text`` at once, on standard error where it is an ``error`` or a warning; see :func:`printable`.

    A character that the terminal's encoding lacks is shown escaped, too.
    """
    stream = sys.stderr if error else sys.stdout
    encoding = getattr(stream, "encoding", None) or "utf-8"
    shown = _plain(printable(text), encoding).encode(encoding, "backslashreplace").decode(encoding)
    print(shown, file=stream, flush=True)


def _plain(text: str, encoding: str) -> str:
    """``text`` with the signs of sentences in letters that the encoding has."""
    for sign, letters in _SIGNS.items():
        if sign in text and not sign.encode(encoding, "ignore"):
            text = text.replace(sign, letters)
    return text


def printable(text: str) -> str:
    r"""``text`` with what is no visible character shown escaped (``\x1b``), but for tabs and ends of lines."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()
