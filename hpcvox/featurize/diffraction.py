"""Ziletti's diffraction fingerprint as samples, through the steps and defects of the paper."""

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
"""Those that have a form factor: substitutes are drawn from them."""


class DiffractionSampler(Sampler):
    """Fingerprints of supercells with the defects of the settings."""

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
        """The supercell of a conventional cell, in Å, with the defects that the settings and the place say."""
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
        """The fingerprint of a cluster in Å, (pixels, pixels, 3).

        Raises:
            Rejected: too little is left of it.
        """
        ready = scaled(cluster)
        return fingerprint(ready.positions, ready.numbers, self.settings.pixels, self.settings.centre)
