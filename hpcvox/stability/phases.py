"""The record of a known phase; hulls are made of these."""

from collections.abc import Mapping
from typing import NamedTuple

Amounts = Mapping[str, float]
"""Atoms of each element, by symbol."""


class Phase(NamedTuple):
    """A known phase with its energy."""

    formula: str
    """Reduced."""
    amounts: tuple[tuple[str, float], ...]
    """The atoms of each element in the reduced formula, sorted by symbol."""
    energy: float
    """eV/atom."""
    id: str = ""
