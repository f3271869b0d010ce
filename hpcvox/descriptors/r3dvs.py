"""R3DVS: a field's Fourier amplitudes on a cube of reciprocal space (Kajita et al. 2017).

Axis legend: C channels of the field, K spots (K = half of those in the sphere, as a real field has |s(-g)| = |s(g)|).
"""

import math
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray
from scipy import fft

from hpcvox.errors import Rejected

BORDER = 1e-9
"""Spots beyond g_cut by less than this share of it count as within, so that rounding does not choose among spots that
lie exactly on the sphere."""


class Spots(NamedTuple):
    """The part of a field within a sphere of reciprocal space; a translation of the field does not change it."""

    g: NDArray[np.float64]  # (K, 3) | Cartesian, in 1/Å, one of each pair ±g, without g = 0
    amplitude: NDArray[np.float64]  # (C, K) | |s(g)|, in the field's unit
    mean: NDArray[np.float64]  # (C,) | |s(0)|, the size of the cell's mean

    def rotated(self, rotation: NDArray[np.float64]) -> "Spots":
        """The spots of the field after the rotation ``rotation``, (3, 3)."""
        return self._replace(g=self.g @ rotation.T)


def stored(g: NDArray[np.float32], amplitude: NDArray[np.float32], mean: NDArray[np.float32]) -> Spots:
    """The spots of a sample of a shard set: g (K, 3), amplitudes (K, C), mean (C,)."""
    return Spots(g.astype(float), amplitude.T.astype(float), mean.astype(float))


def diffraction_spots(
    field: NDArray[np.floating[Any]], lattice: NDArray[np.float64], resolution: float = 0.4
) -> Spots:
    """Amplitudes |s(g)| with s(g) = 1/M Σ_r s(r) exp(-i g·r) and |g| ≤ g_cut = π/``resolution``.

    Args:
        field: (C, M1, M2, M3) of values at (m1/M1) a1 + (m2/M2) a2 + (m3/M3) a3.
        lattice: rows a1, a2, a3 in Å, (3, 3).
        resolution: δL* in Å, the finest detail of the field that is kept.

    Returns:
        K spots of C channels in the field's unit.

    Raises:
        Rejected: the grid does not hold the sphere (``grid-too-coarse``), or a value is not finite (``not-finite``).
    """
    shape = np.array(field.shape[1:])
    needed = 2 * reach(lattice, resolution) + 1
    if (shape < needed).any():
        raise Rejected(
            "grid-too-coarse",
            f"a resolution of {resolution} Å needs a grid of at least {_size(needed)} points for this cell; "
            f"the field has {_size(shape)}",
        )
    index, g = half_sphere(lattice, resolution)
    coefficients = fft.rfftn(field, axes=(1, 2, 3), norm="forward")
    if not np.isfinite(coefficients[:, 0, 0, 0]).all():  # the sum of all values: no other is not finite alone
        raise Rejected("not-finite", "the field has values that are not finite")
    within = coefficients[:, index[:, 0], index[:, 1], index[:, 2]]
    return Spots(g, np.abs(within).astype(np.float64), np.abs(coefficients[:, 0, 0, 0]))


