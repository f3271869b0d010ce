"""Prints to the terminal.  Nothing else in hpcvox prints, so that all printed text is made safe here.

Names of files, ids of crystals and answers of servers come from others.  A terminal obeys control characters in them,
so these are shown escaped.
"""

import re
import sys
from typing import Final

_SIGNS: Final = {
    "→": "->", "…": "...", "×": "x", "≤": "<=", "≥": ">=", "–": "-", "−": "-", "±": "+/-", "’": "'",
    "²": "^2", "³": "^3", "°": " deg", "δ": "d", "Δ": "d",
    "α": "alpha", "β": "beta", "γ": "gamma", "Γ": "Gamma", "π": "pi",
}  # fmt: skip

_UNIT: Final = re.compile(r"(?<![^\s\d(/])Å(?![^\s^),;:.]|\.\w)")
"""The unit, and no file's name (``Å.csv``), as which other letters would name another file."""


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its noun: ``1 shard``, ``2 shards``; ``many`` is the plural if it is not ``one`` plus s."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def say(text: str, error: bool = False) -> None:
    """Print ``text`` and flush: on standard error if ``error`` (an error, a warning or progress), else standard output.

    Characters that are not :func:`printable`, or that the terminal's encoding lacks, are shown escaped.
    """
    stream = sys.stderr if error else sys.stdout
    encoding = getattr(stream, "encoding", None) or "utf-8"
    shown = _plain(printable(text), encoding).encode(encoding, "backslashreplace").decode(encoding)
    print(shown, file=stream, flush=True)


def _plain(text: str, encoding: str) -> str:
    """``text`` with signs (→, …, ×) and units (Å, °) replaced by characters that the encoding has."""
    for sign, letters in _SIGNS.items():
        if sign in text and not sign.encode(encoding, "ignore"):
            text = text.replace(sign, letters)
    return text if "Å".encode(encoding, "ignore") else _UNIT.sub("A", text)


def printable(text: str) -> str:
    r"""``text`` with invisible characters escaped (``\x1b``), except tabs and line ends."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()
