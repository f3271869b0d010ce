"""The two-dimensional diffraction fingerprint of a cluster of atoms (Ziletti et al. 2018).

A beam of wave vector k0 along z meets the cluster and a flat detector of n×n pixels behind it.  A pixel in
direction d sees q = k (d - z), |k0| = |k1| = k = 2π/λ: the Ewald sphere is curved.  Its intensity is

    I(q) = |Ψ(q)|² Ω,  Ψ(q) = Σ_a f_a(|q|) Σ_j exp(-i q·x_j)

with the form factors f_a (International Tables, vol. C: four Gaussians and a constant in s = |q|/4π) and the
solid angle Ω of the pixel.  Positions are in units of the mean distance of nearest neighbours, taken as Å.
"""

import functools
import math
from typing import NamedTuple

import gemmi
import numba
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from hpcvox.errors import Rejected

WAVELENGTH = 0.05  # Å
DISTANCE = 0.1  # m, cluster to detector
PIXEL = 4e-4  # m
SHIFT = 2
"""An element has the form factor of the element this many atomic numbers later, as in the paper's calculations."""
MAX_Z = 98
"""The last element of the tables."""

TURNS = tuple((axis, sign * 45.0) for axis in "xyz" for sign in (1, -1))
"""Each channel has two patterns: the cluster rotated by +45° and -45° about x (red), y (green) or z (blue)."""


def fingerprint(
    positions: NDArray[np.float64], numbers: NDArray[np.uint8], pixels: int = 64, centre: float = 5.0
) -> NDArray[np.float32]:
    """The fingerprint D_F of a cluster: for each channel I(q) (see above) of both rotations, added and then scaled.

    Args:
        positions: Cartesian, over the mean distance of nearest neighbours, (N, 3) float64.
        numbers: atomic numbers, (N,) uint8.
        pixels: n, number of pixels along each edge.
        centre: radius around the detector's centre, in pixels, within which pixels are zero.

    Returns:
        (n, n, 3) float32: rows along y, columns along x, then R, G, B.  One scale for all
        channels, from 0 to 1.

    Raises:
        Rejected: an element has no form factor (``no-form-factor``), or there is no atom (``no-sites``).
    """
    pattern = patterns(positions, numbers, pixels)
    intensity = pattern[0::2] + pattern[1::2]
    edge = np.arange(pixels) - (pixels - 1) / 2
    intensity[:, np.hypot(edge[:, None], edge) <= centre] = 0
    low, high = intensity.min(), intensity.max()
    if high > low:
        intensity = (intensity - low) / (high - low)
    return np.ascontiguousarray(intensity.transpose(1, 2, 0), np.float32)


def patterns(
    positions: NDArray[np.float64], numbers: NDArray[np.uint8], pixels: int = 64
) -> NDArray[np.float64]:
    """The intensities of the six rotations of :data:`TURNS`, (6, n, n) float64, in units of the centre's solid angle.

    Positions are taken relative to their mean, since a translation changes no intensity.

    Args:
        positions: Cartesian, over the mean distance of nearest neighbours, (N, 3) float64.
        numbers: atomic numbers, (N,) uint8.
        pixels: n.

    Raises:
        Rejected: an element has no form factor (``no-form-factor``), or there is no atom (``no-sites``).
    """
    if not len(numbers):
        raise Rejected("no-sites", "a diffraction pattern needs an atom")
    species, kind = np.unique(numbers, return_inverse=True)
    detector = _detector(pixels)
    factors = np.stack([_form_factor(int(z), pixels) for z in species])
    order = np.argsort(kind, kind="stable")
    centred = (positions - positions.mean(0))[order]
    turned = np.einsum("tij,nj->tin", _turns(), centred)
    ends = np.cumsum(np.bincount(kind))
    out = np.empty((len(TURNS), pixels * pixels), np.float32)
    _amplitudes(detector.turns, turned.astype(np.float32), ends, factors, _SINE, out)
    return (out * detector.solid_angle).reshape(-1, pixels, pixels).astype(np.float64)


class _Detector(NamedTuple):
    turns: NDArray[np.float32]  # (3, n²) | q/2π, in 1/Å
    q: NDArray[np.float64]  # (n²,) | |q|, in 1/Å
    solid_angle: NDArray[np.float64]  # (n²,) | over that of the centre


@functools.cache
def _detector(pixels: int) -> _Detector:
    edge = (np.arange(pixels) - (pixels - 1) / 2) * PIXEL / DISTANCE
    y, x = np.meshgrid(edge, edge, indexing="ij")
    direction = np.stack([x, y, np.ones_like(x)]).reshape(3, -1)
    length = np.linalg.norm(direction, axis=0)
    turns = (direction / length - [[0], [0], [1]]) / WAVELENGTH
    return _Detector(turns.astype(np.float32), 2 * math.pi * np.linalg.norm(turns, axis=0), length**-3.0)


