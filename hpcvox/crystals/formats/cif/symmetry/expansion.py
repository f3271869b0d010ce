"""The full cell that the operations of a space group make of the listed sites."""

from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from hpcvox.crystals.cells import wrapped
from hpcvox.crystals.formats.cif.symmetry.groups import Operations
from hpcvox.crystals.limits import MAX_SITES
from hpcvox.crystals.overlap import squared_length
from hpcvox.errors import Rejected

SPECIAL_POSITION_A: Final = 0.05
"""Images of a site nearer than this are one atom on a special position whose coordinates were rounded."""


def expand(
    symmetry: Operations, lattice: NDArray[np.float64], frac: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """All sites of the cell and, for each, the index of the listed site that it is an image of.

    ``lattice`` (3, 3) Å, ``frac`` (n, 3).  A site within 0.05 Å of a special position is moved onto
    it (the mean of its coinciding images), so that rounded coordinates such as 0.3333 do no harm.

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
        orbits.append(_distinct(wrapped(symmetry.rotations @ centre + symmetry.translations), lattice))
        total += len(orbits[-1])
    owner = np.repeat(np.arange(len(frac)), [len(orbit) for orbit in orbits])
    return np.concatenate(orbits), owner


@numba.njit(cache=True)
def _distinct(images: NDArray[np.float64], lattice: NDArray[np.float64]) -> NDArray[np.float64]:
    """The images (m, 3) of which none before is the same atom."""
    n = len(images)
    kept = np.ones(n, dtype=np.bool_)
    for i in range(n):
        if not kept[i]:
            continue
        for j in range(i + 1, n):
            if not kept[j]:
                continue
            x, y, z = images[j, 0] - images[i, 0], images[j, 1] - images[i, 1], images[j, 2] - images[i, 2]
            x, y, z = x - np.rint(x), y - np.rint(y), z - np.rint(z)
            if squared_length(x, y, z, lattice) < SPECIAL_POSITION_A * SPECIAL_POSITION_A:
                kept[j] = False
    return images[kept]


def _lengths(frac: NDArray[np.float64], lattice: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.linalg.norm(frac @ lattice, axis=-1))
