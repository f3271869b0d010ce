"""Refines site positions: shares each voxel's density among the sites, then moves each site to its centroid.

This is the density-weighted centroid, corrected for neighbours and for the edge of the box.  Each step divides the
density of a voxel among the sites in proportion to their Gaussians.  Then a site moves by the difference of two
centroids on the same voxels, that of its share and that of its own Gaussian, divided by the part of the Gaussian's
variance that these voxels cover (all of it far from an edge).  This is expectation maximisation with Newton's step
length.  On an exact map the exact positions are a fixed point, also if spheres overlap, the box cuts one, or an ion is
smaller than a voxel.  Shares are ratios, so a map that is wrong by a factor gives the same positions.
"""

import numba
import numpy as np
from numpy.typing import NDArray

from hpcvox.descriptors.density import voxelize
from hpcvox.descriptors.oblique import voxelize_oblique
from hpcvox.descriptors.radii import RADII
from hpcvox.errors import Rejected
from hpcvox.generation.placement.grid import fractional
from hpcvox.generation.placement.voxel_map import VoxelMap

REACH = 2.0
"""Half the width of the window around a site, in standard deviations of its Gaussian."""

STEPS = 12
SMALLEST = 1e-12
"""Prevents a division by zero in voxels that no Gaussian reaches."""

TOLERANCE = 1e-3
"""Stop when no site moves by more than this (Å)."""


FLAT = 0.01
"""A site does not move if the voxels cover less than this share of its Gaussian's variance."""


def refine(
    positions: NDArray[np.float64], numbers: NDArray[np.uint8], voxels: VoxelMap
) -> NDArray[np.float64]:
    """Refine the positions of sites that are known to about a voxel.

    Args:
        positions: Å from the grid's corner, (k, 3).
        numbers: atomic numbers of the sites, (k,).
        voxels: the map with the density.

    Returns:
        (k, 3) in Å from the grid's corner.
    """
    grid, own = voxels.grid, voxels.widths[numbers]
    edges = np.diagonal(grid.steps).copy()
    start = positions
    for _ in range(STEPS):
        try:
            model = _model(positions, numbers, voxels)
        except Rejected:
            return start  # two sites share a voxel, so its density cannot be divided between them
        ratio = voxels.density / np.maximum(model, SMALLEST)
        if grid.right_angled:
            moved = _step(positions, own, ratio, edges, grid.wraps)
        else:
            moved = _oblique_step(positions, own, ratio, grid.steps, grid.longest_step)
        shift = np.abs(moved - positions).max()
        positions = moved
        if shift <= TOLERANCE:
            break
    # a site stays within its region: density farther away belongs to another site
    limit = np.maximum(0.5 * np.maximum(own, RADII[numbers]), 1.5 * grid.longest_step)
    near = np.linalg.norm(positions - start, axis=1) <= limit
    return np.where(near[:, None], positions, start)


def _model(
    positions: NDArray[np.float64], numbers: NDArray[np.uint8], voxels: VoxelMap
) -> NDArray[np.float32]:
    """The density on the map's grid, (n, n, n), of ions at these positions.

    Raises:
        Rejected: two sites share a voxel.
    """
    grid = voxels.grid
    frac = fractional(positions, grid.lattice) + grid.origin
    frac = frac % 1.0 if grid.wraps else frac
    if grid.right_angled:
        lengths = np.diagonal(grid.lattice).copy()
        return voxelize(lengths, frac, numbers, grid.kind, grid.n, widths=voxels.widths).density
    return voxelize_oblique(grid.lattice, frac, numbers, grid.n, widths=voxels.widths).density


@numba.njit(cache=True, error_model="numpy", fastmath=True)
def _step(positions, widths, ratio, step, wraps):  # type: ignore[no-untyped-def]
    """Move every site by one step; ``ratio`` is the map's density over the model's, (n, n, n)."""
    n = ratio.shape[0]
    out = positions.copy()
    table = np.empty((3, n + 1), np.float64)
    first = np.empty((3, n + 1), np.float64)
    index = np.empty((3, n + 1), np.int64)
    count = np.empty(3, np.int64)
    mean = np.empty(3, np.float64)
    spread = np.empty(3, np.float64)
    data = np.empty(3, np.float64)
    for i in range(len(positions)):
        variance = widths[i] * widths[i]
        for axis in range(3):
            reach = max(REACH * widths[i], 1.5 * step[axis])
            low, high = _range(positions[i, axis], reach, step[axis], n, wraps)
            count[axis] = max(high - low + 1, 0)
            total, sum_1, sum_2 = 0.0, 0.0, 0.0
            for j in range(count[axis]):
                d = (low + j + 0.5) * step[axis] - positions[i, axis]
                g = np.exp(-0.5 * d * d / variance)
                index[axis, j] = (low + j) % n
                table[axis, j] = g
                first[axis, j] = g * d
                total += g
                sum_1 += g * d
                sum_2 += g * d * d
            mean[axis] = sum_1 / max(total, SMALLEST)
            spread[axis] = sum_2 / max(total, SMALLEST) - mean[axis] ** 2
        whole = _weigh(ratio, index, count, table, first, data)
        if not whole > 0.0:
            continue
        for axis in range(3):
            if spread[axis] > FLAT * variance:
                shift = (data[axis] / whole - mean[axis]) * variance / spread[axis]
                farthest = 0.5 * max(widths[i], step[axis])
                out[i, axis] += min(max(shift, -farthest), farthest)
    return out


