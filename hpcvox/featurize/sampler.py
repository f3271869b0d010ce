"""What a descriptor does for the job: its arrays, and how a crystal fills them."""

from collections.abc import Mapping
from typing import Any, Protocol

from numpy.typing import NDArray

from hpcvox.crystals.record import Crystal
from hpcvox.descriptors.clusters import Cell
from hpcvox.featurize.descriptor import DESCRIPTORS
from hpcvox.featurize.settings import FeaturizeSettings
from hpcvox.shards.layout import ArraySpec

Arrays = Mapping[str, NDArray[Any]]


class Sampler(Protocol):
    """Crystals to samples; a pure function of the settings, the crystal and its place in the source."""

    arrays: tuple[ArraySpec, ...]
    """``cell`` among them, which every sample has and the job fills."""

    def prepare(self, crystal: Crystal) -> Crystal:
        """The crystal in the cell that is described: as it is, unless a descriptor says otherwise.

        Raises:
            Rejected: the crystal has no such cell.
        """
        return crystal

    def fill(self, crystal: Crystal, place: tuple[int, int], slot: Arrays) -> Arrays:
        """Fill ``slot``'s arrays of fixed shape and return the ragged ones.

        Args:
            place: number of the crystal's entry in the source, and its own among the entry's crystals.

        Raises:
            Rejected: the crystal has no such description.
        """


def sampler(settings: FeaturizeSettings) -> Sampler:
    """The sampler of the settings' descriptor; its libraries are loaded now."""
    made: Sampler = DESCRIPTORS.find(settings.descriptor).load("sampler")(settings)
    return made


def cell_of(crystal: Crystal) -> Cell:
    """The crystal as the descriptors take it."""
    return Cell(crystal.lattice, crystal.frac, crystal.numbers)
