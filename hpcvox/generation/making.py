"""Makes candidates of latent points or maps: decodes, names elements, places atoms, checks; loses no sample."""

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
    """The result for one decoded map; a map that gives no crystal is a candidate, too, with the reason."""

    id: str
    crystal: Crystal | None
    verdict: Validity | None
    """The formula of the crystal; empty if there is none."""
    code: str
    """Why the candidate is not valid, or is no crystal; empty if it is valid."""
    message: str

    @property
    def valid(self) -> bool:
        """Whether the candidate is a crystal that passed the validity check."""
        return not self.code


def decoded(networks: Networks, latent: Latent, samples: Sequence[Sample]) -> Decoded:
    """Decode at most ``BATCH`` latent points."""
    points = latent.points(list(samples))
    return networks.decode(points, np.array([sample.decile for sample in samples]))


def candidates(
    networks: Networks, rules: PlacementRules, ids: Sequence[str], maps: Decoded
) -> list[Candidate]:
    """Make a candidate of each of at most ``BATCH`` decoded maps."""
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
    """Place the atoms of one decoded map (4, n, n, n) in ``lattice``, the cell that was fitted to the map.

    Raises:
        Rejected: the map holds no atoms, or too many.
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
