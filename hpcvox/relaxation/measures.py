"""How far a crystal was from its relaxed self: the measures of Court et al. 2020, Table 3."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

BOND_TOLERANCE = 0.1
"""Neighbours up to so much farther than the nearest are bonds, too: pymatgen's ``MinimumDistanceNN``."""


def bonds(lattice: Array, frac: Array) -> tuple[NDArray[np.int64], NDArray[np.int64], Array]:
    """The bonds of a crystal: of each site those to its nearest neighbours, (m,), (m,) and the image of each, (m, 3).

    A neighbour is bound that is no farther than 1.1 times the nearest of the site (the rule of pymatgen's
    ``MinimumDistanceNN``).  Bonds of both ends are counted from both.

    Args:
        lattice: (3, 3), rows in Å.
        frac: (n, 3), not necessarily within the cell.
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
    """Mean absolute change of the bond lengths in percent, each of its own length before.

    Table 3's |Δbonds|: "mean absolute percentage change in bond lengths".  The paper does not say what a bond is: here
    it is one of :func:`bonds` of the crystal before, and is followed to the same two atoms after, wherever they went.

    Args:
        before: lattice (3, 3), rows in Å, and fractional coordinates (n, 3).
        after: the same atoms, in the same order and unwrapped, so that an atom that crosses a face stays at its bonds.
    """
    i, j, image = bonds(*before)
    lengths = [
        np.linalg.norm((frac[j] - frac[i] + image) @ lattice, axis=1) for lattice, frac in (before, after)
    ]
    return float(100 * np.mean(np.abs(lengths[1] - lengths[0]) / lengths[0]))


def cell_change(before: Array, after: Array) -> float:
    """Mean absolute change of the six cell parameters a, b, c, α, β, γ in percent of each.

    Table 3's |Δcell|: "the absolute change in unit-cell parameters", which are "the lattice constants or angles".

    Args:
        before, after: (3, 3), rows in Å.
    """
    first, second = parameters(before), parameters(after)
    return float(100 * np.mean(np.abs(second - first) / first))


def volume_change(before: Array, after: Array) -> float:
    """Change of the cell's volume in percent, positive where it grew."""
    return float(100 * (abs(np.linalg.det(after)) / abs(np.linalg.det(before)) - 1))


def parameters(lattice: Array) -> Array:
    """a, b, c in Å, α, β, γ in degrees, (6,)."""
    lengths = np.linalg.norm(lattice, axis=1)
    cosines = [lattice[i] @ lattice[j] / (lengths[i] * lengths[j]) for i, j in ((1, 2), (0, 2), (0, 1))]
    return np.concatenate([lengths, np.degrees(np.arccos(np.clip(cosines, -1.0, 1.0)))])
