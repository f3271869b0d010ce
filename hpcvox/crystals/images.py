"""Distances to periodic images, in cells of any shape."""

import itertools

import numpy as np
from numpy.typing import NDArray

IMAGES = np.array(list(itertools.product((-1, 0, 1), repeat=3)), float)
"""A cell and its 26 neighbours; the cell itself is in the middle.  In a reduced cell they hold the nearest image of
every point whose coordinates are between -1/2 and 1/2, and in one that is very oblique they need not."""

ITSELF = len(IMAGES) // 2
"""Where in ``IMAGES`` the cell itself is."""


def is_diagonal(lattice: NDArray[np.float64]) -> bool:
    """Whether the cell vectors (3, 3) lie along x, y and z, exactly."""
    return bool(np.count_nonzero(lattice) == np.count_nonzero(np.diagonal(lattice)))


def reduction(lattice: NDArray[np.float64]) -> NDArray[np.float64]:
    """Whole numbers T, (3, 3), for which ``T @ lattice`` are the shortest vectors that span the lattice (Minkowski).

    The determinant is 1.  A diagonal cell is left as it is: any order of its vectors will do.
    """
    if is_diagonal(lattice):
        return np.eye(3)
    from ase.geometry import minkowski_reduce

    change: NDArray[np.float64] = np.asarray(minkowski_reduce(lattice)[1], float)
    return change


def squared_distances(apart: NDArray[np.float64], lattice: NDArray[np.float64]) -> NDArray[np.float64]:
    """Squared distances in Å² of differences of fractional coordinates (..., 3) and their images, (..., 27).

    The 27 are those of ``IMAGES`` in the reduced cell, and the least of them is that of the nearest image.
    """
    change = reduction(lattice)
    apart = apart @ np.rint(np.linalg.inv(change))
    apart -= np.rint(apart)
    vectors = (apart[..., None, :] + IMAGES) @ (change @ lattice)
    squared: NDArray[np.float64] = np.einsum("...x,...x->...", vectors, vectors)
    return squared