@numba.njit(cache=True, error_model="numpy", fastmath=True)
def _range(centre, reach, step, n, wraps):  # type: ignore[no-untyped-def]
    """First and last voxel within ``reach`` of ``centre`` along an axis; if the grid wraps, no voxel counts twice."""
    low = int(np.ceil((centre - reach) / step - 0.5))
    high = int(np.floor((centre + reach) / step - 0.5))
    if wraps:
        if high - low >= n:
            low = int(np.ceil(centre / step - 0.5 * n - 0.5))
            high = low + n - 1
    else:
        low, high = max(low, 0), min(high, n - 1)
    return low, high


@numba.njit(cache=True, error_model="numpy", fastmath=True)
def _weigh(ratio, index, count, table, first, data):  # type: ignore[no-untyped-def]
    """Return the sum of a site's share of the density; set ``data`` (3,) to the sum of the share times its offset.

    ``table`` (3, …) holds the site's Gaussian along each axis, ``first`` that times the offset, ``index`` the voxels.
    """
    whole = 0.0
    data[:] = 0.0
    for a in range(count[0]):
        plane = ratio[index[0, a]]
        for b in range(count[1]):
            row = plane[index[1, b]]
            w, wz = 0.0, 0.0
            for c in range(count[2]):
                value = row[index[2, c]]
                w += value * table[2, c]
                wz += value * first[2, c]
            whole += w * table[0, a] * table[1, b]
            data[0] += w * first[0, a] * table[1, b]
            data[1] += w * table[0, a] * first[1, b]
            data[2] += wz * table[0, a] * table[1, b]
    return whole


@numba.njit(cache=True, error_model="numpy", fastmath=True)
def _oblique_step(positions, widths, ratio, steps, longest):  # type: ignore[no-untyped-def]
    """Like :func:`_step`, but on an oblique periodic grid, with the voxels in a sphere around a site.

    ``steps`` are the edges of a voxel, the first along x and the second in the xy plane; ``longest`` is the greatest
    length of an edge.
    """
    out = positions.copy()
    own, data = np.empty(3), np.empty(3)
    second = np.empty((3, 3))
    for s in range(len(positions)):
        variance = widths[s] * widths[s]
        reach = max(REACH * widths[s], 1.5 * longest)
        g_all, r_all = _weigh_sphere(positions[s], ratio, steps, variance, reach, own, data, second)
        if not r_all > 0.0:
            continue
        for p in range(3):
            for q in range(p, 3):
                second[p, q] = second[p, q] / g_all - own[p] * own[q] / (g_all * g_all)
                second[q, p] = second[p, q]
        spread, axes = np.linalg.eigh(second)
        farthest = 0.5 * max(widths[s], longest)
        for p in range(3):
            if spread[p] > FLAT * variance:
                shift = 0.0
                for q in range(3):
                    shift += axes[q, p] * (data[q] / r_all - own[q] / g_all)
                shift *= variance / spread[p]
                shift = min(max(shift, -farthest), farthest)
                for q in range(3):
                    out[s, q] += shift * axes[q, p]
    return out


@numba.njit(cache=True, error_model="numpy", fastmath=True)
def _weigh_sphere(position, ratio, steps, variance, reach, own, data, second):  # type: ignore[no-untyped-def]
    """Return the sums of a site's Gaussian and of its share of the density over the voxels within ``reach``.

    Sets ``own`` (3,) to the sum of the Gaussian times the offset from the site, ``second`` (3, 3; the diagonal and
    above) to that times the products of offsets, and ``data`` (3,) to the sum of the share times the offset.
    """
    n = ratio.shape[0]
    curve = np.exp(-steps[0, 0] * steps[0, 0] / variance)
    g_all, r_all = 0.0, 0.0
    own[:], data[:], second[:] = 0.0, 0.0, 0.0
    x0 = (
        0.5 * (steps[0, 0] + steps[1, 0] + steps[2, 0]) - position[0]
    )  # offset of the first voxel from the site
    y0 = 0.5 * (steps[1, 1] + steps[2, 1]) - position[1]
    z0 = 0.5 * steps[2, 2] - position[2]
    for k in range(int(np.ceil((-reach - z0) / steps[2, 2])), int(np.floor((reach - z0) / steps[2, 2])) + 1):
        z = z0 + k * steps[2, 2]
        wide = np.sqrt(max(reach * reach - z * z, 0.0))
        start = y0 + k * steps[2, 1]
        first = int(np.ceil((-wide - start) / steps[1, 1]))
        last = int(np.floor((wide - start) / steps[1, 1]))
        for j in range(first, last + 1):
            y = start + j * steps[1, 1]
            wide_x = np.sqrt(max(reach * reach - z * z - y * y, 0.0))
            begin = x0 + k * steps[2, 0] + j * steps[1, 0]
            i0 = int(np.ceil((-wide_x - begin) / steps[0, 0]))
            i1 = int(np.floor((wide_x - begin) / steps[0, 0]))
            x = begin + i0 * steps[0, 0]
            g = np.exp(-0.5 * (x * x + y * y + z * z) / variance)
            change = np.exp(-(x + 0.5 * steps[0, 0]) * steps[0, 0] / variance)
            g_row, gx_row, gxx_row, r_row, rx_row = 0.0, 0.0, 0.0, 0.0, 0.0
            for i in range(i0, i1 + 1):
                share = g * ratio[i % n, j % n, k % n]
                g_row += g
                gx_row += g * x
                gxx_row += g * x * x
                r_row += share
                rx_row += share * x
                g *= change
                change *= curve
                x += steps[0, 0]
            g_all += g_row
            own[0] += gx_row
            own[1] += g_row * y
            own[2] += g_row * z
            second[0, 0] += gxx_row
            second[0, 1] += gx_row * y
            second[0, 2] += gx_row * z
            second[1, 1] += g_row * y * y
            second[1, 2] += g_row * y * z
            second[2, 2] += g_row * z * z
            r_all += r_row
            data[0] += rx_row
            data[1] += r_row * y
            data[2] += r_row * z
    return g_all, r_all
