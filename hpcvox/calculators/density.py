"""Smooths an all-electron density on a fine grid to the field that is kept; keeps the exact number of electrons."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

FINEST: Final = 0.7
"""Greatest distance of grid points in units of σ; Fourier components that are cut off are below 5e-5 of their value."""

LOST: Final = 1e-3
"""Greatest share of the electrons that a grid may miss; otherwise the density is rejected."""


def grid_shape(lattice: Array, voxels: int, sigma: float) -> tuple[int, int, int]:
    """Number of points of the field along each edge: at least ``voxels``, and more along a long edge.

    Args:
        lattice: (3, 3), rows in Å.
        voxels: least number of points.
        sigma: standard deviation of the smoothing in Å.
    """
    first, second, third = (
        max(voxels, 2 * math.ceil(float(np.linalg.norm(edge)) / (2 * FINEST * sigma))) for edge in lattice
    )
    return first, second, third


def smoothed(
    fine: Array,
    lattice: Array,
    frac: Array,
    missing: Array,
    electrons: int,
    sigma: float,
    shape: tuple[int, int, int],
) -> Array:
    """Convolve the density with a Gaussian, and reduce it in Fourier space to ``shape``; the result is not negative.

    ρ(G) = exp(-σ²G²/2) [ρ_fine(G) + Σ_a q_a exp(-iG·r_a) / V]: the fine grid misses the charge q_a of the cusp of atom
    a, which is added as a point charge before the smoothing.  Components beyond ``shape`` are left out, and so is the
    unpaired component of an even count.  Remaining negative values become zero.

    Args:
        fine: (M1, M2, M3), e/Å^3, at (m1/M1) a1 + ...
        lattice: (3, 3), rows in Å.
        frac: (n, 3), of the atoms.
        missing: (n,), q_a in electrons.
        electrons: number of electrons in the cell, the integral of the result.
        sigma: standard deviation of the Gaussian in Å.
        shape: shape of the result.

    Returns:
        The density in e/Å^3, of ``shape``.

    Raises:
        ValueError: the grid and the missing charge together do not give ``electrons``, or negative values are large.
    """
    volume = abs(float(np.linalg.det(lattice)))
    modes = [np.fft.fftfreq(n, 1 / n) for n in shape]
    wave = _cut(np.fft.fftn(fine) / fine.size, shape)
    for site, charge in zip(frac, missing, strict=True):
        x, y, z = (np.exp(-2j * np.pi * k * u) for k, u in zip(modes, site, strict=True))
        wave += charge / volume * x[:, None, None] * y[:, None] * z
    found = float(wave[0, 0, 0].real) * volume
    if not abs(found - electrons) <= LOST * electrons:
        raise ValueError(f"the density holds {found:.4f} electrons, not {electrons}")
    reciprocal = 2 * np.pi * np.linalg.inv(lattice).T
    h, k, m = np.meshgrid(*modes, indexing="ij", sparse=True)
    squared = sum((h * b1 + k * b2 + m * b3) ** 2 for b1, b2, b3 in reciprocal.T)
    wave *= np.exp(-0.5 * sigma**2 * squared)
    for axis, n in enumerate(shape):
        if n % 2 == 0:
            wave[(slice(None),) * axis + (n // 2,)] = 0
    density = np.fft.ifftn(wave).real * wave.size
    below = -float(np.minimum(density, 0).mean()) * volume
    if below > LOST * electrons:
        raise ValueError(f"the density is negative by {below:.4f} electrons")
    density = np.maximum(density, 0)
    return np.asarray(density * (electrons / (float(density.mean()) * volume)))


def _cut(wave: NDArray[np.complex128], shape: tuple[int, int, int]) -> NDArray[np.complex128]:
    """The Fourier components of ``wave`` on a grid of ``shape``; components that ``wave`` lacks are zero."""
    out = np.zeros(shape, np.complex128)
    kept = [
        np.arange(-((min(m, n) - 1) // 2), (min(m, n) + 1) // 2)
        for m, n in zip(wave.shape, shape, strict=True)
    ]
    out[np.ix_(*(k % n for k, n in zip(kept, shape, strict=True)))] = wave[
        np.ix_(*(k % m for k, m in zip(kept, wave.shape, strict=True)))
    ]
    return out
