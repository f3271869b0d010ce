"""Ziletti's diffraction fingerprints as samples, made by the steps of the paper and with its kinds of defects."""

import numpy as np
from numpy.typing import NDArray

from hpcvox.crystals.record import Crystal
from hpcvox.descriptors.clusters import (
    Cell,
    Cluster,
    conventional_cell,
    displaced,
    scaled,
    substituted,
    supercell,
    without,
)
from hpcvox.descriptors.diffraction import MAX_Z, SHIFT, fingerprint
from hpcvox.featurize.sampler import Arrays, Sampler, cell_of
from hpcvox.featurize.settings import DiffractionSettings
from hpcvox.shards.layout import CELL, ArraySpec

ELEMENTS = np.arange(1, MAX_Z - SHIFT + 1, dtype=np.uint8)
"""Atomic numbers with a form factor; substitutions draw the new element from these."""


class DiffractionSampler(Sampler):
    """Makes fingerprints of supercells with the defects that the settings ask for."""

    def __init__(self, settings: DiffractionSettings) -> None:
        self.settings = settings
        n = settings.pixels
        about = "fingerprint, 0 to 1; channels are turns about x, y, z"
        self.arrays = (
            ArraySpec("fingerprint", (n, n, 3), "float32", "1", ("row", "column", "channel"), about),
            CELL,
        )

    def fill(self, crystal: Crystal, place: tuple[int, int], slot: Arrays) -> Arrays:
        """See :class:`hpcvox.featurize.sampler.Sampler`."""
        cell = conventional_cell(cell_of(crystal), self.settings.symprec)
        slot["fingerprint"][:] = self.image(self.defective(cell, place))
        return {}

    def defective(self, cell: Cell, place: tuple[int, int]) -> Cluster:
        """A supercell of a conventional cell, positions in Å, with defects drawn from the seed and ``place``."""
        settings = self.settings
        random = np.random.default_rng([settings.seed, *place])
        cluster = supercell(cell, settings.atoms)
        if settings.vacancies:
            cluster = without(cluster, settings.vacancies, random)
        if settings.substitutions:
            cluster = substituted(cluster, settings.substitutions, ELEMENTS, random)
        if settings.displacement:
            cluster = displaced(cluster, settings.displacement, random)
        return cluster

    def image(self, cluster: Cluster) -> NDArray[np.float32]:
        """The fingerprint, (pixels, pixels, 3) float32, of a cluster with positions in Å.

        Raises:
            Rejected: the cluster has too few atoms left.
        """
        ready = scaled(cluster)
        return fingerprint(ready.positions, ready.numbers, self.settings.pixels, self.settings.centre)
