"""Voxels of a five-site cubic crystal on one core, beside a NumPy peer and the memory that must be written."""

import statistics
import time
from collections.abc import Callable
from itertools import product

import numpy as np
from scipy.spatial.distance import cdist, euclidean
from threadpoolctl import threadpool_limits

from hpcvox.descriptors.density import Voxels, voxelize
from hpcvox.descriptors.oblique import voxelize_oblique
from hpcvox.descriptors.radii import RADII

FRAC = np.array([[0.002, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0.001], [0.5, 0, 0.5], [0, 0.5, 0.5]])
NUMBERS = np.array([38, 22, 8, 8, 8], np.uint8)
LENGTHS = np.full(3, 3.905)
OBLIQUE = np.array([[3.905, 0.0, 0.0], [1.2, 3.905, 0.0], [-0.7, 1.1, 3.905]])
N = 32


def numpy_peer() -> tuple[np.ndarray, np.ndarray]:
    """The same arrays by separable Gaussians and minimum images in plain NumPy."""
    axis = (np.arange(N) + 0.5) / N
    delta = axis[None, None] - FRAC[:, :, None]
    images = delta[..., None] + np.arange(-2, 3)
    r = RADII[NUMBERS]
    table = np.exp(-((images * LENGTHS[0]) ** 2) / (2 * r * r)[:, None, None, None]).sum(-1)
    scale = NUMBERS / r**3 / (2 * np.pi) ** 1.5
    density = np.einsum(
        "sx,sy,sz->xyz", table[:, 0] * scale[:, None], table[:, 1], table[:, 2], optimize=True
    )
    near = ((delta - np.round(delta)) * LENGTHS[0]) ** 2
    d2 = near[:, 0, :, None, None] + near[:, 1, None, :, None] + near[:, 2, None, None, :]
    d2 = np.where(d2 < (r * r)[:, None, None, None], d2, np.inf)
    species = np.where(np.isfinite(d2.min(0)), NUMBERS[d2.argmin(0)], 0).astype(np.uint8)
    return density.astype(np.float32), species


def numpy_oblique_peer() -> tuple[np.ndarray, np.ndarray]:
    """The arrays of an oblique cell, image by image in plain NumPy."""
    axis = (np.arange(N) + 0.5) / N
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1)
    images = np.stack(np.meshgrid(*3 * [np.arange(-2, 3)], indexing="ij"), -1).reshape(-1, 3)
    density, best, species = np.zeros((N, N, N)), np.full((N, N, N), np.inf), np.zeros((N, N, N), np.uint8)
    for site, z in zip(FRAC, NUMBERS, strict=True):
        r = RADII[z]
        least = np.full((N, N, N), np.inf)
        for image in images:
            d2 = (((grid - site - image) @ OBLIQUE) ** 2).sum(-1)
            density += z / r**3 / (2 * np.pi) ** 1.5 * np.exp(-d2 / (2 * r * r))
            least = np.minimum(least, d2)
        nearer = (least < r * r) & (least < best)
        best[nearer], species[nearer] = least[nearer], z
    return density.astype(np.float32), species


def authors() -> tuple[np.ndarray, np.ndarray]:
    """Court's own procedure: density and species on the padded grid, in Python from voxel to voxel and site to site.

    Restated from ``density_matrix`` of their program ICSG3D (MIT licence): a function as the metric makes
    ``cdist`` call it for every pair of a voxel and a site.
    """
    sites, r, z = FRAC * LENGTHS, RADII[NUMBERS], NUMBERS.astype(float)
    centres = [(-0.25 + 1.5 * (np.arange(N) + 0.5) / N) * length for length in LENGTHS]
    distance = cdist(np.array(list(product(*centres))), sites, metric=euclidean)
    taken = np.zeros(distance.shape)
    for v, voxel in enumerate(distance):
        for s, _ in enumerate(voxel):
            if distance[v, s] < r[s]:
                if sum(taken[v, :]) > 0:
                    taken[v, :] = np.arange(len(voxel)) == np.argmin(distance[v, :])
                else:
                    taken[v, s] = 1
    density = np.exp(-(distance**2) / (2 * r**2)) @ (z / r**3) / (2 * np.pi) ** 1.5
    return density.reshape(N, N, N), (taken @ z).reshape(N, N, N)


def median_us(function: Callable[[], object], repeats: int) -> float:
    """Median time of a call in µs."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e6


def measure() -> list[dict[str, object]]:
    """``density_us``: density, species and mask of one crystal; ``density_oblique_us``: in an oblique cell.

    ``density_vs_authors``: how many times as fast as they, in their box; ``oblique_vs_cubic``: time over time.
    """
    out = Voxels(np.empty((N, N, N), np.float32), np.empty((N, N, N), np.uint8))

    def ours() -> None:
        voxelize(LENGTHS, FRAC, NUMBERS, out=out)
        np.packbits(out.species.reshape(-1))

    ours()
    density, species = numpy_peer()
    assert np.abs(out.density - density).max() < 1e-4 * density.max()
    assert (out.species == species).mean() > 0.999
    with threadpool_limits(1):  # one core, as an actor has it
        value, peer = median_us(ours, 2000), median_us(numpy_peer, 50)

    def oblique() -> None:
        voxelize_oblique(OBLIQUE, FRAC, NUMBERS, out=out)
        np.packbits(out.species.reshape(-1))

    oblique()
    start = time.perf_counter()
    density, species = numpy_oblique_peer()
    oblique_peer = (time.perf_counter() - start) * 1e6
    assert np.abs(out.density - density).max() < 1e-3 * density.max()  # the peer has fewer images
    assert (out.species == species).mean() > 0.999
    with threadpool_limits(1):
        oblique_value = median_us(oblique, 1000)

    def padded() -> None:
        voxelize(LENGTHS, FRAC, NUMBERS, "padded", out=out)
        np.packbits(out.species.reshape(-1))

    padded()
    start = time.perf_counter()
    density, species = authors()
    authors_us = (time.perf_counter() - start) * 1e6
    assert np.abs(out.density - density).max() < 1e-4 * density.max()
    assert (out.species == species).mean() > 0.999
    with threadpool_limits(1):
        padded_us = median_us(padded, 1000)
    return [
        {
            "name": "density_us",
            "value": value,
            "unit": "µs",
            "peer": peer,
            "ratio": value / peer,
            "limit": 75.0,
        },
        {
            "name": "density_oblique_us",
            "value": oblique_value,
            "unit": "µs",
            "peer": oblique_peer,
            "ratio": oblique_value / oblique_peer,
            "limit": 3 * 75.0,
        },
        {"name": "oblique_vs_cubic", "value": oblique_value / value, "unit": "", "limit": 3.0},
        {"name": "density_vs_authors", "value": authors_us / padded_us, "unit": "times", "limit": 1e4},
    ]
