"""What a descriptor does for the job: its arrays, and how a crystal fills them."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from hpcvox.crystals.checks import refuse_many_sites
from hpcvox.crystals.record import Crystal
from hpcvox.descriptors.clusters import Cell
from hpcvox.errors import HpcvoxError, Rejected
from hpcvox.featurize.descriptor import DESCRIPTORS
from hpcvox.featurize.settings import FeaturizeSettings
from hpcvox.shards.layout import SAMPLE, ArraySpec

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


class Sample(NamedTuple):
    """What became of a crystal."""

    crystal: Crystal
    """In the cell that is described."""
    arrays: dict[str, NDArray[Any]]
    """By name; those of a ragged array have a row for each site, say, and all have the types on disk."""


def described(
    filler: Sampler, crystal: Crystal, place: tuple[int, int], most: int, slot: Callable[[], Arrays]
) -> tuple[Crystal, Arrays]:
    """Fill ``slot()`` with the arrays of a crystal, its cell among them; the crystal in that cell, and ragged arrays.

    Args:
        place: see :meth:`Sampler.fill`.
        most: sites that a cell may have.

    Raises:
        Rejected: the crystal has too many sites, or no such description.
    """
    crystal = filler.prepare(crystal)
    refuse_many_sites(crystal, most)
    arrays = slot()
    try:
        ragged = filler.fill(crystal, place, arrays)
    except HpcvoxError:
        raise
    except Exception as error:  # a strange crystal may upset a library in any way, which ends no run
        raise Rejected("not-described", f"{type(error).__name__}: {error}"[:500]) from error
    arrays["cell"][:] = crystal.lattice
    return crystal, ragged


def alone(settings: FeaturizeSettings, crystal: Crystal) -> Sample:
    """The arrays of one crystal, the same bytes as in the shards of its source.

    Raises:
        Rejected: the crystal has no such description.
    """
    filler = sampler(settings)
    arrays = {one.name: np.empty(one.shape, one.dtype) for one in filler.arrays if one.rows == SAMPLE}
    kinds = {one.name: one.dtype for one in filler.arrays}
    crystal, ragged = described(filler, crystal, (0, 0), settings.max_sites, lambda: arrays)
    return Sample(crystal, arrays | {name: array.astype(kinds[name]) for name, array in ragged.items()})


def cell_of(crystal: Crystal) -> Cell:
    """The crystal as the descriptors take it."""
    return Cell(crystal.lattice, crystal.frac, crystal.numbers)
