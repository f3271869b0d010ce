"""Cuts a region of one species that holds several sites.

Two sites of one species merge into a single region as soon as their spheres touch.  The standard deviation of an ion's
Gaussian is the radius of its sphere (Court et al. 2020, eqs. 1-2).  So the density has two maxima only while the
spheres do *not* touch, and a watershed on it would find one basin.  But the radius is known: the cut first searches for
spheres of that radius.  If it finds at most one (the network has made the ions too large, so that they touch), it uses
the maxima of the density.
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
"""A region can be one site if its squared radius of gyration is at most this times that of a ball of its volume.

This replaces the criterion voxels / convex hull ≥ 0.8, which fails: two touching balls of equal radius have exactly 0.8
(8/3 over 10/3), and overlapping balls have more.  Their compactness is above 1.1 from a distance of 1.1 radii on; that
of a cube is 1.08."""

MAX_FILL = 1.25
"""A region is not one site if its volume is more than this times that of its species' sphere."""

OWN_SHARE = 0.3
"""A sphere is a site if this share of its volume lies in the region and in no better sphere."""

NEAREST = 1.1
"""Sites of one region are at least this many radii and ``NEAREST_VOXELS`` voxels apart.  In crystals of the three
classes of Court et al. the nearest sites of one species are 1.5 radii apart."""

NEAREST_VOXELS = 2.5

SADDLE = 0.85
"""Two density maxima are two sites if the density between them falls below this share of the lower maximum."""

MAX_SEEDS = 64
"""Most maxima that are examined in one region, highest first."""


def compactness(spread: NDArray[np.float64], volume: NDArray[np.floating]) -> NDArray[np.float64]:
    """Squared radius of gyration (Å²) over that of a ball of the same volume (Å³), (k,); 1 for a ball."""
    ratio: NDArray[np.float64] = spread / (0.6 * (0.75 / np.pi * volume) ** (2 / 3))
    return ratio


def split(
    region: NDArray[np.bool_], empty: NDArray[np.bool_], radius: float, voxels: VoxelMap
) -> NDArray[np.int32]:
    """Cut one region into its sites; each voxel belongs to the nearest site.

    Args:
        region: the region's voxels, (n, n, n).
        empty: voxels of no region, (n, n, n).
        radius: ionic radius of the region's species, Å.
        voxels: the map with the region.

    Returns:
        The number of each voxel's site, from 1, and 0 outside the region, (n, n, n) int32.
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
        # the kernel is symmetric: rolled to the seed, it is the sphere around the seed
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
    """The part of a grid that holds the region and the void that its spheres can reach; for grids that do not wrap.

    Returns its first voxel, its slices, and its shape with zeros added around it; these keep voxels of the opposite
    side out of a sphere.
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
    """For each voxel, the number of the region's voxels in the ball around it minus the number of the void's.

    Voxels of other sites do not count, since they may have been cut out of the sphere.
    """
    x, y, z = region.shape
    field = np.zeros(ball.shape, np.float32)
    field[:x, :y, :z] = region.astype(np.float32) - empty
    transform: Any = scipy.fft.rfftn(ball.astype(np.float32))
    score = scipy.fft.irfftn(scipy.fft.rfftn(field) * transform, ball.shape)[:x, :y, :z]
    return np.rint(score).astype(np.float32)


def _ball(shape: tuple[int, ...], radius: float, steps: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The voxels of a periodic grid of this ``shape`` that are nearer than ``radius`` to its first voxel."""
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
    """Set the voxels of ``ball`` that are nearer than ``radius`` to the first voxel or a periodic image of it."""
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
    """The region's density maxima that are separated from every higher one by a low enough saddle."""
    seeds: list[NDArray[np.intp]] = []
    for seed in _best(voxels.density, region & voxels.maxima):
        limit = SADDLE * float(voxels.density[tuple(seed)])
        if all(_lowest(region, seed, other, voxels) < limit for other in seeds):
            seeds.append(seed)
    return seeds


def _best(field: NDArray[np.float32], maxima: NDArray[np.bool_]) -> NDArray[np.intp]:
    """At most ``MAX_SEEDS`` voxels of ``maxima``, the highest first."""
    voxels = np.argwhere(maxima)
    return voxels[np.argsort(-field[maxima], kind="stable")[:MAX_SEEDS]]


def _lowest(
    region: NDArray[np.bool_], start: NDArray[np.intp], end: NDArray[np.intp], voxels: VoxelMap
) -> float:
    """The lowest density on the shortest line between two voxels; 0 if the line leaves the region."""
    way = voxels.grid.way(start, end)
    count = int(np.abs(way).max())
    line = np.rint(start + np.linspace(0, 1, count + 1)[:, None] * way).astype(np.intp) % voxels.grid.shape
    at = tuple(line.T)
    return float(voxels.density[at].min()) if region[at].all() else 0.0