def half_sphere(
    lattice: NDArray[np.float64], resolution: float = 0.4
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Reciprocal vectors with |g| ≤ π/``resolution``, one of each pair ±g, without g = 0.

    Args:
        lattice: rows a1, a2, a3 in Å, (3, 3).
        resolution: δL* in Å.

    Returns:
        Their indices m1, m2, m3 ≥ 0, (K, 3), and they themselves in 1/Å, (K, 3).
    """
    cut = math.pi / resolution * (1 + BORDER)
    vectors = 2 * math.pi * np.linalg.inv(lattice).T
    index: NDArray[np.int64] = _half_sphere(vectors, reach(lattice, resolution), cut * cut)
    return index, index @ vectors


@numba.njit(cache=True, error_model="numpy")
def _half_sphere(vectors, most, squared_cut):  # type: ignore[no-untyped-def]
    """Indices (K, 3) of the reciprocal lattice's ``vectors`` (rows, 1/Å), none beyond ``most``."""
    index = np.empty(((2 * most[0] + 1) * (2 * most[1] + 1) * (most[2] + 1), 3), np.int64)
    count = 0
    for i in range(-most[0], most[0] + 1):
        for j in range(-most[1], most[1] + 1):
            for k in range(most[2] + 1):
                if k == 0 and (i < 0 or (i == 0 and j <= 0)):
                    continue  # in the plane that holds both spots of a pair, take one half
                squared = 0.0
                for axis in range(3):
                    squared += (i * vectors[0, axis] + j * vectors[1, axis] + k * vectors[2, axis]) ** 2
                if squared <= squared_cut:
                    index[count, 0], index[count, 1], index[count, 2] = i, j, k
                    count += 1
    return index[:count].copy()


def reach(lattice: NDArray[np.float64], resolution: float) -> NDArray[np.int64]:
    """The greatest indices m_i = g·a_i/2π of vectors within the sphere, (3,)."""
    cut = math.pi / resolution * (1 + BORDER)
    most: NDArray[np.int64] = np.floor(cut * np.linalg.norm(lattice, axis=1) / (2 * math.pi)).astype(np.int64)
    return most


def voxels(
    spots: Spots, resolution: float = 0.4, length: float = 12.8, mean: bool = True
) -> NDArray[np.float32]:
    """Distribute spots to a cube with edges of 2π/``resolution``, whose voxels are 2π/``length`` apart.

    A spot is divided among the eight voxel centres around it, according to its distances along the three axes
    (trilinear); the spots of a voxel add up.  So the map depends continuously on the spots: rounding cannot move a spot
    across a border, and the map is the same for any choice of the cell.

    Args:
        spots: within |g| ≤ π/``resolution``.
        resolution: δL* in Å.
        length: L* in Å; the cube has n = L*/δL* voxels a side (12.8/0.4: 32).
        mean: put |s(0)| at the cube's centre, shared by its eight voxels.

    Returns:
        (C, n, n, n) float32 in the field's unit, axes along x, y, z.

    Raises:
        ValueError: ``length`` is not a whole number of ``resolution``.
    """
    n = round(length / resolution)
    if n < 2 or abs(n * resolution - length) > 1e-6 * length:
        raise ValueError(f"length {length} Å is not a whole number of resolutions of {resolution} Å")
    out = np.zeros((len(spots.amplitude), n, n, n), np.float64)
    # in voxels: centres are at whole numbers, the origin of reciprocal space between two of them
    position = spots.g * (length / (2 * math.pi)) + (n - 1) / 2
    _share(position, spots.amplitude, out)
    out += out[:, ::-1, ::-1, ::-1].copy()
    if mean:
        middle = slice((n - 1) // 2, n // 2 + 1)
        centre = out[:, middle, middle, middle]
        centre += (spots.mean / centre[0].size)[:, None, None, None]
    return out.astype(np.float32)


def _size(counts: NDArray[np.int64]) -> str:
    return "×".join(str(count) for count in counts)


@numba.njit(cache=True, error_model="numpy")
def _share(position, amplitude, out):  # type: ignore[no-untyped-def]
    """Add ``amplitude`` (C, K) at ``position`` (K, 3) of ``out`` (C, n, n, n); beyond a face, to the face."""
    n = out.shape[1]
    for k in range(position.shape[0]):
        x, y, z = position[k, 0], position[k, 1], position[k, 2]
        i, j, h = int(math.floor(x)), int(math.floor(y)), int(math.floor(z))
        x, y, z = x - i, y - j, z - h
        for a in range(2):
            wx = x if a else 1.0 - x
            ia = min(max(i + a, 0), n - 1)
            for b in range(2):
                wxy = wx * (y if b else 1.0 - y)
                jb = min(max(j + b, 0), n - 1)
                for c in range(2):
                    weight = wxy * (z if c else 1.0 - z)
                    hc = min(max(h + c, 0), n - 1)
                    for channel in range(out.shape[0]):
                        out[channel, ia, jb, hc] += weight * amplitude[channel, k]
