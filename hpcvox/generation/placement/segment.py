"""Voxels to atoms: segmentation of decoded maps into sites (after Court et al. 2020)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hpcvox.crystals.images import is_diagonal, squared_distances
from hpcvox.descriptors.grids import BOXES, Grid
from hpcvox.descriptors.radii import MAX_Z, RADII
from hpcvox.errors import Rejected
from hpcvox.generation.placement import regions
from hpcvox.generation.placement.reduced import Setting
from hpcvox.generation.placement.refine import fractional, refine
from hpcvox.generation.placement.regions import Regions
from hpcvox.generation.placement.split import MAX_COMPACTNESS, MAX_FILL, OWN_SHARE, compactness, split

MASK_THRESHOLD = 0.8
DROP_VOXELS = 3
MAX_SITES = 64
MAX_REGIONS = 2000
"""More raw regions than this are noise; the bound keeps time and memory small."""

FRAGMENT = 0.3
"""A region of less than this share of its species' sphere is a part of the region it touches most."""

ONE_SPHERE = 0.55
"""Touching regions whose centres are nearer than this share of their radii's sum are parts of one sphere.
The nearest real neighbours of the three classes have 0.69."""

MIN_HEIGHT = 0.2
"""A maximum counts as a site's where it reaches this share of the greatest voxel of the species' own Gaussian."""

MERGE_DISTANCE = 0.5
"""Images of one site in a padded box, folded into the cell, lie within this (Å)."""


class Placed(NamedTuple):
    """The atoms found: cell rows in Å (3, 3), coordinates in [0, 1) (k, 3), atomic numbers (k,)."""

    lattice: NDArray[np.float64]
    frac: NDArray[np.float64]
    numbers: NDArray[np.uint8]


def place(
    density: NDArray[np.float32],
    species: NDArray[np.uint8],
    mask_probability: NDArray[np.float32],
    lattice: NDArray[np.float64],
    grid: Grid = "periodic",
    *,
    mask_threshold: float = MASK_THRESHOLD,
    drop_voxels: int = DROP_VOXELS,
    max_sites: int = MAX_SITES,
    widths: NDArray[np.float64] = RADII,
) -> Placed:
    """Atoms of a voxel map.

    Voxels with a mask probability of at least ``mask_threshold`` form 6-connected regions of one
    species (joined across the faces of a periodic grid).  A region too small for its species joins the
    neighbour it touches most.  One of at most ``drop_voxels`` voxels that touches none is dropped
    unless the density has a maximum there: a small ion has one even if it fills a single voxel.
    Regions that are not compact are split.  Species: the majority's.  Position: the density-weighted
    centroid.

    The map of an oblique cell is looked at in the setting of its shortest vectors, where neighbours on
    the grid are near each other.

    Args:
        density: e/Å³, (n, n, n); negative values count as 0.
        species: the most probable atomic number that is not background, (n, n, n).
        mask_probability: (n, n, n).
        lattice: the cell's rows in Å, (3, 3): a along x and b in the xy plane; diagonal on a padded grid.
        widths: σ of the density's Gaussians in Å by atomic number.

    Raises:
        Rejected: ``not-finite``, ``no-cell``, ``empty``, ``too-many-sites``.
    """
    if not (np.isfinite(density).all() and np.isfinite(mask_probability).all()):
        raise Rejected("not-finite", "the density or the mask holds values that are not finite")
    box = BOXES[grid]
    if not (
        np.isfinite(lattice).all() and (np.diagonal(lattice) > 0).all() and not np.triu(lattice, 1).any()
    ):
        raise Rejected(
            "no-cell", f"the rows {lattice.tolist()} are no cell with a along x and b in the xy plane"
        )
    if not (box.wraps or is_diagonal(lattice)):
        raise Rejected(
            "no-cell", f"the {grid} grid has right angles, and the cell {lattice.tolist()} has not"
        )
    n = density.shape[0]
    setting = Setting.of(lattice)
    density, species, mask_probability = (
        setting.unfold(density),
        setting.unfold(species),
        setting.unfold(mask_probability),
    )
    steps = setting.lattice * box.extent / n
    density = np.maximum(density, 0, dtype=np.float32)
    occupied = np.where((mask_probability >= mask_threshold) & (species <= MAX_Z), species, 0).astype(
        np.uint8
    )
    found = _segment(occupied, density, steps, box.wraps, drop_voxels, max_sites, widths)
    if len(found.species) == 0:
        raise Rejected("empty", f"no region of more than {drop_voxels} voxels or with a density maximum")
    if len(found.species) > max_sites:
        raise Rejected(
            "too-many-sites", f"{len(found.species)} regions; at most {max_sites} sites are placed"
        )
    numbers = found.species.astype(np.uint8)
    positions = refine(found.centre, numbers, density, setting.lattice, grid, widths)
    cells = setting.fold(fractional(positions, setting.lattice), n) + box.origin
    frac, numbers = _fold(cells, numbers, found.voxels, lattice, box.wraps)
    return Placed(lattice, frac, numbers)


