"""COV: how well generated crystals cover those of a reference, and the reverse, from arrays of fingerprints.

Xie et al. 2022 (CDVAE, arXiv:2110.06197), after Ganea et al. 2021 (arXiv:2106.07802).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

Array = NDArray[np.float64]

CHUNK = 1024
"""Rows of the matrix of distances that are in memory at a time."""


class Fingerprints(NamedTuple):
    """The fingerprints of n crystals; the row of a crystal without a fingerprint is NaN."""

    structure: Array  # (n, 61)
    composition: Array  # (n, 132)


class Nearest(NamedTuple):
    """The distance of each crystal of a set to the nearest of the other set; infinite if it has no fingerprint.

    The nearest structure and the nearest composition may belong to two different crystals, as in CDVAE.
    """

    structure: Array  # (n,)
    composition: Array  # (n,)

    def covered(self, structure_cutoff: float, composition_cutoff: float) -> NDArray[np.bool_]:
        """Which crystals have both distances within the cutoffs, (n,) bool."""
        return (self.structure <= structure_cutoff) & (self.composition <= composition_cutoff)


def nearest(made: Fingerprints, reference: Fingerprints) -> tuple[Nearest, Nearest]:
    """Euclidean distances to the nearest crystal of the other set: of each made and of each reference crystal."""
    pairs = [_nearest(*arrays) for arrays in zip(made, reference, strict=True)]
    (made_structure, its_structure), (made_composition, its_composition) = pairs
    return Nearest(made_structure, made_composition), Nearest(its_structure, its_composition)


def _nearest(made: Array, reference: Array) -> tuple[Array, Array]:
    to_reference = np.full(len(made), np.inf)
    to_made = np.full(len(reference), np.inf)
    if len(reference):
        for start in range(0, len(made), CHUNK):
            distances = cdist(made[start : start + CHUNK], reference)
            distances[np.isnan(distances)] = np.inf
            to_reference[start : start + CHUNK] = distances.min(axis=1)
            np.minimum(to_made, distances.min(axis=0), out=to_made)
    return to_reference, to_made
