"""The record of a field, and the checks of every field that is read."""

from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hpcvox.crystals.checks import check_count, sites
from hpcvox.crystals.limits import MAX_LENGTH_A
from hpcvox.errors import Rejected

Quantity = Literal["density", "potential", "other"]

MAX_POINTS: Final = 512**3
"""Most points of a grid that is read: one channel of this size takes 1 GiB."""


class Field(NamedTuple):
    """Real fields of a periodic crystal, sampled at (m1/M1) a1 + (m2/M2) a2 + (m3/M3) a3."""

    lattice: NDArray[np.float64]  # (3, 3) | rows a1, a2, a3 in Å
    values: NDArray[np.float64]  # (C, M1, M2, M3) | in ``units``, finite
    numbers: NDArray[np.uint8]  # (k,) | atomic numbers
    frac: NDArray[np.float64]  # (k, 3) | fractional coordinates in [0, 1)
    names: tuple[str, ...]  # names of the C channels: "total", "spin" ...
    units: str  # "e/Å^3", "eV", or "" if the file does not say
    kind: Quantity

    @property
    def integral(self) -> NDArray[np.float64]:
        """The integral of each channel over the cell, (C,): for a density in e/Å^3 the number of electrons."""
        volume = abs(float(np.linalg.det(self.lattice)))
        return np.asarray(self.values.mean(axis=(1, 2, 3)) * volume)


def checked_lattice(lattice: NDArray[np.float64]) -> float:
    """Check a cell, (3, 3) rows in Å, and return its volume in Å^3.

    Raises:
        Rejected: ``cell``, if a number is not finite, a vector is longer than 1000 Å, or the vectors lie in a plane.
    """
    if not np.isfinite(lattice).all() or np.abs(lattice).max() > MAX_LENGTH_A:
        raise Rejected("cell", f"the cell vectors are not finite, or longer than {MAX_LENGTH_A:g} Å")
    lengths = np.linalg.norm(lattice, axis=1)
    volume = abs(float(np.linalg.det(lattice)))
    if not volume > 1e-6 * float(lengths.prod()) or not volume > 1e-3:
        raise Rejected("cell", f"the cell vectors {lattice.round(4).tolist()} do not span a cell")
    return volume


def checked_grid(counts: list[int], where: str) -> tuple[int, int, int]:
    """Check that ``counts`` are three counts above 0 with a product of at most MAX_POINTS, and return them.

    Raises:
        Rejected: ``grid``, or ``too-large``.
    """
    if len(counts) != 3 or min(counts) < 1:
        raise Rejected("grid", f"{where} is {counts}: three counts of points above 0 are needed")
    first, second, third = counts
    if first * second * third > MAX_POINTS:
        raise Rejected("too-large", f"a grid of {first}×{second}×{third} is larger than {MAX_POINTS} points")
    return first, second, third


def checked_sites(
    lattice: NDArray[np.float64], frac: NDArray[np.float64], numbers: list[int]
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Check sites, and return fractional coordinates in [0, 1) and atomic numbers as uint8.

    An atom that is listed together with its periodic images, as on both faces of a cube, counts as one atom.

    Raises:
        Rejected: ``element`` for an invalid atomic number, or the codes of :func:`hpcvox.crystals.checks.sites`.
    """
    wrong = next((z for z in numbers if not 1 <= z <= 118), None)
    if wrong is not None:
        raise Rejected("element", f"{wrong} is no atomic number")
    return sites(lattice, frac, np.array(numbers, np.uint8))


def checked_count(atoms: int) -> int:
    """Check that a cell can have this number of atoms, and return it.

    Raises:
        Rejected: ``header``, or ``too-many-sites``.
    """
    if atoms < 0:
        raise Rejected("header", f"{atoms} atoms: a count is not negative")
    check_count(atoms)
    return atoms
