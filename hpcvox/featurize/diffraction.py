"""Ziletti's diffraction fingerprint as samples, through the steps and defects of the paper."""

import numpy as np

from hpcvox.crystals.record import Crystal
from hpcvox.descriptors.clusters import (
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
        settings = self.settings
        random = np.random.default_rng([settings.seed, *place])
        cluster = supercell(conventional_cell(cell_of(crystal), settings.symprec), settings.atoms)
        if settings.vacancies:
            cluster = without(cluster, settings.vacancies, random)
        if settings.substitutions:
            cluster = substituted(cluster, settings.substitutions, ELEMENTS, random)
        if settings.displacement:
            cluster = displaced(cluster, settings.displacement, random)
        cluster = scaled(cluster)
        slot["fingerprint"][:] = fingerprint(
            cluster.positions, cluster.numbers, settings.pixels, settings.centre
        )
        return {}
