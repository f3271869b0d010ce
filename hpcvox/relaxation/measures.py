"""Measures how much a crystal changes when it relaxes, as in Court et al. 2020, Table 3."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

BOND_TOLERANCE = 0.1
"""Neighbours that are farther than the nearest by at most this share are bonds, too (pymatgen's ``MinimumDistanceNN``).
"""


def bonds(lattice: Array, frac: Array) -> tuple[NDArray[np.int64], NDArray[np.int64], Array]:
    """Find the bonds of a crystal: from each site to its nearest neighbours.

    Neighbours within 1.1 times the shortest distance of a site are bonds (the rule of pymatgen's
    ``MinimumDistanceNN``).  A bond that is one for both of its sites is counted twice.

    Args:
        lattice: (3, 3), rows in Å.
        frac: (n, 3), not necessarily within the cell.

    Returns:
        The site at which each of the m bonds starts, (m,), the site at its end, (m,), and the periodic image of the
        latter, (m, 3).
    """
    from ase.neighborlist import primitive_neighbor_list

    volume = abs(float(np.linalg.det(lattice)))
    reach = 1.2 * (volume / len(frac)) ** (1 / 3)
    while True:
        i, j, d, image = primitive_neighbor_list("ijdS", (True, True, True), lattice, frac @ lattice, reach)
        nearest = np.full(len(frac), np.inf)
        np.minimum.at(nearest, i, d)
        if (nearest * (1 + BOND_TOLERANCE) <= reach).all():
            kept = d <= nearest[i] * (1 + BOND_TOLERANCE)
            return i[kept], j[kept], image[kept].astype(np.float64)
        reach *= 1.3


def bond_change(before: tuple[Array, Array], after: tuple[Array, Array]) -> float:
    """Mean absolute change of the bond lengths, in percent of the length of each before.

    This is |Δbonds| of Table 3: "mean absolute percentage change in bond lengths".  The paper does not define a bond.
    Here bonds are those of :func:`bonds` in the crystal before, and the distances of the same atoms after.

    Args:
        before: lattice (3, 3), rows in Å, and fractional coordinates (n, 3).
        after: the same atoms in the same order, not wrapped, so that an atom that crosses a face keeps its bonds.
    """
    i, j, image = bonds(*before)
    lengths = [
        np.linalg.norm((frac[j] - frac[i] + image) @ lattice, axis=1) for lattice, frac in (before, after)
    ]
    return float(100 * np.mean(np.abs(lengths[1] - lengths[0]) / lengths[0]))


def cell_change(before: Array, after: Array) -> float:
    """Mean absolute change of the six cell parameters a, b, c, α, β, γ, in percent of each.

    This is |Δcell| of Table 3: "the absolute change in unit-cell parameters", which are "the lattice constants or
    angles".

    Args:
        before, after: (3, 3), rows in Å.
    """
    first, second = parameters(before), parameters(after)
    return float(100 * np.mean(np.abs(second - first) / first))


def site_distances(before: tuple[Array, Array], after: tuple[Array, Array]) -> Array:
    """How far each site is from where it was, in Å, (n,).

    The drift that all have in common counts nothing, and neither does a turn of the cell: differences of fractional
    coordinates are measured in the mean of both cells' metrics.

    Args:
        before: lattice (3, 3), rows in Å, and fractional coordinates (n, 3).
        after: the same atoms, in the same order and unwrapped.
    """
    moved = after[1] - before[1]
    moved = moved - moved.mean(axis=0)
    metric = (before[0] @ before[0].T + after[0] @ after[0].T) / 2
    return np.asarray(np.sqrt(np.maximum(np.einsum("ni,ij,nj->n", moved, metric, moved), 0.0)))


def rmsd(before: tuple[Array, Array], after: tuple[Array, Array]) -> float:
    """Root mean square of :func:`site_distances` in Å."""
    return float(np.sqrt(np.mean(site_distances(before, after) ** 2))) if len(before[1]) else 0.0


def volume_change(before: Array, after: Array) -> float:
    """Change of the cell's volume in percent; positive if the cell grew."""
    return float(100 * (abs(np.linalg.det(after)) / abs(np.linalg.det(before)) - 1))


def parameters(lattice: Array) -> Array:
    """a, b, c in Å, α, β, γ in degrees, (6,)."""
    lengths = np.linalg.norm(lattice, axis=1)
    cosines = [lattice[i] @ lattice[j] / (lengths[i] * lengths[j]) for i, j in ((1, 2), (0, 2), (0, 1))]
    return np.concatenate([lengths, np.degrees(np.arccos(np.clip(cosines, -1.0, 1.0)))])
