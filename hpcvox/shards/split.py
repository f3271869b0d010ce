"""Decides which materials are held out; only the formula decides, so that no material is on both sides."""

from collections.abc import Iterable
from itertools import islice
from typing import Final

import numpy as np
import xxhash
from numpy.typing import NDArray

BLOCK: Final = 2**16
"""Formulas that are in memory at once."""


def split(formulas: Iterable[str], seed: int, held_out_fraction: float) -> NDArray[np.bool_]:
    """Mark the samples that are held out of training.

    A material is held out if the hash of (seed, formula) is below the fraction.  So all crystals of one formula are on
    the same side, whatever their order and number, and new data never move a material to the other side.

    Args:
        formulas: reduced formula of each sample.
        seed: seed of the split.
        held_out_fraction: share of the materials to hold out, 0 to 1.

    Returns:
        (N,) bool, True if held out.
    """
    limit = int(held_out_fraction * 2**64)
    left = iter(formulas)
    marks = [np.zeros(0, bool)]
    while block := list(islice(left, BLOCK)):
        sides = {f: xxhash.xxh3_64_intdigest(f"{seed}:{f}".encode()) < limit for f in set(block)}
        marks.append(np.fromiter(map(sides.__getitem__, block), bool, len(block)))
    return np.concatenate(marks)
