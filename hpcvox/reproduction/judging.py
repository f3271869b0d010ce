"""Judges whether a claim holds by the values of several draws: a difference counts if it is beyond chance."""

import math
from collections.abc import Sequence
from typing import Final

SURE: Final = 0.975
"""Quantile of Student's t up to which the mean difference over the draws may be chance."""


def above(values: Sequence[float], least: float = 0.0) -> bool | None:
    """Whether the mean of ``values`` of the draws is above ``least``; None if the spread is too large to tell."""
    # imported here: it takes a second
    from scipy.stats import t

    if len(values) < 2:
        return None
    mean = math.fsum(values) / len(values)
    error = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1) / len(values))
    gap = mean - least
    return None if abs(gap) <= float(t.ppf(SURE, len(values) - 1)) * error else gap > 0


def at_least(values: Sequence[float], least: float) -> bool | None:
    """As :func:`above`, but values that are all alike may also be ``least`` itself."""
    if len(values) > 1 and max(values) == min(values):
        return values[0] >= least
    return above(values, least)


def all_of(answers: Sequence[bool | None]) -> bool | None:
    """Whether all hold; None if none is false and one cannot be told."""
    if False in answers:
        return False
    return None if None in answers or not answers else True
