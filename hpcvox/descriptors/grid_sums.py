"""Computes factors for Gaussians on the grid of an oblique cell, so that the voxels hold the whole of each Gaussian.

Python calls these functions, not the loops of ``lattice_sums``, because numba's cache of a function does not notice
changes in another file.  For the same reason ``_span``, ``_reduced``, REACH and COARSE are repeated here; a test checks
that they are equal.
"""

import math

import numba
import numpy as np

REACH, COARSE = 6.0, 1.0
"""The same as in :mod:`hpcvox.descriptors.density`."""

FEW_WAVES = 3.0
"""If planes of voxels are at most this many standard deviations apart, few waves of Poisson's formula give the sum of a
Gaussian, and no sum is near 0."""


@numba.njit(cache=True, error_model="numpy", inline="always")
def _span(a, b, c, offset):  # type: ignore[no-untyped-def]
    """First and last integer j with c u² + 2 b u + a ≤ 0 at u = j + offset; if there is none, the first is greater."""
    inside = b * b - c * a
    if inside < 0.0:
        return 1, 0
    half = math.sqrt(inside) / c
    middle = -b / c - offset
    return int(math.ceil(middle - half)), int(math.floor(middle + half))


@numba.njit(cache=True, error_model="numpy")
def _reduced(m):  # type: ignore[no-untyped-def]
    """The quadratic form ``m`` minimised over the third coordinate, (p11, p12, p22), and over the second, q11."""
    p11 = m[0, 0] - m[0, 2] * m[0, 2] / m[2, 2]
    p12 = m[0, 1] - m[0, 2] * m[1, 2] / m[2, 2]
    p22 = m[1, 1] - m[1, 2] * m[1, 2] / m[2, 2]
    return p11, p12, p22, p11 - p12 * p12 / p22


@numba.njit(cache=True, error_model="numpy")
def _nearest(form, place):  # type: ignore[no-untyped-def]
    """The squared distance in Å² from ``place``, in steps of the grid, to the nearest voxel centre.

    The voxel that rounding finds, axis by axis (Babai 1986), bounds it; all voxels within that distance are looked at.
    """
    p11, p12, p22, q11 = _reduced(form)
    u = math.floor(place[0]) + 0.5 - place[0]
    v0, w0 = 0.5 - place[1], 0.5 - place[2]
    v = math.floor(-p12 / p22 * u - v0 + 0.5) + v0
    w = math.floor(-(form[0, 2] * u + form[1, 2] * v) / form[2, 2] - w0 + 0.5) + w0
    least = q11 * u * u + p22 * (v + p12 / p22 * u) ** 2
    least += form[2, 2] * (w + (form[0, 2] * u + form[1, 2] * v) / form[2, 2]) ** 2
    bound = least * (1.0 + 1e-9)
    x0, x1 = _span(-bound, 0.0, q11, 0.5 - place[0])
    for x in range(x0, x1 + 1):
        u = x + 0.5 - place[0]
        y0, y1 = _span(p11 * u * u - bound, p12 * u, p22, v0)
        for y in range(y0, y1 + 1):
            v = y + v0
            a = form[0, 0] * u * u + 2.0 * form[0, 1] * u * v + form[1, 1] * v * v
            b = form[0, 2] * u + form[1, 2] * v
            z0, z1 = _span(a - bound, b, form[2, 2], w0)
            for z in range(z0, z1 + 1):
                w = z + w0
                least = min(least, a + (2.0 * b + form[2, 2] * w) * w)
    return max(least, 0.0)


