"""Finds the voxels of each site: joins and cuts regions of one species until each has the size of one ion."""

import numpy as np
from numpy.typing import NDArray

from hpcvox.descriptors.radii import MAX_Z, RADII
from hpcvox.errors import Rejected
from hpcvox.generation.placement import regions
from hpcvox.generation.placement.grid import VoxelGrid
from hpcvox.generation.placement.regions import Regions
from hpcvox.generation.placement.split import MAX_COMPACTNESS, MAX_FILL, OWN_SHARE, compactness, split
from hpcvox.generation.placement.voxel_map import VoxelMap
from hpcvox.generation.settings import PlacementRules

MAX_REGIONS = 2000
"""A map with more raw regions than this is noise; the limit bounds time and memory."""

FRAGMENT = 0.3
"""A region smaller than this share of its species' sphere becomes part of the region that it touches most."""

ONE_SPHERE = 0.55
"""Touching regions whose centres are nearer than this share of the sum of their radii are parts of one sphere.
In crystals of the three classes of Court et al. the nearest neighbours have 0.69."""

MIN_HEIGHT = 0.2
"""A maximum counts as a site if it reaches this share of the highest voxel of the species' Gaussian."""

Labels = NDArray[np.int32]
"""(n, n, n): the number of the region of each voxel, from 1; 0: no region."""


def segment(voxels: VoxelMap, rules: PlacementRules) -> Regions:
    """Find the regions of a map, one for each site.

    Raises:
        Rejected: ``empty``, ``too-many-sites``.
    """
    labels, count = regions.label(voxels.species, voxels.grid.wraps)
    if count > MAX_REGIONS:
        raise Rejected("too-many-sites", f"{count} separate regions of one species: the map is noise")
    if count == 0:
        raise Rejected(
            "empty", "no voxel is occupied: the mask probability is below its threshold everywhere"
        )
    found = _measured(labels, count, voxels)
    drop = max(rules.drop_voxels, int(rules.drop_volume / voxels.grid.voxel_volume))
    labels, found = _without_fragments(labels, found, voxels, drop)
    labels, found = _cut_apart(labels, found, voxels, rules.max_sites)
    found = _with_whole_spheres(labels, found, voxels, rules.max_sites)
    if len(found.species) == 0:
        raise Rejected("empty", f"no region of more than {drop} voxels or with a density maximum")
    if len(found.species) > rules.max_sites:
        raise Rejected(
            "too-many-sites", f"{len(found.species)} regions; at most {rules.max_sites} sites are placed"
        )
    return found


def _measured(labels: Labels, count: int, voxels: VoxelMap) -> Regions:
    """Measure the regions; the species of each is that of most of its voxels (the lightest of several)."""
    votes = np.bincount(
        labels.ravel() * np.int64(MAX_Z + 1) + voxels.species.ravel(), minlength=(count + 1) * (MAX_Z + 1)
    )
    species = votes.reshape(count + 1, MAX_Z + 1)[1:].argmax(axis=1)
    # along an axis on which a voxel is longer than the Gaussian is wide, one voxel holds nearly all of it
    width = np.sqrt(2 * np.pi) * voxels.widths[species][:, None]
    peak = 1 / np.maximum(width, np.diagonal(voxels.grid.steps))
    height = MIN_HEIGHT * species * peak.prod(axis=1)
    return regions.measure(labels, species, voxels.density, voxels.maxima, height, voxels.grid)


def _renamed(labels: Labels, becomes: NDArray[np.intp], voxels: VoxelMap) -> tuple[Labels, Regions]:
    """Make each region a part of the one that ``becomes`` names, and measure the result."""
    labels, count = _renumber(labels, becomes)
    return labels, _measured(labels, count, voxels)


