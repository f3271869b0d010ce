"""Applies the operations of a space group to the listed sites, to get all sites of the cell."""

import numpy as np
from numpy.typing import NDArray

from hpcvox.crystals.cells import wrapped
from hpcvox.crystals.formats.cif.symmetry.groups import Operations
from hpcvox.crystals.limits import MAX_SITES
from hpcvox.crystals.overlap import SPECIAL_POSITION_A, distinct
from hpcvox.errors import Rejected


def expand(
    symmetry: Operations, lattice: NDArray[np.float64], frac: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Apply the operations to the listed sites, ``frac`` (n, 3), in the cell ``lattice`` (3, 3) in Å.

    A site within 0.05 Å of a special position is moved onto it (to the mean of its coinciding images), so that rounded
    coordinates such as 0.3333 do no harm.

    Returns:
        All sites of the cell, (m, 3), and for each the index of the listed site that it is an image of, (m,).

    Raises:
        Rejected: ``too-many-sites``.
    """
    if len(frac) * len(symmetry.translations) > 48 * MAX_SITES:
        raise Rejected("too-many-sites", f"the cell has more than {MAX_SITES} sites")
    orbits: list[NDArray[np.float64]] = []
    total = 0
    for site in frac:
        if total > MAX_SITES:
            raise Rejected("too-many-sites", f"the cell has more than {MAX_SITES} sites")
        images = symmetry.rotations @ site + symmetry.translations
        offset = images - site
        offset -= np.rint(offset)
        same = _lengths(offset, lattice) < SPECIAL_POSITION_A
        centre = site + (offset[same].mean(axis=0) if same.any() else 0.0)
        orbits.append(distinct(wrapped(symmetry.rotations @ centre + symmetry.translations), lattice))
        total += len(orbits[-1])
    owner = np.repeat(np.arange(len(frac)), [len(orbit) for orbit in orbits])
    return np.concatenate(orbits), owner


def _lengths(frac: NDArray[np.float64], lattice: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.linalg.norm(frac @ lattice, axis=-1))
