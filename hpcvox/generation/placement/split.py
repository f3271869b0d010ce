"""Regions of one species that hold several sites, cut apart.

Two sites of one species merge into a single region as soon as their spheres touch.  A Gaussian's
standard deviation is its sphere's radius (Court et al. 2020, eqs. 1-2), so the density has two maxima
only while the spheres do *not* touch, and a watershed on it finds one basin.  The radius is known,
though: the cut looks for the spheres themselves, and turns to the density's maxima where it finds
one sphere at most (regions that a network has blown up until they met).
"""

from typing import Any

import numba
import numpy as np
import scipy.fft
from numpy.typing import NDArray

from hpcvox.crystals.images import is_diagonal
from hpcvox.generation.placement.grid import VoxelGrid
from hpcvox.generation.placement.regions import local_maxima
from hpcvox.generation.placement.voxel_map import VoxelMap

MAX_COMPACTNESS = 1.1
"""A region is one site where its squared radius of gyration is at most this times that of a ball of its
volume.  The measure replaces voxels / convex hull ≥ 0.8, which two touching balls of one radius meet
exactly (8/3 over 10/3) and overlapping balls more than meet; theirs is above 1.1 from a distance of
1.1 radii on.  A cube's is 1.08."""

MAX_FILL = 1.25
"""Nor is a region one site where it has more than this share of its species' sphere's volume."""

OWN_SHARE = 0.3
"""A sphere is a site where this share of its volume is the region's and no better sphere's."""

NEAREST = 1.1
"""Sites of one region are at least this many radii apart, and ``NEAREST_VOXELS`` voxels.  In the three
classes the nearest sites of one species are 1.5 radii apart."""

NEAREST_VOXELS = 2.5

SADDLE = 0.85
"""Two density maxima are two sites where the density falls below this share of the lower one between."""

MAX_SEEDS = 64
"""Maxima looked at in one region, best first."""


def compactness(spread: NDArray[np.float64], volume: NDArray[np.floating]) -> NDArray[np.float64]:
    """Squared radius of gyration over that of a ball of the same volume; 1 for a ball, (k,)."""
    ratio: NDArray[np.float64] = spread / (0.6 * (0.75 / np.pi * volume) ** (2 / 3))
    return ratio


def split(
    region: NDArray[np.bool_], empty: NDArray[np.bool_], radius: float, voxels: VoxelMap
) -> NDArray[np.int32]:
    """Cut one region into its sites; each voxel goes to the nearest.

    Args:
        region: the region's voxels, (n, n, n).
        empty: voxels of no region, (n, n, n).
        radius: of the region's species, Å.
        voxels: the map that the region is of.

    Returns:
        Part of each voxel, 1 … the number of sites, 0 outside the region, (n, n, n) int32.
    """
    grid = voxels.grid
    seeds = _spheres(region, empty, radius, grid)
    volume = np.count_nonzero(region) * grid.voxel_volume
    if len(seeds) < 2 and volume > MAX_FILL * 4 / 3 * np.pi * radius**3:
        seeds = _maxima(region, voxels)
    out = np.zeros(region.shape, np.int32)
    out[region] = 1
    if len(seeds) >= 2:
        way = grid.way(np.array(seeds)[None], np.argwhere(region)[:, None])
        out[region] = 1 + np.square(way @ grid.steps).sum(axis=-1).argmin(axis=1)
    return out


def _spheres(
    region: NDArray[np.bool_], empty: NDArray[np.bool_], radius: float, grid: VoxelGrid
) -> list[NDArray[np.intp]]:
    """Centres of spheres that lie in the region and out of the void, best first."""
    corner = np.zeros(3, np.intp)
    padded: tuple[int, ...] = region.shape
    if not grid.wraps:
        corner, window, padded = _window(region, radius, grid)
        region, empty = region[window], empty[window]
    ball = _ball(padded, radius, grid.steps)
    ball[0, 0, 0] = True
    score = _score(region, empty, ball)
    free = region.copy()
    needed = OWN_SHARE * ball.sum()
    nearest = max(NEAREST * radius, NEAREST_VOXELS * grid.longest_step)
    seeds: list[NDArray[np.intp]] = []
    for seed in _best(score, local_maxima(score, grid.wraps) & (score > 0)):
        if any(np.linalg.norm(grid.way(seed, other) @ grid.steps) < nearest for other in seeds):
            continue
        # the kernel is symmetric: rolled to the seed it is the sphere about it
        rolled = [(np.arange(m) - c) % p for m, c, p in zip(region.shape, seed, padded, strict=True)]
        inside = ball[np.ix_(*rolled)]
        if np.count_nonzero(free & inside) >= needed:
            seeds.append(seed)
            free &= ~inside
            if np.count_nonzero(free) < needed:
                break
    return [seed + corner for seed in seeds]


