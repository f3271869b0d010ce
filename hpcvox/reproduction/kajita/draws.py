"""Draws crystals: which are tested on, and in which order the others are trained on."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

TESTED: Final = 80 / 680
"""The paper's share of crystals that are tested on."""

REGRESSION, RECOGNITION = range(2)
"""What is drawn for; each has random numbers of its own."""


class Draw(NamedTuple):
    """A draw: numbers of crystals."""

    train: NDArray[np.int64]
    """All that are not tested on; a training of n crystals has the first n."""
    test: NDArray[np.int64]


def split(formulas: Sequence[str], seed: int, number: int) -> Draw:
    """Draw ``number``: formulas are shuffled, and the first of them are tested on, with all crystals of each.

    Args:
        formulas: of the crystals; those of one formula are on the same side, as the network would know them.
    """
    kinds = sorted(set(formulas))
    order = np.random.default_rng([seed, REGRESSION, number]).permutation(len(kinds))
    members = {kind: [place for place, one in enumerate(formulas) if one == kind] for kind in kinds}
    wanted = max(1, round(TESTED * len(formulas)))
    test: list[int] = []
    train: list[int] = []
    for place in order:
        (test if len(test) < wanted else train).extend(members[kinds[place]])
    return Draw(np.array(train, np.int64), np.array(test, np.int64))


def some(count: int, crystals: int, seed: int, number: int) -> NDArray[np.int64]:
    """``crystals`` of ``count`` for draw ``number`` of the recognition, sorted."""
    order = np.random.default_rng([seed, RECOGNITION, number]).permutation(count)
    return np.sort(order[:crystals])
