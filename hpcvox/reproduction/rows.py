"""Rows of draws in which a value may be missing, and figures that several experiments have."""

import math
from collections.abc import Sequence

import numpy as np

from hpcvox.reproduction.summary import Better, Marks, Row


def row(
    quantity: str, method: str, unit: str, better: Better, values: Sequence[float | None], absent: str = ""
) -> Row:
    """The row of the draws that have a value; ``absent`` says why others have none."""
    there = [float(value) for value in values if value is not None and math.isfinite(value)]
    return Row(quantity=quantity, method=method, unit=unit, better=better, values=there, absent=absent)


def histogram(name: str, values: Sequence[float], bins: int = 24, top: float | None = None) -> Marks:
    """Bars of how many values lie where, from 0 on; those beyond ``top`` in the last bar."""
    last = top if top is not None else max(values, default=1.0) or 1.0
    counts, edges = np.histogram(np.minimum(values, last), bins, (0.0, last))
    return Marks(
        kind="bars",
        name=name,
        x=((edges[1:] + edges[:-1]) / 2).tolist(),
        y=counts.astype(float).tolist(),
    )


def spread(count: int, most: int) -> list[int]:
    """At most ``most`` of the numbers 0 to ``count`` - 1, evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(most, count)).astype(int)).tolist() if count else []
