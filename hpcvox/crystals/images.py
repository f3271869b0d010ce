"""Computes distances to periodic images, in cells of any shape."""

import itertools

import numpy as np
from numpy.typing import NDArray

IMAGES = np.array(list(itertools.product((-1, 0, 1), repeat=3)), float)
"""A cell, in the middle, and its 26 neighbours.  For a point with coordinates between -1/2 and 1/2 in a reduced cell,
the nearest image is in one of these; in a very oblique cell it may be farther away."""

ITSELF = len(IMAGES) // 2
"""Index of the cell itself in ``IMAGES``."""


def is_diagonal(lattice: NDArray[np.float64]) -> bool:
    """Whether the cell vectors (3, 3) lie along x, y and z, exactly."""
    return bool(np.count_nonzero(lattice) == np.count_nonzero(np.diagonal(lattice)))


def reduction(lattice: NDArray[np.float64]) -> NDArray[np.float64]:
    """The integer matrix T, (3, 3), for which ``T @ lattice`` is the Minkowski-reduced cell: the shortest vectors.

    Its determinant is 1.  For a diagonal cell it is the identity, since the order of the vectors does not matter.
    """
    if is_diagonal(lattice):
        return np.eye(3)
    from ase.geometry import minkowski_reduce

    change: NDArray[np.float64] = np.asarray(minkowski_reduce(lattice)[1], float)
    return change


def squared_distances(apart: NDArray[np.float64], lattice: NDArray[np.float64]) -> NDArray[np.float64]:
    """Squared lengths in Å², (..., 27), of differences of fractional coordinates, (..., 3), to 27 periodic images.

    The images are those of ``IMAGES`` in the reduced cell; the least value belongs to the nearest image.
    """
    change = reduction(lattice)
    apart = apart @ np.rint(np.linalg.inv(change))
    apart -= np.rint(apart)
    vectors = (apart[..., None, :] + IMAGES) @ (change @ lattice)
    squared: NDArray[np.float64] = np.einsum("...x,...x->...", vectors, vectors)
    return squared
