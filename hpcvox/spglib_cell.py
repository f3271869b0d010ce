"""Converts a crystal to the arguments of spglib, the library that finds symmetries."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class Sited(Protocol):
    """Any object that describes a cell with k sites."""

    @property
    def lattice(self) -> NDArray[np.float64]:
        """Rows a, b, c in Å, (3, 3)."""

    @property
    def frac(self) -> NDArray[np.float64]:
        """Fractional coordinates, (k, 3)."""

    @property
    def numbers(self) -> NDArray[np.uint8]:
        """Atomic numbers, (k,)."""


def spglib_cell(crystal: Sited) -> tuple[list[Any], list[Any], list[Any]]:
    """Lattice, fractional coordinates and atomic numbers as lists, because spglib's type stubs know no arrays."""
    return crystal.lattice.tolist(), crystal.frac.tolist(), crystal.numbers.tolist()
