"""The most that an input and its crystal may be."""

from typing import Final

MAX_BYTES: Final = 16 * 1024 * 1024
"""A text longer than this is not read (the largest CIFs of real databases are a few megabytes)."""

MAX_SITES: Final = 10_000

MAX_LENGTH_A: Final = 1000.0