def _without_fragments(
    labels: Labels, found: Regions, voxels: VoxelMap, drop_voxels: int
) -> tuple[Labels, Regions]:
    """Join each region that is too small for its species to another one, or remove it."""
    sphere = 4 / 3 * np.pi * RADII[found.species] ** 3 / voxels.grid.voxel_volume  # in voxels
    fragment = found.voxels < FRAGMENT * sphere
    fragment |= (found.voxels <= drop_voxels) & ~found.peaked
    if not fragment.any():
        return labels, found
    touching = regions.contacts(labels, len(found.species), voxels.grid.wraps)
    return _renamed(labels, _absorb(found, fragment, touching, drop_voxels), voxels)


def _cut_apart(labels: Labels, found: Regions, voxels: VoxelMap, max_sites: int) -> tuple[Labels, Regions]:
    """Cut the regions that hold several sites; changes ``labels`` in place."""
    radius = RADII[found.species]
    volumes = found.voxels * voxels.grid.voxel_volume
    wide = compactness(found.spread, volumes) > MAX_COMPACTNESS
    spheres = volumes / (4 / 3 * np.pi * radius**3)
    wide = (wide & (spheres > 2 * OWN_SHARE)) | (spheres > MAX_FILL)
    count = len(found.species)
    if count > max_sites or not wide.any():
        return labels, found
    empty = labels == 0
    for index in np.flatnonzero(wide):
        parts = split(labels == index + 1, empty, float(radius[index]), voxels)
        for part in range(2, parts.max() + 1):
            count += 1
            labels[parts == part] = count
    return labels, _measured(labels, count, voxels)


def _with_whole_spheres(labels: Labels, found: Regions, voxels: VoxelMap, max_sites: int) -> Regions:
    """Join parts of one sphere to which the network gave two species."""
    if len(found.species) > 4 * max_sites:  # too many regions to compare all pairs
        return found
    becomes = _one_sphere(found, labels, voxels.grid)
    return found if becomes is None else _renamed(labels, becomes, voxels)[1]


def _absorb(
    found: Regions, fragment: NDArray[np.bool_], contacts: NDArray[np.int64], drop_voxels: int
) -> NDArray[np.intp]:
    """For each region the number (from 1) of the one it joins, or 0 to remove it; smallest fragments first."""
    becomes = np.arange(1, len(found.species) + 1)
    order = np.lexsort((becomes, found.voxels))
    for index in order[fragment[order]]:
        touching = contacts[index + 1].copy()
        touching[[0, index + 1]] = 0
        if touching.any():
            target = int(touching.argmax())
            becomes[becomes == index + 1] = target
            contacts[target] += contacts[index + 1]
            contacts[:, target] += contacts[:, index + 1]
            contacts[index + 1] = contacts[:, index + 1] = 0
        elif found.voxels[index] <= drop_voxels and not found.peaked[index]:
            becomes[becomes == index + 1] = 0
    return becomes


def _one_sphere(found: Regions, labels: Labels, grid: VoxelGrid) -> NDArray[np.intp] | None:
    """Like :func:`_absorb`, for parts of one sphere to which the network gave two species; None if there are none."""
    radius = RADII[found.species]
    distance = grid.distances(found.centre[:, None] - found.centre[None])
    near = distance < ONE_SPHERE * (radius[:, None] + radius)
    near &= ~(found.peaked[:, None] & found.peaked)
    pairs = np.argwhere(np.triu(near, 1))
    if not len(pairs):
        return None
    touching = regions.contacts(labels, len(found.species), grid.wraps)
    becomes = np.arange(1, len(found.species) + 1)
    for i, j in pairs:
        if touching[i + 1, j + 1]:
            becomes[becomes == becomes[j]] = becomes[i]
    return becomes


def _renumber(labels: Labels, becomes: NDArray[np.intp]) -> tuple[Labels, int]:
    """Give each voxel the number of its new region, with numbers 1 … count without gaps."""
    kept = np.unique(becomes[becomes > 0])
    name = np.zeros(len(becomes) + 1, np.int32)
    name[1:] = np.where(becomes > 0, np.searchsorted(kept, becomes) + 1, 0)
    return name[labels], len(kept)
