"""Finite clusters of a crystal, as the diffraction fingerprint wants them, and what can be wrong with them.

The steps of Ziletti et al. 2018 in their order: :func:`conventional_cell`, :func:`supercell`, defects if any,
:func:`scaled`.  What is random is drawn from a generator that the caller seeds.
"""

import math
from typing import NamedTuple

import numpy as np
import spglib
from numpy.typing import NDArray

from hpcvox.errors import Rejected
from hpcvox.spglib_cell import spglib_cell

KEEP_HANDEDNESS = ((1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1))
"""Signs of cell vectors that leave the cell as right- or left-handed as it is."""


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
    """The conventional cell as the crystal has it, nothing idealised, in the standard orientation.

    Set as triclinic, whatever the crystal is (Ziletti et al. 2018, Methods): of the signs of its vectors those are
    chosen with which the reciprocal angles are all at most 90° or all above; then a points along x, and b lies in
    the xy plane.  So it does not matter how the crystal was turned.

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
    """The same cell (3, 3), as right- or left-handed as it is, with a along x and b in the xy plane."""
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
    """How many of ``cell`` lie side by side along a, b and c (3,) in a supercell of about ``atoms`` atoms.

    One more along the shortest extent at a time: the last size below ``atoms`` or the first at or above it, whichever
    is nearer, with at least ``least``.
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
    """The atoms of :func:`replicas` of ``cell``."""
    counts = replicas(cell, atoms, least)
    corners = np.stack(np.meshgrid(*map(np.arange, counts), indexing="ij"), -1).reshape(-1, 1, 3)
    frac = (corners + cell.frac).reshape(-1, 3)
    return Cluster(frac @ cell.lattice, np.tile(cell.numbers, len(corners)))


def without(
    cluster: Cluster, share: float, random: np.random.Generator, among: NDArray[np.bool_] | None = None
) -> Cluster:
    """Vacancies: int(``share`` · N) atoms are removed.

    Args:
        share: of the atoms, from 0 to below 1; with ``among``, up to 1.
        among: only these, (N,), are counted and removed; the cell centres of bcc, say, to make it sc.
    """
    candidates = np.arange(len(cluster.numbers)) if among is None else np.flatnonzero(among)
    _check_share(share, 1.0 if among is not None else math.nextafter(1.0, 0.0))
    gone = random.choice(candidates, int(len(candidates) * share), replace=False)
    kept = np.ones(len(cluster.numbers), bool)
    kept[gone] = False
    return cluster.keep(kept)


def displaced(cluster: Cluster, sigma: float, random: np.random.Generator) -> Cluster:
    """Each coordinate moved by a normal number of standard deviation ``sigma`` Å."""
    if sigma < 0:
        raise ValueError(f"sigma = {sigma} Å: a standard deviation is not negative")
    return cluster._replace(positions=cluster.positions + random.normal(0, sigma, cluster.positions.shape))


def substituted(
    cluster: Cluster, share: float, species: NDArray[np.uint8], random: np.random.Generator
) -> Cluster:
    """int(``share`` · N) atoms become elements drawn from ``species``."""
    _check_share(share, 1.0)
    numbers = cluster.numbers.copy()
    chosen = random.choice(len(numbers), int(len(numbers) * share), replace=False)
    numbers[chosen] = random.choice(species, len(chosen))
    return cluster._replace(numbers=numbers)


def scaled(cluster: Cluster) -> Cluster:
    """Positions over the mean distance of an atom to its nearest neighbour.

    Raises:
        Rejected: there are fewer than two atoms (``too-few-sites``), or all are in one place.
    """
    if len(cluster.numbers) < 2:
        raise Rejected("too-few-sites", "a nearest neighbour takes at least two atoms")
    from scipy.spatial import cKDTree  # 0.3 s, which featurizing a density has no need of

    distances, _ = cKDTree(cluster.positions).query(cluster.positions, k=[2])
    mean = float(np.mean(distances))
    if mean == 0:
        raise Rejected("overlap", "all atoms have another in the same place")
    return cluster._replace(positions=cluster.positions / mean)


def _check_share(share: float, most: float) -> None:
    if not 0 <= share <= most:
        raise ValueError(f"share = {share}: valid is 0 to {'1' if most == 1 else 'below 1'}")
