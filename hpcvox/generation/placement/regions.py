"""Finds connected regions of equal species on a voxel grid and measures them (compiled code)."""

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from hpcvox.generation.placement.grid import VoxelGrid


class Regions(NamedTuple):
    """Measurements of the k regions of a species map, in the order of their labels."""

    species: NDArray[np.int64]  # (k,) | atomic number
    voxels: NDArray[np.int64]  # (k,) | count
    centre: NDArray[
        np.float64
    ]  # (k, 3) | unweighted centroid, Å from the grid's corner; may lie outside the cell
    spread: NDArray[np.float64]  # (k,) | squared radius of gyration, Å²
    peaked: NDArray[np.bool_]  # (k,) | whether the density has a local maximum in the region


def measure(
    labels: NDArray[np.int32],
    species: NDArray[np.int64],
    density: NDArray[np.float32],
    maxima: NDArray[np.bool_],
    height: NDArray[np.float64],
    grid: VoxelGrid,
) -> Regions:
    """Measure size, centroid, spread and peak of the k regions in ``labels``.

    Args:
        labels: the region of each voxel, 1 … k, or 0 for none, (nx, ny, nz).
        species: atomic number of each region, (k,).
        density: e/Å³, (nx, ny, nz).
        maxima: the density's local maxima, (nx, ny, nz).
        height: a local maximum counts as the region's peak from this density on, e/Å³, (k,).
        grid: the grid of the map.
    """
    return Regions(species, *_measure(labels, density, maxima, height, grid.steps, grid.wraps))


@numba.njit(cache=True, error_model="numpy")
def _root(parent, i):  # type: ignore[no-untyped-def]
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@numba.njit(cache=True, error_model="numpy")
def _join(parent, i, j):  # type: ignore[no-untyped-def]
    i, j = _root(parent, i), _root(parent, j)
    if i < j:
        parent[j] = i
    else:
        parent[i] = j


@numba.njit(cache=True, error_model="numpy")
def label(species, wraps):  # type: ignore[no-untyped-def]
    """Label 6-connected regions of equal, non-zero species; they continue across the faces if the grid ``wraps``.

    Takes ``species``, (nx, ny, nz) uint8.  Returns ``labels``, (nx, ny, nz) int32, 0 where the species is 0 and
    1 … count elsewhere, and ``count``.
    """
    nx, ny, nz = species.shape
    parent = np.arange(nx * ny * nz)
    for x in range(nx):
        for y in range(ny):
            for z in range(nz):
                kind = species[x, y, z]
                if kind == 0:
                    continue
                here = (x * ny + y) * nz + z
                # one neighbour along each axis, the one before (a negative index crosses the face)
                if (z > 0 or wraps) and species[x, y, z - 1] == kind:
                    _join(parent, here, (x * ny + y) * nz + (z - 1) % nz)
                if (y > 0 or wraps) and species[x, y - 1, z] == kind:
                    _join(parent, here, (x * ny + (y - 1) % ny) * nz + z)
                if (x > 0 or wraps) and species[x - 1, y, z] == kind:
                    _join(parent, here, ((x - 1) % nx * ny + y) * nz + z)
    labels = np.zeros((nx, ny, nz), np.int32)
    name = np.zeros(nx * ny * nz, np.int32)
    count = 0
    for x in range(nx):
        for y in range(ny):
            for z in range(nz):
                if species[x, y, z] == 0:
                    continue
                top = _root(parent, (x * ny + y) * nz + z)
                if name[top] == 0:
                    count += 1
                    name[top] = count
                labels[x, y, z] = name[top]
    return labels, count


@numba.njit(cache=True, error_model="numpy")
def local_maxima(density, wraps):  # type: ignore[no-untyped-def]
    """Voxels that are at least as high as their 26 neighbours and higher than one of them, (nx, ny, nz) bool."""
    nx, ny, nz = density.shape
    out = np.zeros((nx, ny, nz), np.bool_)
    for x in range(nx):
        for y in range(ny):
            for z in range(nz):
                here = density[x, y, z]
                lower = False
                highest = True
                for dx in range(-1, 2):
                    for dy in range(-1, 2):
                        for dz in range(-1, 2):
                            i, j, k = x + dx, y + dy, z + dz
                            if wraps:
                                i, j, k = i % nx, j % ny, k % nz
                            elif not (0 <= i < nx and 0 <= j < ny and 0 <= k < nz):
                                continue
                            other = density[i, j, k]
                            if other > here:
                                highest = False
                                break
                            if other < here:
                                lower = True
                        if not highest:
                            break
                    if not highest:
                        break
                out[x, y, z] = highest and lower
    return out


