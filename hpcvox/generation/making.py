"""From latent points, or maps, to candidates: decoded, named, placed and judged, each accounted for."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hpcvox.crystals.record import Crystal
from hpcvox.errors import Rejected
from hpcvox.generation.judging.validity import Validity, validity
from hpcvox.generation.latent import Latent, Sample
from hpcvox.generation.networks import Decoded, Networks
from hpcvox.generation.placement.cell import fit_cell
from hpcvox.generation.placement.place import Placed, place
from hpcvox.generation.settings import PlacementRules


class Candidate(NamedTuple):
    """What a decoded map is of; a map that cannot be made into a crystal is a candidate, too."""

    id: str
    crystal: Crystal | None
    verdict: Validity | None
    """Of the crystal."""
    code: str
    """Why it is not valid, or no crystal; empty where it is valid."""
    message: str

    @property
    def valid(self) -> bool:
        """Whether it is a crystal whose atoms are far enough from each other."""
        return not self.code


def decoded(networks: Networks, latent: Latent, samples: Sequence[Sample]) -> Decoded:
    """What at most ``BATCH`` latent points are of."""
    points = latent.points(list(samples))
    return networks.decode(points, np.array([sample.decile for sample in samples]))


def candidates(
    networks: Networks, rules: PlacementRules, ids: Sequence[str], maps: Decoded
) -> list[Candidate]:
    """A candidate for each of at most ``BATCH`` decoded maps."""
    segmented = networks.segment(maps, rules.mask_threshold)
    return [
        _candidate(name, maps.maps[row], segmented.species[row], segmented.mask[row], networks, rules)
        for row, name in enumerate(ids)
    ]


def placed(
    maps: NDArray[np.float32],
    species: NDArray[np.uint8],
    mask: NDArray[np.float32],
    lattice: NDArray[np.float64],
    networks: Networks,
    rules: PlacementRules,
) -> Placed:
    """The atoms of one decoded map (4, n, n, n) in the cell ``lattice`` that was fitted to it.

    Raises:
        Rejected: there are none.
    """
    grid, widths = networks.kind.grid, networks.widths
    return place(maps[0], species, mask, lattice, grid, widths=widths, rules=rules)


def _candidate(
    name: str,
    maps: NDArray[np.float32],
    species: NDArray[np.uint8],
    mask: NDArray[np.float32],
    networks: Networks,
    rules: PlacementRules,
) -> Candidate:
    try:
        lattice = fit_cell(maps[1:], networks.kind.grid, networks.kind.oblique)
        found = placed(maps, species, mask, lattice, networks, rules)
    except Rejected as error:
        return Candidate(name, None, None, error.code, str(error))
    verdict = validity(*found)
    crystal = Crystal(name, name, found.lattice, found.frac, found.numbers, {})
    return Candidate(name, crystal, verdict, verdict.code, verdict.message)
