"""Upper limits of inputs and their crystals."""

from typing import Final

MAX_BYTES: Final = 16 * 1024 * 1024
"""Longest text of a structure in bytes (the largest CIFs of real databases have a few megabytes)."""

MAX_PARTS: Final = 1_000_000
"""Most brackets and commas of a structure in JSON (ten thousand sites of pymatgen have 200,000)."""

MAX_COLUMNS: Final = 16_384
"""Most columns of a table, as many as in a spreadsheet."""

MAX_SITES: Final = 10_000

MAX_LENGTH_A: Final = 1000.0

MAX_VOLUME_A3: Final = 1e6
"""Greatest volume in Å³ of a cell per atom.  A cell with lengths in pm has more; a single atom in a box far less."""

MIN_VOLUME_A3: Final = 0.25
"""Least volume in Å³ of a cell per atom.  A cell with lengths in nm has less; the densest hydrogen has more than 1."""


def too_many_parts(text: bytes | str) -> bool:
    """Whether a text in JSON has too many parts for a structure; each part takes many times its bytes in memory."""
    if len(text) <= MAX_PARTS:
        return False
    marks = (b",", b"[", b"{") if isinstance(text, bytes) else (",", "[", "{")
    return sum(map(text.count, marks)) > MAX_PARTS  # type: ignore[arg-type]
