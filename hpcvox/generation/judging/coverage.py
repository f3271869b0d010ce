"""COV: how far crystals that were made cover those of a reference, and the other way round.  Arrays in, numbers out.

Xie et al. 2022 (CDVAE, arXiv:2110.06197), after Ganea et al. 2021 (arXiv:2106.07802).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

Array = NDArray[np.float64]

CHUNK = 1024
"""Rows of the matrix of distances that are held at a time."""


class Fingerprints(NamedTuple):
    """Of n crystals; a row of NaN stands for one that has none."""

    structure: Array  # (n, 61)
    composition: Array  # (n, 132)


class Nearest(NamedTuple):
    """How far each crystal of a set is from the other set; infinite where one has no fingerprint.

    The nearest structure and the nearest composition may be of two crystals, as they may in CDVAE.
    """

    structure: Array  # (n,)
    composition: Array  # (n,)

    def covered(self, structure_cutoff: float, composition_cutoff: float) -> NDArray[np.bool_]:
        """Which crystals have both within the cutoffs, (n,)."""
        return (self.structure <= structure_cutoff) & (self.composition <= composition_cutoff)


def nearest(made: Fingerprints, reference: Fingerprints) -> tuple[Nearest, Nearest]:
    """For each crystal that was made how near the reference is, and for each of the reference how near those made are.

    Distances are Euclidean.
    """
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
