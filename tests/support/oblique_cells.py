"""Cells of any shape, and other choices of the vectors of one lattice, for Hypothesis to draw."""

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from numpy.typing import NDArray

from hpcvox.crystals.cells import lattice_from_parameters
from hpcvox.crystals.checks import oriented
from hpcvox.crystals.record import Crystal


def any_cell() -> st.SearchStrategy[NDArray[np.float64]]:
    """Cells of 2 to 20 Å with angles of 25 to 155° that have a volume."""

    def made(parameters: tuple[float, ...]) -> NDArray[np.float64]:
        try:
            lattice = lattice_from_parameters(*parameters)
        except ValueError:
            assume(False)
        lengths = np.linalg.norm(lattice, axis=1)
        assume(np.linalg.det(lattice) > 0.06 * lengths.prod())
        return lattice

    return st.tuples(*[st.floats(2, 20)] * 3, *[st.floats(25, 155)] * 3).map(made)


changes_of_vectors = st.lists(
    st.tuples(st.integers(0, 2), st.integers(1, 2), st.integers(-2, 2)), min_size=1, max_size=4
)


def other_setting(given: Crystal, steps: list[tuple[int, int, int]]) -> Crystal:
    """The same crystal, times one of the cell's vectors added to another."""
    change = np.eye(3)
    for row, other, times in steps:
        change[row] += times * change[(row + other) % 3]
    frac = given.frac @ np.rint(np.linalg.inv(change)) % 1.0
    frac[frac >= 1] = 0
    return Crystal(given.id, "", oriented(change @ given.lattice), frac, given.numbers, {})