@numba.njit(cache=True, error_model="numpy")
def _waves_of_grid(reciprocal, n, place, width):  # type: ignore[no-untyped-def]
    """The sum of a Gaussian over all voxel centres by that on a fine grid, and the shortest wave's |g|² in 1/Å².

    By Poisson's formula: Σ_g exp(-width² g²/2) cos(g·r) over the reciprocal vectors of the grid, n times those of the
    cell, whose form ``reciprocal`` (3, 3) is in 1/Å²; r from a voxel centre to the Gaussian's.
    """
    form = reciprocal * n**2
    p11, p12, p22, q11 = _reduced(form)
    shortest = min(form[0, 0], form[1, 1], form[2, 2])
    r2 = max((REACH / width) ** 2, shortest * (1.0 + 1e-9))
    total = 0.0
    x0, x1 = _span(-r2, 0.0, q11, 0.0)
    for x in range(x0, x1 + 1):
        y0, y1 = _span(p11 * x * x - r2, p12 * x, p22, 0.0)
        for y in range(y0, y1 + 1):
            a = form[0, 0] * x * x + 2.0 * form[0, 1] * x * y + form[1, 1] * y * y
            b = form[0, 2] * x + form[1, 2] * y
            z0, z1 = _span(a - r2, b, form[2, 2], 0.0)
            for z in range(z0, z1 + 1):
                squared = a + (2.0 * b + form[2, 2] * z) * z
                if x != 0 or y != 0 or z != 0:
                    shortest = min(shortest, squared)
                turns = x * (place[0] - 0.5) + y * (place[1] - 0.5) + z * (place[2] - 0.5)
                total += math.exp(-0.5 * width * width * squared) * math.cos(2.0 * math.pi * turns)
    return total, shortest


@numba.njit(cache=True, error_model="numpy")
def _summed(form, place, width, nearest):  # type: ignore[no-untyped-def]
    """The sum of a Gaussian over voxel centres, in units of its value at the squared distance ``nearest`` in Å²."""
    p11, p12, p22, q11 = _reduced(form)
    r2 = (REACH * width) ** 2 + nearest
    total = 0.0
    x0, x1 = _span(-r2, 0.0, q11, 0.5 - place[0])
    for x in range(x0, x1 + 1):
        u = x + 0.5 - place[0]
        y0, y1 = _span(p11 * u * u - r2, p12 * u, p22, 0.5 - place[1])
        for y in range(y0, y1 + 1):
            v = y + 0.5 - place[1]
            a = form[0, 0] * u * u + 2.0 * form[0, 1] * u * v + form[1, 1] * v * v
            b = form[0, 2] * u + form[1, 2] * v
            z0, z1 = _span(a - r2, b, form[2, 2], 0.5 - place[2])
            for z in range(z0, z1 + 1):
                w = z + 0.5 - place[2]
                squared = a + (2.0 * b + form[2, 2] * w) * w
                total += math.exp(-0.5 * (squared - nearest) / (width * width))
    return total


@numba.njit(cache=True, error_model="numpy")
def heights(cell, frac, numbers, widths, n):  # type: ignore[no-untyped-def]
    """The factor of each Gaussian, (sites,), with which its voxels hold all of it; 1 unless the grid is coarse.

    ``cell`` is what ``lattice_sums.forms`` gives.

    And the squared distance in Å², (sites,), at which it then has the value of its peak: not 0 where a Gaussian may be
    so narrow that no voxel sees it, and its voxels themselves are summed.
    """
    steps, reciprocal, _, volume = cell
    heights, nearest = np.ones(numbers.size), np.zeros(numbers.size)
    _, shortest = _waves_of_grid(reciprocal, n, frac[0], math.inf)
    spacing = 2.0 * math.pi / math.sqrt(shortest)  # the greatest between planes of voxel centres
    for i in range(numbers.size):
        if not 0 < numbers[i] < widths.size:
            continue  # the function that fills the voxels will reject it
        place, width = frac[i] * n, widths[numbers[i]]
        if spacing <= COARSE * width:
            continue
        if spacing <= FEW_WAVES * width:
            heights[i] = 1.0 / _waves_of_grid(reciprocal, n, place, width)[0]
        else:
            nearest[i] = _nearest(steps, place)
            total = _summed(steps, place, width, nearest[i])
            heights[i] = (2.0 * math.pi) ** 1.5 * width**3 * n**3 / (volume * total)
    return heights, nearest
