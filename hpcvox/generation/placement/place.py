"""Places the atoms of a crystal in its decoded maps (after Court et al. 2020)."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hpcvox.crystals.images import is_diagonal
from hpcvox.descriptors.grids import BOXES, Grid
from hpcvox.descriptors.radii import MAX_Z, RADII
from hpcvox.errors import Rejected
from hpcvox.generation.placement.grid import VoxelGrid, fractional
from hpcvox.generation.placement.reduced import ReducedCell
from hpcvox.generation.placement.refine import refine
from hpcvox.generation.placement.segment import segment
from hpcvox.generation.placement.voxel_map import VoxelMap
from hpcvox.generation.settings import PlacementRules, PlacementSettings

DEFAULTS: Final = PlacementSettings().rules(by_unet=True)

MERGE_DISTANCE = 0.5
"""Periodic images of one site in a padded box, moved into the cell, are at most this far apart, in Å."""


class Placed(NamedTuple):
    """The placed atoms: cell rows in Å (3, 3), fractional coordinates in [0, 1) (k, 3), atomic numbers (k,)."""

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
    widths: NDArray[np.float64] = RADII,
    rules: PlacementRules = DEFAULTS,
) -> Placed:
    """Place the atoms of a voxel map.

    Voxels with a mask probability of at least ``mask_threshold`` form 6-connected regions of one species, which
    continue across the faces of a periodic grid.  A region too small for its species joins the neighbour that it
    touches most.  If it touches none and has at most ``drop_voxels`` voxels or ``drop_volume``, it is removed, unless
    the density has a maximum there: a small ion has one even if it fills a single voxel.  Regions that are not compact
    are split.  The species of a region is that of most of its voxels; its position is the density-weighted centroid.
    The map of an oblique cell is first reordered to the grid of its reduced cell.

    Args:
        density: e/Å³, (n, n, n); negative values count as 0.
        species: the most probable atomic number that is not background, (n, n, n).
        mask_probability: (n, n, n).
        lattice: the cell's rows in Å, (3, 3): a along x and b in the xy plane; diagonal on a padded grid.
        grid: which box around the cell the map shows.
        widths: σ of the density's Gaussians in Å by atomic number.
        rules: what counts as a site, and how many sites there may be.

    Raises:
        Rejected: ``not-finite``, ``no-cell``, ``empty``, ``too-many-sites``.
    """
    _check(density, mask_probability, lattice, grid)
    reduced = ReducedCell.of(lattice)
    n = density.shape[0]
    species, mask_probability = reduced.reordered(species), reduced.reordered(mask_probability)
    occupied = (mask_probability >= rules.mask_threshold) & (species <= MAX_Z)
    voxels = VoxelMap(
        VoxelGrid(reduced.lattice, grid, n),
        np.maximum(reduced.reordered(density), 0, dtype=np.float32),
        np.where(occupied, species, 0).astype(np.uint8),
        widths,
    )
    found = segment(voxels, rules)
    numbers = found.species.astype(np.uint8)
    positions = refine(found.centre, numbers, voxels)
    sites = reduced.in_given(fractional(positions, reduced.lattice), n) + voxels.grid.origin
    return Placed(lattice, *_in_cell(sites, numbers, found.voxels, lattice, voxels.grid.wraps))


def _check(
    density: NDArray[np.float32],
    mask_probability: NDArray[np.float32],
    lattice: NDArray[np.float64],
    grid: Grid,
) -> None:
    """Raise :class:`Rejected` if no atoms can be placed in this map or cell."""
    if not (np.isfinite(density).all() and np.isfinite(mask_probability).all()):
        raise Rejected("not-finite", "the density or the mask holds values that are not finite")
    if not (
        np.isfinite(lattice).all() and (np.diagonal(lattice) > 0).all() and not np.triu(lattice, 1).any()
    ):
        raise Rejected(
            "no-cell", f"the rows {lattice.tolist()} are no cell with a along x and b in the xy plane"
        )
    if not (BOXES[grid].wraps or is_diagonal(lattice)):
        raise Rejected(
            "no-cell", f"the {grid} grid has right angles, and the cell {lattice.tolist()} has not"
        )


def _in_cell(
    sites: NDArray[np.float64],
    numbers: NDArray[np.uint8],
    voxels: NDArray[np.int64],
    lattice: NDArray[np.float64],
    wraps: bool,
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Move sites into the cell, [0, 1), in a fixed order, and keep one image of each site in a padded box.

    Only sites from different cells of the box can be images of each other.  Two sites of one cell that are too close
    both stay; the validity check will reject them.  The image with the most voxels is kept.
    """
    cell = np.floor(np.round(sites, 9))
    frac = sites - cell
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