@functools.cache
def _turns() -> NDArray[np.float64]:
    """Rotation matrices of :data:`TURNS`, (6, 3, 3)."""
    return np.stack([Rotation.from_euler(axis, angle, degrees=True).as_matrix() for axis, angle in TURNS])


@functools.cache
def _form_factor(number: int, pixels: int) -> NDArray[np.float32]:
    """f of element ``number`` + SHIFT at the pixels, (n²,) float32, in electrons."""
    if not 1 <= number <= MAX_Z - SHIFT:
        raise Rejected(
            "no-form-factor", f"no form factor for atomic number {number} (valid: 1 to {MAX_Z - SHIFT})"
        )
    table = gemmi.Element(number + SHIFT).it92
    s2 = (_detector(pixels).q / (4 * math.pi)) ** 2
    terms = [a * np.exp(-b * s2) for a, b in zip(table.a, table.b, strict=True)]
    return np.asarray(np.sum(terms, 0) + table.c, np.float32)


def _sine() -> NDArray[np.float32]:
    """Coefficients of x, x³ ... x⁹ for sin(2πx) on [-1/4, 1/4], to 2e-8: least squares at Chebyshev's points."""
    x = 0.25 * np.cos(np.pi * (np.arange(200) + 0.5) / 400)
    powers = x[:, None] ** np.arange(1, 10, 2)
    return np.linalg.lstsq(powers / x[:, None], np.sin(2 * np.pi * x) / x)[0].astype(np.float32)


_SINE = _sine()
BLOCK = 512
"""Number of pixels that are computed at a time, so that the sums stay in the fastest cache."""


@numba.njit(inline="always")
def _phase(t, sine):  # type: ignore[no-untyped-def]
    """cos and sin of ``t`` turns: whole turns are taken off, the rest by the sine's symmetries."""
    quarter = np.float32(0.25)
    t -= np.floor(t + np.float32(0.5))
    c = quarter - abs(t)
    s = math.copysign(quarter - abs(c), t)
    c2, s2 = c * c, s * s
    return (
        c * (sine[0] + c2 * (sine[1] + c2 * (sine[2] + c2 * (sine[3] + c2 * sine[4])))),
        s * (sine[0] + s2 * (sine[1] + s2 * (sine[2] + s2 * (sine[3] + s2 * sine[4])))),
    )


@numba.njit(cache=True, error_model="numpy", fastmath={"contract", "nsz", "reassoc"})
def _amplitudes(q, positions, ends, factors, table, out):  # type: ignore[no-untyped-def]
    """|Ψ|² of every turn, (T, n²), from positions (T, 3, N) that are sorted by species."""
    sine = (table[0], table[1], table[2], table[3], table[4])
    real = np.empty(BLOCK, np.float32)
    imaginary = np.empty(BLOCK, np.float32)
    total_real = np.empty(BLOCK, np.float32)
    total_imaginary = np.empty(BLOCK, np.float32)
    for turn in range(positions.shape[0]):
        x, y, z = positions[turn]
        for start in range(0, q.shape[1], BLOCK):
            count = min(BLOCK, q.shape[1] - start)
            qx, qy, qz = q[0, start : start + count], q[1, start : start + count], q[2, start : start + count]
            total_real[:] = 0
            total_imaginary[:] = 0
            j = 0
            for kind in range(ends.size):
                real[:] = 0
                imaginary[:] = 0
                # four atoms in each pass, so that the sums are read and written a quarter as often
                while j + 4 <= ends[kind]:
                    xa, xb, xc, xd = x[j], x[j + 1], x[j + 2], x[j + 3]
                    ya, yb, yc, yd = y[j], y[j + 1], y[j + 2], y[j + 3]
                    za, zb, zc, zd = z[j], z[j + 1], z[j + 2], z[j + 3]
                    for p in range(count):
                        ca, sa = _phase(qx[p] * xa + qy[p] * ya + qz[p] * za, sine)
                        cb, sb = _phase(qx[p] * xb + qy[p] * yb + qz[p] * zb, sine)
                        cc, sc = _phase(qx[p] * xc + qy[p] * yc + qz[p] * zc, sine)
                        cd, sd = _phase(qx[p] * xd + qy[p] * yd + qz[p] * zd, sine)
                        real[p] += ca + cb + cc + cd
                        imaginary[p] += sa + sb + sc + sd
                    j += 4
                while j < ends[kind]:
                    xa, ya, za = x[j], y[j], z[j]
                    for p in range(count):
                        ca, sa = _phase(qx[p] * xa + qy[p] * ya + qz[p] * za, sine)
                        real[p] += ca
                        imaginary[p] += sa
                    j += 1
                for p in range(count):
                    total_real[p] += factors[kind, start + p] * real[p]
                    total_imaginary[p] += factors[kind, start + p] * imaginary[p]
            for p in range(count):
                out[turn, start + p] = total_real[p] ** 2 + total_imaginary[p] ** 2
