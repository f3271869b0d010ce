"""Computes the electron density of a crystal as the sum of its free atoms: on the grid of any cell, or as spots.

Axis legend: k sites, M1 M2 M3 points, H = M3//2 + 1.
"""

import math
from functools import lru_cache

import gemmi
import numpy as np
from numpy.typing import NDArray
from scipy import fft

from hpcvox.descriptors.r3dvs import Spots, half_sphere, reach
from hpcvox.errors import Rejected

MAX_Z = 98
"""The last element with form factors (International Tables for Crystallography C, 1992, table 6.1.1.4)."""
MAX_POINTS = 2**22
"""Most points of reciprocal space that are searched for spots, which takes half a gigabyte; a cell of (80 Å)³ has as
many at 0.4 Å."""
BLOCK = 4096
"""Number of spots that are computed at a time."""


def superposed_atoms(
    lattice: NDArray[np.float64],
    frac: NDArray[np.float64],
    numbers: NDArray[np.uint8],
    shape: tuple[int, int, int],
    width: float = 0.2,
) -> NDArray[np.float64]:
    """The all-electron density of neutral free atoms at the sites, without bonds, charge transfer or spin.

    ρ(r) = 1/V Σ_g exp(i g·r) exp(-``width``² g²/2) Σ_i f_i(|g|) exp(-i g·r_i), with the X-ray form factors
    f(g) = Σ_j a_j exp(-b_j g²/16π²) + c of neutral atoms, scaled by less than 0.1 % so that f(0) = Z: the
    grid's sum times V/(M1 M2 M3) is Σ Z.  Each coefficient that the grid holds is exact, not the field's aliases;
    the planes of an even grid's highest frequency, of which a real grid holds one half, are left out.  Where the
    grid is coarser than ``width`` the field therefore rings, and may be negative beside a nucleus.

    Args:
        lattice: rows a1, a2, a3 in Å, (3, 3).
        frac: fractional coordinates, (k, 3).
        numbers: atomic numbers, (k,).
        shape: M1, M2, M3; the points are at (m1/M1) a1 + (m2/M2) a2 + (m3/M3) a3.
        width: standard deviation in Å of a Gaussian that the density is smoothed by; the form factors hold to
            g = 25/Å, where 0.2 Å leaves 4e-6.

    Returns:
        (1, M1, M2, M3) float64 in e/Å^3.

    Raises:
        Rejected: an element has no form factor (``no-form-factor``), or there is no site (``no-sites``).
    """
    if len(numbers) == 0:
        raise Rejected("no-sites", "a density needs an atom")
    indices = [fft.fftfreq(m, 1 / m) for m in shape[:2]]
    indices.append(np.arange(shape[2] // 2 + 1, dtype=np.float64))
    reciprocal = np.asarray(2 * math.pi * np.linalg.inv(lattice).T)
    squared = _squared(reciprocal, indices)
    total = np.zeros(squared.shape, np.complex128)
    for number in np.unique(numbers):
        sites = frac[numbers == number]
        x, y, z = (np.exp(-2j * math.pi * np.outer(sites[:, axis], indices[axis])) for axis in range(3))
        plane = (x[:, :, None] * y[:, None, :]).reshape(len(sites), -1)
        total += _form_factor(int(number), squared) * (plane.T @ z).reshape(squared.shape)
    total *= np.exp(-0.5 * width * width * squared)
    for axis, m in enumerate(shape):
        if m % 2 == 0:
            total[(slice(None),) * axis + (m // 2,)] = 0
    volume = abs(float(np.linalg.det(lattice)))
    return np.asarray(fft.irfftn(total, s=shape, norm="forward"))[None] / volume


def superposed_spots(
    lattice: NDArray[np.float64],
    frac: NDArray[np.float64],
    numbers: NDArray[np.uint8],
    resolution: float = 0.4,
    width: float = 0.2,
) -> Spots:
    """The spots of :func:`superposed_atoms` on a sufficiently fine grid, computed directly as a sum, without a grid.

    |s(g)| = exp(-``width``² g²/2) |Σ_i f_i(|g|) exp(-i g·r_i)| / V.

    Args:
        lattice: rows a1, a2, a3 in Å, (3, 3).
        frac: fractional coordinates, (k, 3).
        numbers: atomic numbers, (k,).
        resolution: δL* in Å; spots within |g| ≤ π/δL*.
        width: standard deviation in Å of the smoothing Gaussian.

    Returns:
        One channel, in e/Å^3.

    Raises:
        Rejected: an element has no form factor (``no-form-factor``), there is no site (``no-sites``), or the cell is
            so large that there would be millions of spots (``cell-too-large``).
    """
    if len(numbers) == 0:
        raise Rejected("no-sites", "a density needs an atom")
    points = math.prod((2 * reach(lattice, resolution) + 1).tolist()) // 2
    if points > MAX_POINTS:
        raise Rejected(
            "cell-too-large",
            f"this cell has {points:,} points of reciprocal space to search at a resolution of {resolution} Å, more "
            f"than {MAX_POINTS:,}: take a coarser resolution",
        )
    index, g = half_sphere(lattice, resolution)
    squared = np.einsum("ki,ki->k", g, g)
    total = np.zeros(len(g), np.complex128)
    for number in np.unique(numbers):
        factors, sites = _form_factor(int(number), squared), frac[numbers == number].T
        for start in range(
            0, len(g), BLOCK
        ):  # in blocks: a table of all spots by all sites would take gigabytes
            block = slice(start, start + BLOCK)
            phases = np.exp(-2j * math.pi * (index[block] @ sites))
            total[block] += factors[block] * phases.sum(axis=1)
    total *= np.exp(-0.5 * width * width * squared)
    volume = abs(float(np.linalg.det(lattice)))
    electrons = float(numbers.astype(np.int64).sum())
    return Spots(g, np.abs(total)[None] / volume, np.array([electrons / volume]))


def _squared(reciprocal: NDArray[np.float64], indices: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """|g|² in 1/Å² for all triples of indices, (M1, M2, H)."""
    metric = reciprocal @ reciprocal.T
    m1, m2, m3 = (
        index.reshape([-1 if i == axis else 1 for i in range(3)]) for axis, index in enumerate(indices)
    )
    return np.asarray(
        metric[0, 0] * m1 * m1
        + metric[1, 1] * m2 * m2
        + metric[2, 2] * m3 * m3
        + 2 * (metric[0, 1] * m1 * m2 + metric[0, 2] * m1 * m3 + metric[1, 2] * m2 * m3)
    )


def _form_factor(number: int, squared: NDArray[np.float64]) -> NDArray[np.float64]:
    """The form factor f(|g|) of a neutral atom in electrons, as a function of |g|² in 1/Å²."""
    heights, spreads, constant = form_factor_terms(number)
    out = np.full(squared.shape, constant)
    for a, b in zip(heights, spreads, strict=True):
        out += a * np.exp(-b / (16 * math.pi**2) * squared)
    return out


@lru_cache(maxsize=MAX_Z)
def form_factor_terms(number: int) -> tuple[tuple[float, ...], tuple[float, ...], float]:
    """The a_j, b_j (Å², of exp(-b sin²θ/λ²)) and c of a neutral atom, scaled so that Σ a_j + c = Z.

    Raises:
        Rejected: the element has none (``no-form-factor``).
    """
    found = gemmi.Element(number).it92 if 1 <= number <= MAX_Z else None
    if found is None:
        raise Rejected("no-form-factor", f"no form factor for atomic number {number} (valid: 1 to {MAX_Z})")
    scale = number / (sum(found.a) + found.c)
    return tuple(scale * a for a in found.a), tuple(found.b), scale * found.c
