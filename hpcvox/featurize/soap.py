"""SOAP average-kernel features as samples."""

from hpcvox.crystals.elements import ATOMIC_NUMBERS
from hpcvox.crystals.record import Crystal
from hpcvox.descriptors.soap import soap_features
from hpcvox.featurize.sampler import Arrays, Sampler, cell_of
from hpcvox.featurize.settings import SoapSettings
from hpcvox.shards.layout import CELL, ArraySpec


class SoapSampler(Sampler):
    """Makes feature vectors; the dot product of two is the average kernel of the two crystals."""

    def __init__(self, settings: SoapSettings) -> None:
        self.settings = settings
        self._centres = tuple(ATOMIC_NUMBERS[name] for name in settings.centres)
        self._species = tuple(ATOMIC_NUMBERS[name] for name in settings.species)
        # each element has one channel, however often the settings list it
        pairs = (len(set(self._species)) or settings.channels) * settings.n_max
        size = pairs * (pairs + 1) // 2 * (settings.l_max + 1)
        about = "unit vector; dot products are the average kernel"
        self.arrays = (ArraySpec("features", (size,), "float32", "1", ("feature",), about), CELL)

    def fill(self, crystal: Crystal, place: tuple[int, int], slot: Arrays) -> Arrays:
        """See :class:`hpcvox.featurize.sampler.Sampler`."""
        settings = self.settings
        slot["features"][:] = soap_features(
            cell_of(crystal),
            self._centres,
            self._species,
            settings.delta,
            settings.channels,
            settings.r_cut,
            settings.sigma,
            settings.n_max,
            settings.l_max,
        )
        return {}
