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

from hpcvox.descriptors.density import voxelize
from hpcvox.descriptors.grids import BOXES, Grid
from hpcvox.descriptors.radii import RADII
from hpcvox.errors import Rejected

REACH = 2.0
"""Half of the window around a site, in standard deviations of its Gaussian."""

STEPS = 12
SMALLEST = 1e-12
"""Guards divisions where no Gaussian reaches."""

TOLERANCE = 1e-3
"""Stop when no site moves by more than this (Å)."""


def refine(
    positions: NDArray[np.float64],
    numbers: NDArray[np.uint8],
    density: NDArray[np.float32],
    lengths: NDArray[np.float64],
    grid: Grid,
) -> NDArray[np.float64]:
    """Density-weighted positions of sites that are known to about a voxel.

    Args:
        positions: Å from the grid's corner, (k, 3).
        density: (n, n, n), not negative.

    Returns:
        (k, 3) in Å from the grid's corner.
    """
    box = BOXES[grid]
    n = density.shape[0]
    widths = RADII[numbers]
    start = positions
    for _ in range(STEPS):
        cells = positions / lengths + box.origin
        try:
            model = voxelize(lengths, cells % 1.0 if box.wraps else cells, numbers, grid, n).density
        except Rejected:
            return start  # two sites in one voxel: nothing to share by
        ratio = density / np.maximum(model, SMALLEST)
        moved = _step(positions, widths, ratio, lengths * box.extent / n, box.wraps)
        shift = np.abs(moved - positions).max()
        positions = moved
        if shift <= TOLERANCE:
            break
    # a site does not leave its region: what is further away is another site's density
    limit = np.maximum(0.5 * widths, 1.5 * (lengths * box.extent / n).max())
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
            if spread[axis] > 0.01 * variance:
                shift = (data[axis] / whole - mean[axis]) * variance / spread[axis]
                farthest = 0.5 * max(widths[i], step[axis])
                out[i, axis] += min(max(shift, -farthest), farthest)
    return out
