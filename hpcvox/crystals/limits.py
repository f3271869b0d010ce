"""The most that an input and its crystal may be."""

from typing import Final

MAX_BYTES: Final = 16 * 1024 * 1024
"""A text longer than this is not read (the largest CIFs of real databases are a few megabytes)."""

MAX_PARTS: Final = 1_000_000
"""A structure in JSON of more brackets and commas is not read (ten thousand sites of pymatgen have 200,000)."""

MAX_COLUMNS: Final = 16_384
"""Columns of a table; a spreadsheet has no more."""

MAX_SITES: Final = 10_000

MAX_LENGTH_A: Final = 1000.0

MAX_VOLUME_A3: Final = 1e6
"""Of a cell, for each of its atoms; one whose lengths are in pm has more, and one alone in a box far less."""


def too_many_parts(text: bytes | str) -> bool:
    """Whether a text in JSON has more parts than a structure, each of which takes many times its bytes in memory."""
    if len(text) <= MAX_PARTS:
        return False
    marks = (b",", b"[", b"{") if isinstance(text, bytes) else (",", "[", "{")
    return sum(map(text.count, marks)) > MAX_PARTS  # type: ignore[arg-type]
