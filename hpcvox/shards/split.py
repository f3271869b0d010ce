"""Decides which materials are held out; only the formula decides, so that no material is on both sides."""

from collections.abc import Iterable

import numpy as np
import xxhash
from numpy.typing import NDArray


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
    sides: dict[str, bool] = {}
    marks = []
    for formula in formulas:
        if formula not in sides:
            sides[formula] = xxhash.xxh3_64_intdigest(f"{seed}:{formula}".encode()) < limit
        marks.append(sides[formula])
    return np.array(marks, bool)
