"""The spots of R3DVS as samples; when a training reads spots, it rotates them and makes voxels of them."""

from typing import Final

from hpcvox.crystals.fields.crystal import FieldCrystal
from hpcvox.crystals.record import Crystal
from hpcvox.descriptors.atoms import superposed_spots
from hpcvox.descriptors.r3dvs import Spots, diffraction_spots
from hpcvox.errors import Rejected
from hpcvox.featurize.sampler import Arrays, Sampler
from hpcvox.featurize.settings import R3dvsSettings
from hpcvox.shards.layout import CELL, ArraySpec

UNITS: Final = {"density": "e/Å^3", "potential": "eV", "other": ""}


class R3dvsSampler(Sampler):
    """Makes the spots of the field in a file, or of the density of superposed atoms."""

    def __init__(self, settings: R3dvsSettings) -> None:
        self.settings = settings
        unit, shape = UNITS[settings.quantity], (settings.channels,)
        self.arrays = (
            ArraySpec("g", (3,), "float32", "1/Å", ("xyz",), "one of each pair ±g, without g = 0", "spot"),
            ArraySpec("amplitude", shape, "float32", unit, ("channel",), "|s(g)|", "spot"),
            ArraySpec("mean", shape, "float32", unit, ("channel",), "|s(0)|"),
            CELL,
        )

    def fill(self, crystal: Crystal, place: tuple[int, int], slot: Arrays) -> Arrays:
        """See :class:`hpcvox.featurize.sampler.Sampler`."""
        spots = self._spots(crystal)
        slot["mean"][:] = spots.mean
        return {"g": spots.g, "amplitude": spots.amplitude.T}

    def _spots(self, crystal: Crystal) -> Spots:
        settings = self.settings
        if not isinstance(crystal, FieldCrystal):
            return superposed_spots(
                crystal.lattice, crystal.frac, crystal.numbers, settings.resolution, settings.width
            )
        values = crystal.field.values
        if len(values) < settings.channels:
            raise Rejected(
                "too-few-channels", f"the field has {len(values)} channels, channels={settings.channels}"
            )
        return diffraction_spots(values[: settings.channels], crystal.lattice, settings.resolution)
