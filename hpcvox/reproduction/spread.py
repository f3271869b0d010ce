"""Whether two methods differ, by the spread of their values over the draws."""

import math
from typing import Final, NamedTuple

from hpcvox.reproduction.summary import Row

SURE: Final = 0.975
"""Quantile of Student's t up to which the mean difference over the draws may be chance."""


class Sides(NamedTuple):
    """What a claim compares: two methods on one quantity at the largest size that both have, draw by draw."""

    first: Row
    other: Row


def less(pair: Sides, share: float = 1.0) -> bool | None:
    """Whether the first method's values are less than ``share`` of the other's; None if the spread is too large."""
    # imported here: it takes a second
    from scipy.stats import t

    gaps = [share * b - a for a, b in zip(pair.first.values, pair.other.values, strict=True)]
    mean = math.fsum(gaps) / len(gaps)
    if len(gaps) < 2:
        return None
    error = math.sqrt(math.fsum((gap - mean) ** 2 for gap in gaps) / (len(gaps) - 1) / len(gaps))
    return None if abs(mean) <= float(t.ppf(SURE, len(gaps) - 1)) * error else mean > 0
