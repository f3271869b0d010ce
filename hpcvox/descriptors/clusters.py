"""Makes finite clusters of a crystal for the diffraction fingerprint, and adds defects to them.

The steps of Ziletti et al. 2018 in their order: :func:`conventional_cell`, :func:`supercell`, defects if any,
:func:`scaled`.  Random numbers come from a generator that the caller seeds.
"""

import math
from typing import NamedTuple

import numpy as np
import spglib
from numpy.typing import NDArray

from hpcvox.errors import Rejected
from hpcvox.spglib_cell import spglib_cell

KEEP_HANDEDNESS = ((1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1))
"""Signs of the cell vectors that keep the handedness of the cell."""


class Cell(NamedTuple):
    """A periodic crystal."""

    lattice: NDArray[np.float64]  # (3, 3) | rows a, b, c in Å
    frac: NDArray[np.float64]  # (k, 3) | fractional coordinates
    numbers: NDArray[np.uint8]  # (k,) | atomic numbers


class Cluster(NamedTuple):
    """Atoms in free space."""

    positions: NDArray[np.float64]  # (N, 3) | Cartesian, in Å or, scaled, in nearest-neighbour distances
    numbers: NDArray[np.uint8]  # (N,) | atomic numbers

    def keep(self, which: NDArray[np.bool_]) -> "Cluster":
        """The atoms where ``which``, (N,), holds."""
        return Cluster(self.positions[which], self.numbers[which])


def conventional_cell(cell: Cell, symprec: float = 1e-3) -> Cell:
    """The conventional cell in the standard orientation; lengths, angles and sites are not idealised.

    Every cell is oriented like a triclinic one (Ziletti et al. 2018, Methods): the signs of its vectors are chosen so
    that the reciprocal angles are all at most 90° or all above.  Then a points along x, and b lies in the xy plane.  So
    the result does not depend on how the crystal was rotated.

    Raises:
        Rejected: spglib finds no symmetry at ``symprec`` Å (``no-symmetry``).
    """
    found = spglib.standardize_cell(
        spglib_cell(cell),
        to_primitive=False,
        no_idealize=True,
        symprec=symprec,
    )
    if found is None:
        raise Rejected(
            "no-symmetry", f"no space group is found within {symprec} Å: are sites on top of each other?"
        )
    lattice, frac = np.array(found[0]), np.array(found[1])
    for signs in KEEP_HANDEDNESS:
        flipped = lattice * np.array(signs)[:, None]
        if _one_sided(flipped):
            lattice, frac = flipped, frac * signs
            break
    return Cell(_oriented(lattice), frac % 1.0 % 1.0, np.asarray(found[2], np.uint8))


def _oriented(lattice: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotate a cell, (3, 3) rows, so that a is along x and b in the xy plane; its handedness does not change."""
    turn, upper = np.linalg.qr(lattice.T)
    signs = np.where(np.diag(upper) < 0, -1.0, 1.0)
    signs[2] *= np.sign(np.linalg.det(turn) * signs.prod())
    return np.ascontiguousarray((upper * signs[:, None]).T)


def _one_sided(lattice: NDArray[np.float64]) -> bool:
    """Whether the angles between reciprocal vectors are all at most 90°, or all above."""
    b = np.linalg.inv(lattice).T
    b /= np.linalg.norm(b, axis=1)[:, None]
    cosines = np.array([b[1] @ b[2], b[2] @ b[0], b[0] @ b[1]])
    return bool((cosines >= -1e-9).all() or (cosines < -1e-9).all())


def replicas(cell: Cell, atoms: int = 256, least: int = 32) -> NDArray[np.int64]:
    """The number of copies of ``cell`` along a, b and c, (3,), in a supercell of about ``atoms`` atoms.

    The supercell grows by one copy at a time along its shortest extent.  The result is the last size below ``atoms`` or
    the first size not below it, whichever is nearer, with at least ``least`` atoms.
    """
    lengths = np.linalg.norm(cell.lattice, axis=1)
    counts = before = np.ones(3, np.int64)
    size = len(cell.numbers)
    while size * counts.prod() < atoms:
        before = counts
        counts = counts.copy()
        counts[np.argmin((counts * lengths).round(6))] += 1
    smaller, larger = size * before.prod(), size * counts.prod()
    return before if smaller >= least and atoms - smaller < larger - atoms else counts


def supercell(cell: Cell, atoms: int = 256, least: int = 32) -> Cluster:
    """The atoms of the supercell that :func:`replicas` gives for ``cell``."""
    counts = replicas(cell, atoms, least)
    corners = np.stack(np.meshgrid(*map(np.arange, counts), indexing="ij"), -1).reshape(-1, 1, 3)
    frac = (corners + cell.frac).reshape(-1, 3)
    return Cluster(frac @ cell.lattice, np.tile(cell.numbers, len(corners)))


def without(
    cluster: Cluster, share: float, random: np.random.Generator, among: NDArray[np.bool_] | None = None
) -> Cluster:
    """Make vacancies: remove int(``share`` · N) atoms at random.

    Args:
        cluster: the cluster of N atoms.
        share: share of the atoms, from 0 to below 1; with ``among`` up to 1.
        random: the random generator.
        among: count and remove only these atoms, (N,); for example the cell centres of bcc, which gives sc.
    """
    candidates = np.arange(len(cluster.numbers)) if among is None else np.flatnonzero(among)
    _check_share(share, 1.0 if among is not None else math.nextafter(1.0, 0.0))
    gone = random.choice(candidates, int(len(candidates) * share), replace=False)
    kept = np.ones(len(cluster.numbers), bool)
    kept[gone] = False
    return cluster.keep(kept)


def displaced(cluster: Cluster, sigma: float, random: np.random.Generator) -> Cluster:
    """Move each coordinate by a normal random number with standard deviation ``sigma`` in Å."""
    if sigma < 0:
        raise ValueError(f"sigma = {sigma} Å: a standard deviation is not negative")
    return cluster._replace(positions=cluster.positions + random.normal(0, sigma, cluster.positions.shape))


def substituted(
    cluster: Cluster, share: float, species: NDArray[np.uint8], random: np.random.Generator
) -> Cluster:
    """Replace the elements of int(``share`` · N) atoms by elements drawn from ``species``."""
    _check_share(share, 1.0)
    numbers = cluster.numbers.copy()
    chosen = random.choice(len(numbers), int(len(numbers) * share), replace=False)
    numbers[chosen] = random.choice(species, len(chosen))
    return cluster._replace(numbers=numbers)


def scaled(cluster: Cluster) -> Cluster:
    """Divide positions by :func:`nearest`, which raises errors."""
    return cluster._replace(positions=cluster.positions / nearest(cluster))


def nearest(cluster: Cluster) -> float:
    """The mean distance of an atom to its nearest neighbour, in the units of the positions.

    Raises:
        Rejected: there are fewer than two atoms (``too-few-sites``), or all are in one place.
    """
    if len(cluster.numbers) < 2:
        raise Rejected("too-few-sites", "a nearest neighbour takes at least two atoms")
    from scipy.spatial import cKDTree  # imported here: it takes 0.3 s, and densities do not need it

    distances, _ = cKDTree(cluster.positions).query(cluster.positions, k=[2])
    mean = float(np.mean(distances))
    if mean == 0:
        raise Rejected("overlap", "all atoms have another in the same place")
    return mean


def _check_share(share: float, most: float) -> None:
    if not 0 <= share <= most:
        raise ValueError(f"share = {share}: valid is 0 to {'1' if most == 1 else 'below 1'}")
