"""The interface of a descriptor: which arrays it has, and how it fills them from a crystal."""

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
    """Makes the sample of a crystal, which depends only on the settings, the crystal and its place in the source."""

    arrays: tuple[ArraySpec, ...]
    """The arrays of a sample, including ``cell``, which every sample has and the job fills."""

    def prepare(self, crystal: Crystal) -> Crystal:
        """Bring the crystal to the cell that the descriptor describes; by default it stays as it is.

        Raises:
            Rejected: the crystal has no such cell.
        """
        return crystal

    def fill(self, crystal: Crystal, place: tuple[int, int], slot: Arrays) -> Arrays:
        """Fill the arrays of fixed shape in ``slot``, and return the ragged arrays by name.

        Args:
            place: number of the crystal's entry in the source, and number of the crystal within the entry.

        Raises:
            Rejected: the descriptor cannot describe the crystal.
        """


def sampler(settings: FeaturizeSettings) -> Sampler:
    """Make the sampler of the settings' descriptor; this imports its libraries."""
    made: Sampler = DESCRIPTORS.find(settings.descriptor).load("sampler")(settings)
    return made


class Sample(NamedTuple):
    """The arrays that a descriptor made of a crystal."""

    crystal: Crystal
    """The crystal in the cell that the descriptor describes."""
    arrays: dict[str, NDArray[Any]]
    """Arrays by name, in their dtypes on disk; a ragged array has, for example, a row for each site."""


def described(
    filler: Sampler, crystal: Crystal, place: tuple[int, int], most: int, slot: Callable[[], Arrays]
) -> tuple[Crystal, Arrays]:
    """Fill the arrays of ``slot()`` with the description of a crystal, and its cell.

    Args:
        place: see :meth:`Sampler.fill`.
        most: most sites that a cell may have.

    Returns:
        The crystal in the cell that is described, and its ragged arrays by name.

    Raises:
        Rejected: the crystal has too many sites, or the descriptor cannot describe it.
    """
    crystal = filler.prepare(crystal)
    refuse_many_sites(crystal, most)
    arrays = slot()
    try:
        ragged = filler.fill(crystal, place, arrays)
    except HpcvoxError:
        raise
    except Exception as error:  # libraries may raise anything for a strange crystal, and the run must go on
        raise Rejected("not-described", f"{type(error).__name__}: {error}"[:500]) from error
    arrays["cell"][:] = crystal.lattice
    return crystal, ragged


def alone(settings: FeaturizeSettings, crystal: Crystal, place: tuple[int, int] = (0, 0)) -> Sample:
    """Describe one crystal; the arrays have the same bytes as those in shards of its source.

    Args:
        place: see :meth:`Sampler.fill`.

    Raises:
        Rejected: the descriptor cannot describe the crystal.
    """
    filler = sampler(settings)
    arrays = {one.name: np.empty(one.shape, one.dtype) for one in filler.arrays if one.rows == SAMPLE}
    kinds = {one.name: one.dtype for one in filler.arrays}
    crystal, ragged = described(filler, crystal, place, settings.max_sites, lambda: arrays)
    return Sample(crystal, arrays | {name: array.astype(kinds[name]) for name, array in ragged.items()})


def cell_of(crystal: Crystal) -> Cell:
    """The crystal as the ``Cell`` that the functions of ``hpcvox.descriptors`` take."""
    return Cell(crystal.lattice, crystal.frac, crystal.numbers)
