"""Computes the crystal graph: the nearest neighbours of every site and their distances (Xie and Grossman 2018, CGCNN).

Axis legend: k sites, N neighbours a site, G Gaussians.
"""

from typing import NamedTuple

import numpy as np
import spglib
from numpy.typing import NDArray
from pymatgen.optimization.neighbors import find_points_in_spheres

from hpcvox.descriptors.clusters import Cell
from hpcvox.errors import Rejected
from hpcvox.spglib_cell import spglib_cell

CENTRES = np.linspace(0.0, 8.0, 41)
"""Centres of the Gaussians of a distance, in Å."""
WIDTH = 0.2
"""Å; a Gaussian is exp(-(d - μ)²/WIDTH²)."""
TIE = 1e-4
"""Å; distances that differ by less belong to one shell."""
WIDEST = 64.0
"""Å; farther neighbours are not searched."""


class Graph(NamedTuple):
    """A crystal as a graph: its sites, and edges to their nearest neighbours, including periodic images."""

    numbers: NDArray[np.uint8]  # (k,) | atomic numbers
    neighbours: NDArray[np.int32]  # (k, N) | site at the end of each edge, nearest first
    distances: NDArray[np.float32]  # (k, N) | in Å


def crystal_graph(cell: Cell, neighbours: int = 12, radius: float = 8.0) -> Graph:
    """Make edges from each site to its nearest ``neighbours`` sites; every periodic image counts.

    Neighbours are searched within ``radius`` Å, and twice as far each time while there are too few, so that every edge
    is real.  If not all sites of a shell of equal distance are taken, heavier elements come first, so that the elements
    of the neighbours do not depend on the order of the sites.

    Args:
        cell: the crystal, of k sites.
        neighbours: N.
        radius: radius of the first search in Å.

    Returns:
        Neighbours and their distances |r_j + t - r_i| in Å over lattice vectors t, (k, N) each.

    Raises:
        Rejected: no site (``no-sites``), two sites in one place (``overlap``), or a cell so thin and long that
            there are fewer neighbours within 64 Å (``too-few-neighbours``).
    """
    k = len(cell.numbers)
    if k == 0:
        raise Rejected("no-sites", "a graph needs a site")
    positions = np.ascontiguousarray(cell.frac @ cell.lattice)
    lattice, periodic = np.ascontiguousarray(cell.lattice), np.ones(3, np.int64)
    while True:
        start, end, images, lengths = find_points_in_spheres(
            positions, positions, radius, periodic, lattice, 1e-8
        )
        itself = (start == end) & ~images.any(axis=1)
        start, end, lengths = start[~itself], end[~itself], lengths[~itself]
        if (np.bincount(start, minlength=k) >= neighbours).all():
            break
        if radius >= WIDEST:
            raise Rejected(
                "too-few-neighbours", f"a site has fewer than {neighbours} neighbours within {WIDEST} Å"
            )
        radius = min(2 * radius, WIDEST)
    if len(lengths) and lengths.min() < TIE:
        raise Rejected("overlap", f"site {start[lengths.argmin()]} shares its place with another")
    shell = np.round(lengths / TIE).astype(np.int64)
    order = np.lexsort((end, -cell.numbers[end].astype(int), shell, start))
    start, end, lengths = start[order], end[order], lengths[order]
    first = np.searchsorted(start, np.arange(k))
    chosen = first[:, None] + np.arange(neighbours)
    return Graph(cell.numbers, end[chosen].astype(np.int32), lengths[chosen].astype(np.float32))


def orbits(cell: Cell, symprec: float) -> NDArray[np.int32]:
    """For each site the first site that is equivalent to it by symmetry, (k,) int32.

    The sites of one orbit have the same neighbours at the same distances, and so the same features after any number of
    convolutions: it is enough to compute one of them.  If spglib finds no symmetry within ``symprec`` Å, each site is
    an orbit of its own.
    """
    try:
        found = spglib.get_symmetry_dataset(spglib_cell(cell), symprec=symprec)
    except spglib.SpglibError:
        found = None
    if found is None:
        return np.arange(len(cell.numbers), dtype=np.int32)
    return np.asarray(found.equivalent_atoms, np.int32)


def gaussians(distances: NDArray[np.float32]) -> NDArray[np.float32]:
    """exp(-(d - μ)²/0.2²) with μ = 0, 0.2 ... 8 Å: distances (...) in Å → (..., 41)."""
    return np.exp(-(((distances[..., None] - CENTRES) / WIDTH) ** 2)).astype(np.float32)
