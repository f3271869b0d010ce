"""The Ewald spectrum as samples."""

from hpcvox.crystals.record import Crystal
from hpcvox.descriptors.coulomb import ewald_spectrum
from hpcvox.featurize.sampler import Arrays, Sampler, cell_of
from hpcvox.featurize.settings import CoulombSettings
from hpcvox.shards.layout import CELL, ArraySpec


class CoulombSampler(Sampler):
    """Makes spectra whose length is the largest number of sites that a cell may have."""

    def __init__(self, settings: CoulombSettings) -> None:
        self.size = settings.max_sites
        about = "eigenvalues over their number, greatest size first"
        self.arrays = (ArraySpec("spectrum", (self.size,), "float64", "e^2/Å", ("eigenvalue",), about), CELL)

    def fill(self, crystal: Crystal, place: tuple[int, int], slot: Arrays) -> Arrays:
        """See :class:`hpcvox.featurize.sampler.Sampler`."""
        slot["spectrum"][:] = ewald_spectrum(cell_of(crystal), self.size)
        return {}
