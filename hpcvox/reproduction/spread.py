"""Whether two methods differ, by the spread of their values over the draws."""

from typing import NamedTuple

from hpcvox.reproduction.judging import above
from hpcvox.reproduction.summary import Row


class Sides(NamedTuple):
    """What a claim compares: two methods on one quantity at the largest size that both have, draw by draw."""

    first: Row
    other: Row


def less(pair: Sides, share: float = 1.0) -> bool | None:
    """Whether the first method's values are less than ``share`` of the other's; None if the spread is too large."""
    return above([share * b - a for a, b in zip(pair.first.values, pair.other.values, strict=True)])
