"""Site positions from the density: each voxel's density is shared among the sites, then centred.

This is the density-weighted centroid, made fair to neighbours and to the box's edge.  At every step a
voxel's density is given to the sites in proportion to their Gaussians; a site then moves by the
difference between the centroid of its share and that of its own Gaussian on the same voxels, divided
by the part of the Gaussian's variance that those voxels see (the whole one far from an edge: this
is expectation maximisation, with Newton's step length).  The exact positions are a fixed point
on an exact map, also where spheres overlap, the box cuts one, or an ion is smaller than a voxel; and
since shares are ratios, a map that is off by a factor gives the same positions.
"""

import numba
import numpy as np
from numpy.typing import NDArray

from hpcvox.crystals.images import is_diagonal
from hpcvox.descriptors.density import voxelize
from hpcvox.descriptors.grids import BOXES, Grid
from hpcvox.descriptors.oblique import voxelize_oblique
from hpcvox.descriptors.radii import RADII
from hpcvox.errors import Rejected

REACH = 2.0
"""Half of the window around a site, in standard deviations of its Gaussian."""

STEPS = 12
SMALLEST = 1e-12
"""Guards divisions where no Gaussian reaches."""

TOLERANCE = 1e-3
"""Stop when no site moves by more than this (Å)."""


FLAT = 0.01
"""Where the voxels see less than this share of a Gaussian's variance, a site is not moved."""


def fractional(positions: NDArray[np.float64], lattice: NDArray[np.float64]) -> NDArray[np.float64]:
    """Coordinates (..., 3), in units of the cell, of positions in Å; a is along x and b in the xy plane.

    By substitution: of a diagonal cell these are the quotients by its lengths, bit for bit.
    """
    out = np.empty(positions.shape)
    out[..., 2] = positions[..., 2] / lattice[2, 2]
    out[..., 1] = (positions[..., 1] - out[..., 2] * lattice[2, 1]) / lattice[1, 1]
    left = positions[..., 0] - out[..., 1] * lattice[1, 0] - out[..., 2] * lattice[2, 0]
    out[..., 0] = left / lattice[0, 0]
    return out


def refine(
    positions: NDArray[np.float64],
    numbers: NDArray[np.uint8],
    density: NDArray[np.float32],
    lattice: NDArray[np.float64],
    grid: Grid,
    widths: NDArray[np.float64] = RADII,
) -> NDArray[np.float64]:
    """Density-weighted positions of sites that are known to about a voxel.

    Args:
        positions: Å from the grid's corner, (k, 3).
        density: (n, n, n), not negative.
        lattice: rows in Å, (3, 3), a along x and b in the xy plane; diagonal unless the grid wraps.
        widths: σ of the Gaussians in Å by atomic number.

    Returns:
        (k, 3) in Å from the grid's corner.
    """
    box = BOXES[grid]
    n = density.shape[0]
    own = widths[numbers]
    right = is_diagonal(lattice)
    lengths = np.diagonal(lattice).copy()
    steps = lattice * box.extent / n
    longest = float(np.linalg.norm(steps, axis=1).max())
    start = positions
    for _ in range(STEPS):
        cells = fractional(positions, lattice) + box.origin
        cells = cells % 1.0 if box.wraps else cells
        try:
            if right:
                model = voxelize(lengths, cells, numbers, grid, n, widths=widths).density
            else:
                model = voxelize_oblique(lattice, cells, numbers, n, widths=widths).density
        except Rejected:
            return start  # two sites in one voxel: nothing to share by
        ratio = density / np.maximum(model, SMALLEST)
        if right:
            moved = _step(positions, own, ratio, lengths * box.extent / n, box.wraps)
        else:
            moved = _oblique_step(positions, own, ratio, steps, longest)
        shift = np.abs(moved - positions).max()
        positions = moved
        if shift <= TOLERANCE:
            break
    # a site does not leave its region: what is further away is another site's density
    limit = np.maximum(0.5 * np.maximum(own, RADII[numbers]), 1.5 * longest)
    near = np.linalg.norm(positions - start, axis=1) <= limit
    return np.where(near[:, None], positions, start)


@numba.njit(cache=True, error_model="numpy", fastmath=True)
def _step(positions, widths, ratio, step, wraps):  # type: ignore[no-untyped-def]
    """One step of every site; ``ratio`` is the density over the model's, (n, n, n)."""
    n = ratio.shape[0]
    out = positions.copy()
    most = n + 1
    table = np.empty((3, most), np.float64)
    first = np.empty((3, most), np.float64)
    index = np.empty((3, most), np.int64)
    count = np.empty(3, np.int64)
    mean = np.empty(3, np.float64)
    spread = np.empty(3, np.float64)
    data = np.empty(3, np.float64)
    for i in range(len(positions)):
        variance = widths[i] * widths[i]
        for axis in range(3):
            centre = positions[i, axis]
            reach = max(REACH * widths[i], 1.5 * step[axis])
            low = int(np.ceil((centre - reach) / step[axis] - 0.5))
            high = int(np.floor((centre + reach) / step[axis] - 0.5))
            if wraps:
                if high - low >= n:
                    low = int(np.ceil(centre / step[axis] - 0.5 * n - 0.5))
                    high = low + n - 1
            else:
                low, high = max(low, 0), min(high, n - 1)
            count[axis] = max(high - low + 1, 0)
            total, sum_1, sum_2 = 0.0, 0.0, 0.0
            for j in range(count[axis]):
                d = (low + j + 0.5) * step[axis] - centre
                g = np.exp(-0.5 * d * d / variance)
                index[axis, j] = (low + j) % n
                table[axis, j] = g
                first[axis, j] = g * d
                total += g
                sum_1 += g * d
                sum_2 += g * d * d
            mean[axis] = sum_1 / max(total, SMALLEST)
            spread[axis] = sum_2 / max(total, SMALLEST) - mean[axis] ** 2
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
        if not whole > 0.0:
            continue
        for axis in range(3):
            if spread[axis] > FLAT * variance:
                shift = (data[axis] / whole - mean[axis]) * variance / spread[axis]
                farthest = 0.5 * max(widths[i], step[axis])
                out[i, axis] += min(max(shift, -farthest), farthest)
    return out


@numba.njit(cache=True, error_model="numpy", fastmath=True)
def _oblique_step(positions, widths, ratio, steps, longest):  # type: ignore[no-untyped-def]
    """As :func:`_step`, on the oblique grid of a cell that wraps, in the sphere about a site.

    ``steps`` are the voxels' edges, the first along x and the second in the xy plane, ``longest`` the longest's length.
    """
    n = ratio.shape[0]
    out = positions.copy()
    own, data = np.empty(3), np.empty(3)
    second = np.empty((3, 3))
    for s in range(len(positions)):
        variance = widths[s] * widths[s]
        reach = max(REACH * widths[s], 1.5 * longest)
        curve = np.exp(-steps[0, 0] * steps[0, 0] / variance)
        g_all, r_all = 0.0, 0.0
        own[:], data[:], second[:] = 0.0, 0.0, 0.0
        x0 = (
            0.5 * (steps[0, 0] + steps[1, 0] + steps[2, 0]) - positions[s, 0]
        )  # of the first voxel from the site
        y0 = 0.5 * (steps[1, 1] + steps[2, 1]) - positions[s, 1]
        z0 = 0.5 * steps[2, 2] - positions[s, 2]
        for k in range(
            int(np.ceil((-reach - z0) / steps[2, 2])), int(np.floor((reach - z0) / steps[2, 2])) + 1
        ):
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