def _segment(
    occupied: NDArray[np.uint8],
    density: NDArray[np.float32],
    steps: NDArray[np.float64],
    wraps: bool,
    drop_voxels: int,
    max_sites: int,
    widths: NDArray[np.float64],
) -> Regions:
    """The regions, one a site."""
    labels, count = regions.label(occupied, wraps)
    if count > MAX_REGIONS:
        raise Rejected("too-many-sites", f"{count} separate regions of one species: the map is noise")
    if count == 0:
        raise Rejected(
            "empty", "no voxel is occupied: the mask probability is below its threshold everywhere"
        )
    maxima = regions.local_maxima(density, wraps)
    volume = float(np.diagonal(steps).prod())
    found = _measure(labels, count, occupied, density, maxima, steps, wraps, widths)
    ball = 4 / 3 * np.pi * RADII[found.species] ** 3 / volume  # voxels of a whole sphere
    fragment = found.voxels < FRAGMENT * ball
    fragment |= (found.voxels <= drop_voxels) & ~found.peaked
    if fragment.any():
        keep = _absorb(found, fragment, regions.contacts(labels, count, wraps), drop_voxels)
        labels, count = _renumber(labels, keep)
        found = _measure(labels, count, occupied, density, maxima, steps, wraps, widths)
    radius = RADII[found.species]
    volumes = found.voxels * volume
    wide = compactness(found.spread, volumes) > MAX_COMPACTNESS
    spheres = volumes / (4 / 3 * np.pi * radius**3)
    wide = (wide & (spheres > 2 * OWN_SHARE)) | (spheres > MAX_FILL)
    if wide.any() and count <= max_sites:
        empty = labels == 0
        for index in np.flatnonzero(wide):
            region = labels == index + 1
            parts = split(region, empty, maxima, density, float(radius[index]), steps, wraps)
            for part in range(2, parts.max() + 1):
                count += 1
                labels[parts == part] = count
        found = _measure(labels, count, occupied, density, maxima, steps, wraps, widths)
    joined = _one_sphere(found, labels, steps, wraps) if count <= 4 * max_sites else None
    if joined is not None:
        labels, count = _renumber(labels, joined)
        found = _measure(labels, count, occupied, density, maxima, steps, wraps, widths)
    return found


def _measure(
    labels: NDArray[np.int32],
    count: int,
    occupied: NDArray[np.uint8],
    density: NDArray[np.float32],
    maxima: NDArray[np.bool_],
    steps: NDArray[np.float64],
    wraps: bool,
    widths: NDArray[np.float64],
) -> Regions:
    """The regions, each of its majority's species (the lightest of equals)."""
    votes = np.bincount(
        labels.ravel() * np.int64(MAX_Z + 1) + occupied.ravel(), minlength=(count + 1) * (MAX_Z + 1)
    )
    species = votes.reshape(count + 1, MAX_Z + 1)[1:].argmax(axis=1)
    # along an axis whose voxels are longer than the Gaussian is wide, one voxel holds nearly all of it
    peak = 1 / np.maximum(np.sqrt(2 * np.pi) * widths[species][:, None], np.diagonal(steps))
    height = MIN_HEIGHT * species * peak.prod(axis=1)
    return regions.measure(labels, species, density, maxima, height, steps, wraps)


def _absorb(
    found: Regions, fragment: NDArray[np.bool_], contacts: NDArray[np.int64], drop_voxels: int
) -> NDArray[np.intp]:
    """Name (from 1; 0 to drop) of the region that each region becomes part of, smallest fragments first."""
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


def _one_sphere(
    found: Regions, labels: NDArray[np.int32], steps: NDArray[np.float64], wraps: bool
) -> NDArray[np.intp] | None:
    """Like :func:`_absorb`, for parts of one sphere that the network gave two species.

    None where there are none.
    """
    radius = RADII[found.species]
    apart = found.centre[:, None] - found.centre[None]
    if wraps:
        cell = steps * np.array(labels.shape)[:, None]
        distance = np.sqrt(squared_distances(fractional(apart, cell), cell).min(axis=-1))
    else:
        distance = np.linalg.norm(apart, axis=-1)
    near = distance < ONE_SPHERE * (radius[:, None] + radius)
    near &= ~(found.peaked[:, None] & found.peaked)
    pairs = np.argwhere(np.triu(near, 1))
    if not len(pairs):
        return None
    touching = regions.contacts(labels, len(found.species), wraps)
    becomes = np.arange(1, len(found.species) + 1)
    for i, j in pairs:
        if touching[i + 1, j + 1]:
            becomes[becomes == becomes[j]] = becomes[i]
    return becomes


def _renumber(labels: NDArray[np.int32], becomes: NDArray[np.intp]) -> tuple[NDArray[np.int32], int]:
    """``labels`` with each region's new name, the names made 1 … count without gaps."""
    kept = np.unique(becomes[becomes > 0])
    name = np.zeros(len(becomes) + 1, np.int32)
    name[1:] = np.where(becomes > 0, np.searchsorted(kept, becomes) + 1, 0)
    return name[labels], len(kept)


def _fold(
    cells: NDArray[np.float64],
    numbers: NDArray[np.uint8],
    voxels: NDArray[np.int64],
    lattice: NDArray[np.float64],
    wraps: bool,
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Sites in the cell [0, 1), in a fixed order; images of one site in a padded box count once.

    Only sites from different cells of the box can be images: two sites of one cell that are too close
    stay, for the validity check to judge.  The image with the most voxels is kept.
    """
    cell = np.floor(np.round(cells, 9))
    frac = cells - cell
    frac[(frac < 0) | (frac >= 1)] = 0.0
    if not wraps:
        keep: list[int] = []
        for i in np.argsort(-voxels, kind="stable"):
            apart = frac[keep] - frac[i]
            distance = np.linalg.norm((apart - np.rint(apart)) @ lattice, axis=-1)
            if not ((distance < MERGE_DISTANCE) & (cell[keep] != cell[i]).any(axis=-1)).any():
                keep.append(int(i))
        frac, numbers = frac[keep], numbers[keep]
    order = np.lexsort((*np.round(frac.T[::-1], 4), numbers))
    return frac[order], numbers[order]
