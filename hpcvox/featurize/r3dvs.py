"""The spots of R3DVS as samples: a training turns them and makes voxels of them when it reads them."""

from hpcvox.crystals.record import Crystal
from hpcvox.descriptors.atoms import superposed_spots
from hpcvox.featurize.sampler import Arrays
from hpcvox.featurize.settings import R3dvsSettings
from hpcvox.shards.layout import CELL, ArraySpec


class R3dvsSampler:
    """Spots of the density of superposed atoms, one channel."""

    def __init__(self, settings: R3dvsSettings) -> None:
        self.settings = settings
        self.arrays = (
            ArraySpec("g", (3,), "float32", "1/Å", ("xyz",), "one of each pair ±g, without g = 0", "spot"),
            ArraySpec("amplitude", (1,), "float32", "e/Å^3", ("channel",), "|s(g)|", "spot"),
            ArraySpec("mean", (1,), "float32", "e/Å^3", ("channel",), "|s(0)|"),
            CELL,
        )

    def prepare(self, crystal: Crystal) -> Crystal:
        """See :class:`hpcvox.featurize.sampler.Sampler`."""
        return crystal

    def fill(self, crystal: Crystal, place: tuple[int, int], slot: Arrays) -> Arrays:
        """See :class:`hpcvox.featurize.sampler.Sampler`."""
        spots = superposed_spots(
            crystal.lattice, crystal.frac, crystal.numbers, self.settings.resolution, self.settings.width
        )
        slot["mean"][:] = spots.mean
        return {"g": spots.g, "amplitude": spots.amplitude.T}
