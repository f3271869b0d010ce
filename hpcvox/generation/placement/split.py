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

from hpcvox.crystals.images import IMAGES, is_diagonal
from hpcvox.generation.placement.regions import local_maxima

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
    region: NDArray[np.bool_],
    empty: NDArray[np.bool_],
    maxima: NDArray[np.bool_],
    density: NDArray[np.float32],
    radius: float,
    steps: NDArray[np.float64],
    wraps: bool,
) -> NDArray[np.int32]:
    """Cut one region into its sites; each voxel goes to the nearest.

    Args:
        region: the region's voxels, (n, n, n).
        empty: voxels of no region, (n, n, n).
        maxima: the density's local maxima, (n, n, n).
        density: (n, n, n).
        radius: of the region's species, Å.
        steps: the voxels' edges in Å, rows, (3, 3): the first along x, the second in the xy plane; those of a reduced
            cell, and of an oblique one only on a grid that wraps.

    Returns:
        Part of each voxel, 1 … the number of sites, 0 outside the region, (n, n, n) int32.
    """
    seeds = _spheres(region, empty, radius, steps, wraps)
    volume = np.diagonal(steps).prod()
    if len(seeds) < 2 and np.count_nonzero(region) * volume > MAX_FILL * 4 / 3 * np.pi * radius**3:
        seeds = _maxima(region, region & maxima, density, steps, wraps)
    out = np.zeros(region.shape, np.int32)
    out[region] = 1
    if len(seeds) >= 2:
        apart = _apart(np.array(seeds)[None], np.argwhere(region)[:, None], region.shape, steps, wraps)
        out[region] = 1 + np.square(apart @ steps).sum(axis=-1).argmin(axis=1)
    return out


def _spheres(
    region: NDArray[np.bool_],
    empty: NDArray[np.bool_],
    radius: float,
    steps: NDArray[np.float64],
    wraps: bool,
) -> list[NDArray[np.intp]]:
    """Centres of spheres that lie in the region and out of the void, best first.

    The score of a centre is the volume of the region in the sphere less that of the void; voxels of
    other sites count neither way, since they may have been cut out of the sphere.
    """
    corner = np.zeros(3, np.intp)
    padded = region.shape
    if not wraps:  # only the region's own part of the grid, with the void that its spheres can reach
        reach = np.ceil(radius / np.diagonal(steps)).astype(int)
        used = np.argwhere(region)
        corner = np.maximum(used.min(axis=0) - reach, 0)
        window = tuple(
            slice(low, high) for low, high in zip(corner, used.max(axis=0) + reach + 1, strict=True)
        )
        region, empty = region[window], empty[window]
        # zeros around it keep the far side's voxels out of a sphere
        padded = tuple(
            scipy.fft.next_fast_len(m + int(r), real=True) for m, r in zip(region.shape, reach, strict=True)
        )
    shape = region.shape
    ball = _ball(padded, radius, steps)
    ball[0, 0, 0] = True
    transform: Any = scipy.fft.rfftn(ball.astype(np.float32))
    field = np.zeros(padded, np.float32)
    field[: shape[0], : shape[1], : shape[2]] = region.astype(np.float32) - empty
    score = scipy.fft.irfftn(scipy.fft.rfftn(field) * transform, padded)[: shape[0], : shape[1], : shape[2]]
    score = np.rint(score).astype(np.float32)
    free = region.copy()
    needed = OWN_SHARE * ball.sum()
    longest = float(np.linalg.norm(steps, axis=1).max())
    nearest = max(NEAREST * radius, NEAREST_VOXELS * longest)
    seeds: list[NDArray[np.intp]] = []
    for seed in _best(score, local_maxima(score, wraps) & (score > 0)):
        if any(_distance(seed, other, shape, steps, wraps) < nearest for other in seeds):
            continue
        # the kernel is symmetric: rolled to the seed it is the sphere about it
        inside = ball[np.ix_(*((np.arange(m) - c) % p for m, c, p in zip(shape, seed, padded, strict=True)))]
        if np.count_nonzero(free & inside) >= needed:
            seeds.append(seed)
            free &= ~inside
            if np.count_nonzero(free) < needed:
                break
    return [seed + corner for seed in seeds]


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


def _maxima(
    region: NDArray[np.bool_],
    maxima: NDArray[np.bool_],
    density: NDArray[np.float32],
    steps: NDArray[np.float64],
    wraps: bool,
) -> list[NDArray[np.intp]]:
    """The region's density maxima that a saddle parts from every higher one."""
    seeds: list[NDArray[np.intp]] = []
    for seed in _best(density, maxima):
        limit = SADDLE * float(density[tuple(seed)])
        if all(_lowest(density, region, seed, other, steps, wraps) < limit for other in seeds):
            seeds.append(seed)
    return seeds


def _best(field: NDArray[np.float32], maxima: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Voxels of ``maxima``, the highest first, at most ``MAX_SEEDS``."""
    voxels = np.argwhere(maxima)
    return voxels[np.argsort(-field[maxima], kind="stable")[:MAX_SEEDS]]


def _lowest(
    field: NDArray[np.float32],
    inside: NDArray[np.bool_],
    start: NDArray[np.intp],
    end: NDArray[np.intp],
    steps: NDArray[np.float64],
    wraps: bool,
) -> float:
    """Lowest value of ``field`` on the shortest line between two voxels; 0 where it leaves the region."""
    apart = _apart(start, end, field.shape, steps, wraps)
    count = int(np.abs(apart).max())
    line = np.rint(start + np.linspace(0, 1, count + 1)[:, None] * apart).astype(np.intp) % field.shape
    at = tuple(line.T)
    return float(field[at].min()) if inside[at].all() else 0.0


def _apart(
    start: NDArray[np.intp],
    end: NDArray[np.intp],
    shape: tuple[int, ...],
    steps: NDArray[np.float64],
    wraps: bool,
) -> NDArray[np.intp]:
    """The shortest way from one voxel to another, in voxels, (..., 3)."""
    apart = end - start
    if not wraps:
        return apart
    apart -= np.rint(apart / shape).astype(np.intp) * shape
    if is_diagonal(steps):
        return apart
    best, least = apart, np.square(apart @ steps).sum(axis=-1)
    for image in IMAGES.astype(np.intp) * shape:
        squared = np.square((apart + image) @ steps).sum(axis=-1)
        nearer = squared < least
        best = np.where(nearer[..., None], apart + image, best)
        least = np.where(nearer, squared, least)
    return best


def _distance(
    start: NDArray[np.intp],
    end: NDArray[np.intp],
    shape: tuple[int, ...],
    steps: NDArray[np.float64],
    wraps: bool,
) -> float:
    """Distance between two voxels in Å."""
    return float(np.linalg.norm(_apart(start, end, shape, steps, wraps) @ steps))
