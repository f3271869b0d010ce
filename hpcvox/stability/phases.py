"""Known phases, of which hulls are made."""

from collections.abc import Mapping
from typing import NamedTuple

Amounts = Mapping[str, float]
"""Atoms of each element, by symbol."""


class Phase(NamedTuple):
    """A known phase: atoms of each element in its reduced formula, and its energy in eV/atom."""

    formula: str
    amounts: tuple[tuple[str, float], ...]
    energy: float
    id: str = ""