def _window(
    region: NDArray[np.bool_], radius: float, grid: VoxelGrid
) -> tuple[NDArray[np.intp], tuple[slice, ...], tuple[int, ...]]:
    """The region's own part of a grid that does not wrap, with the void that its spheres can reach.

    Returns its first voxel, its slices, and the shape that it has with zeros around it, which keep the far side's
    voxels out of a sphere.
    """
    reach = np.ceil(radius / np.diagonal(grid.steps)).astype(int)
    used = np.argwhere(region)
    corner = np.maximum(used.min(axis=0) - reach, 0)
    ends = np.minimum(used.max(axis=0) + reach + 1, grid.n)
    window = tuple(slice(low, high) for low, high in zip(corner, ends, strict=True))
    padded = tuple(
        scipy.fft.next_fast_len(int(m) + int(r), real=True) for m, r in zip(ends - corner, reach, strict=True)
    )
    return corner, window, padded


def _score(
    region: NDArray[np.bool_], empty: NDArray[np.bool_], ball: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """For each voxel, how many of the region are in the ball about it, less those of the void.

    Voxels of other sites count neither way, since they may have been cut out of the sphere.
    """
    x, y, z = region.shape
    field = np.zeros(ball.shape, np.float32)
    field[:x, :y, :z] = region.astype(np.float32) - empty
    transform: Any = scipy.fft.rfftn(ball.astype(np.float32))
    score = scipy.fft.irfftn(scipy.fft.rfftn(field) * transform, ball.shape)[:x, :y, :z]
    return np.rint(score).astype(np.float32)


def _ball(shape: tuple[int, ...], radius: float, steps: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Voxels of a grid of ``shape`` that wraps, nearer than ``radius`` to the first one."""
    if is_diagonal(steps):
        edges = np.diagonal(steps)
        axes = [np.minimum(np.arange(m), m - np.arange(m)) * s for m, s in zip(shape, edges, strict=True)]
        x, y, z = np.ix_(*axes)
        nearer: NDArray[np.bool_] = x * x + y * y + z * z < radius * radius
        return nearer
    ball = np.zeros(shape, np.bool_)
    _fill_ball(ball, radius, steps)
    return ball


@numba.njit(cache=True, error_model="numpy")
def _fill_ball(ball, radius, steps):  # type: ignore[no-untyped-def]
    """Set the voxels of ``ball`` that are nearer than ``radius`` to the first one, images of it included."""
    nx, ny, nz = ball.shape
    far = int(radius / steps[2, 2])
    for k in range(-far, far + 1):
        z = k * steps[2, 2]
        wide = np.sqrt(max(radius * radius - z * z, 0.0))
        y0 = k * steps[2, 1]
        for j in range(int(np.ceil((-wide - y0) / steps[1, 1])), int((wide - y0) // steps[1, 1]) + 1):
            y = y0 + j * steps[1, 1]
            wide_x = np.sqrt(max(radius * radius - z * z - y * y, 0.0))
            x0 = k * steps[2, 0] + j * steps[1, 0]
            for i in range(int(np.ceil((-wide_x - x0) / steps[0, 0])), int((wide_x - x0) // steps[0, 0]) + 1):
                x = x0 + i * steps[0, 0]
                if x * x + y * y + z * z < radius * radius:
                    ball[i % nx, j % ny, k % nz] = True


def _maxima(region: NDArray[np.bool_], voxels: VoxelMap) -> list[NDArray[np.intp]]:
    """The region's density maxima that a saddle parts from every higher one."""
    seeds: list[NDArray[np.intp]] = []
    for seed in _best(voxels.density, region & voxels.maxima):
        limit = SADDLE * float(voxels.density[tuple(seed)])
        if all(_lowest(region, seed, other, voxels) < limit for other in seeds):
            seeds.append(seed)
    return seeds


def _best(field: NDArray[np.float32], maxima: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Voxels of ``maxima``, the highest first, at most ``MAX_SEEDS``."""
    voxels = np.argwhere(maxima)
    return voxels[np.argsort(-field[maxima], kind="stable")[:MAX_SEEDS]]


def _lowest(
    region: NDArray[np.bool_], start: NDArray[np.intp], end: NDArray[np.intp], voxels: VoxelMap
) -> float:
    """The lowest density on the shortest line between two voxels; 0 where it leaves the region."""
    way = voxels.grid.way(start, end)
    count = int(np.abs(way).max())
    line = np.rint(start + np.linspace(0, 1, count + 1)[:, None] * way).astype(np.intp) % voxels.grid.shape
    at = tuple(line.T)
    return float(voxels.density[at].min()) if region[at].all() else 0.0