@numba.njit(cache=True, error_model="numpy")
def contacts(labels, count, wraps):  # type: ignore[no-untyped-def]
    """Number of voxel faces that each pair of regions shares, (count + 1, count + 1) int64, symmetric."""
    nx, ny, nz = labels.shape
    out = np.zeros((count + 1, count + 1), np.int64)
    for x in range(nx):
        for y in range(ny):
            for z in range(nz):
                a = labels[x, y, z]
                if a == 0:
                    continue
                for axis in range(3):
                    i, j, k = x + (axis == 0), y + (axis == 1), z + (axis == 2)
                    if wraps:
                        i, j, k = i % nx, j % ny, k % nz
                    elif i >= nx or j >= ny or k >= nz:
                        continue
                    b = labels[i, j, k]
                    if b != 0 and b != a:
                        out[a, b] += 1
                        out[b, a] += 1
    return out


@numba.njit(cache=True, error_model="numpy")
def _circular_means(labels, count):  # type: ignore[no-untyped-def]
    """Circular mean of each region's voxel centres along each axis, in voxels, (count, 3)."""
    shape = labels.shape
    turn = np.zeros((count, 3, 2), np.float64)
    cosine = np.ones((3, max(shape)), np.float64)
    sine = np.zeros((3, max(shape)), np.float64)
    for axis in range(3):
        for j in range(shape[axis]):
            angle = 2.0 * np.pi * (j + 0.5) / shape[axis]
            cosine[axis, j], sine[axis, j] = np.cos(angle), np.sin(angle)
    for x in range(shape[0]):
        for y in range(shape[1]):
            for z in range(shape[2]):
                i = labels[x, y, z] - 1
                if i >= 0:
                    for axis, j in enumerate((x, y, z)):
                        turn[i, axis, 0] += cosine[axis, j]
                        turn[i, axis, 1] += sine[axis, j]
    out = np.zeros((count, 3), np.float64)
    for i in range(count):
        for axis in range(3):
            out[i, axis] = np.arctan2(turn[i, axis, 1], turn[i, axis, 0]) / (2.0 * np.pi) * shape[axis]
    return out


@numba.njit(cache=True, error_model="numpy")
def _measure(labels, density, maxima, height, steps, wraps):  # type: ignore[no-untyped-def]
    shape = labels.shape
    count = len(height)
    voxels = np.zeros(count, np.int64)
    centre = np.zeros((count, 3), np.float64)
    spread = np.zeros(count, np.float64)
    peaked = np.zeros(count, np.bool_)
    # if the grid wraps, distances are measured from the circular mean of the region's voxels
    origin = _circular_means(labels, count) if wraps else np.zeros((count, 3), np.float64)
    first = np.zeros((count, 3), np.float64)
    second = np.zeros(count, np.float64)
    d = np.empty(3, np.float64)
    for x in range(shape[0]):
        for y in range(shape[1]):
            for z in range(shape[2]):
                i = labels[x, y, z] - 1
                if i < 0:
                    continue
                voxels[i] += 1
                peaked[i] |= maxima[x, y, z] and density[x, y, z] >= height[i]
                for axis, j in enumerate((x, y, z)):
                    d[axis] = j + 0.5 - origin[i, axis]
                    if wraps:
                        d[axis] -= shape[axis] * np.floor(d[axis] / shape[axis] + 0.5)
                # these terms are 0 for a diagonal cell
                d[0] = d[0] * steps[0, 0] + d[1] * steps[1, 0] + d[2] * steps[2, 0]
                d[1] = d[1] * steps[1, 1] + d[2] * steps[2, 1]
                d[2] = d[2] * steps[2, 2]
                for axis in range(3):
                    first[i, axis] += d[axis]
                    second[i] += d[axis] * d[axis]
    for i in range(count):
        spread[i] = second[i] / voxels[i]
        for axis in range(3):
            mean = first[i, axis] / voxels[i]
            edge = steps[axis, 0] ** 2 + steps[axis, 1] ** 2 + steps[axis, 2] ** 2
            spread[i] += (
                edge / 12.0 - mean * mean
            )  # the first term is the spread within a voxel, which is a box
            centre[i, axis] = mean
            for other in range(3):
                centre[i, axis] += origin[i, other] * steps[other, axis]
    return voxels, centre, spread, peaked
