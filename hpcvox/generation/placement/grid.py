"""Positions and distances of the voxels of a map."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hpcvox.crystals.images import IMAGES, is_diagonal, squared_distances
from hpcvox.descriptors.grids import BOXES, Grid


@dataclass(frozen=True)
class VoxelGrid:
    """The grid of the n³ voxels of a map.  Positions on it are in Å from its corner."""

    lattice: NDArray[np.float64]
    """(3, 3): rows of a reduced cell in Å, a along x and b in the xy plane; right-angled if the grid is padded."""

    kind: Grid
    n: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """How many voxels there are along each of the three vectors."""
        return self.n, self.n, self.n

    @property
    def wraps(self) -> bool:
        """Whether opposite faces of the grid are neighbours (a periodic map)."""
        return BOXES[self.kind].wraps

    @property
    def origin(self) -> float:
        """Coordinate of the grid's corner along each axis, in units of the cell."""
        return BOXES[self.kind].origin

    @cached_property
    def steps(self) -> NDArray[np.float64]:
        """The edges of a voxel in Å, rows, (3, 3)."""
        return self.lattice * BOXES[self.kind].extent / self.n

    @cached_property
    def longest_step(self) -> float:
        """Å."""
        return float(np.linalg.norm(self.steps, axis=1).max())

    @cached_property
    def voxel_volume(self) -> float:
        """Å³."""
        return float(np.diagonal(self.steps).prod())

    @cached_property
    def right_angled(self) -> bool:
        """Whether the voxels are boxes along x, y and z."""
        return is_diagonal(self.lattice)

    def distances(self, apart: NDArray[np.float64]) -> NDArray[np.float64]:
        """Lengths in Å, (...), of the vectors ``apart``, (..., 3) in Å; to the nearest image if the grid wraps."""
        if self.wraps:
            whole = self.steps * self.n
            nearest: NDArray[np.float64] = np.sqrt(
                squared_distances(fractional(apart, whole), whole).min(axis=-1)
            )
        else:
            nearest = np.linalg.norm(apart, axis=-1)
        return nearest

    def way(self, start: NDArray[np.intp], end: NDArray[np.intp]) -> NDArray[np.intp]:
        """The shortest vectors from ``start`` to ``end``, (..., 3), in voxels; across the faces if the grid wraps."""
        apart = end - start
        if not self.wraps:
            return apart
        apart -= np.rint(apart / self.shape).astype(np.intp) * self.shape
        if self.right_angled:
            return apart
        best, least = apart, np.square(apart @ self.steps).sum(axis=-1)
        for image in IMAGES.astype(np.intp) * self.shape:
            squared = np.square((apart + image) @ self.steps).sum(axis=-1)
            nearer = squared < least
            best = np.where(nearer[..., None], apart + image, best)
            least = np.where(nearer, squared, least)
        return best


def fractional(positions: NDArray[np.float64], lattice: NDArray[np.float64]) -> NDArray[np.float64]:
    """Convert positions in Å, (..., 3), to units of the cell, whose a is along x and b in the xy plane.

    Solved by substitution, so that for a diagonal cell the results are exactly the quotients by its lengths.
    """
    out = np.empty(positions.shape)
    out[..., 2] = positions[..., 2] / lattice[2, 2]
    out[..., 1] = (positions[..., 1] - out[..., 2] * lattice[2, 1]) / lattice[1, 1]
    left = positions[..., 0] - out[..., 1] * lattice[1, 0] - out[..., 2] * lattice[2, 0]
    out[..., 0] = left / lattice[0, 0]
    return out
