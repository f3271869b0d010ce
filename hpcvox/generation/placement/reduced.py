"""Reorders maps of an oblique cell to the grid of its shortest lattice vectors, where grid neighbours are near.

Another choice of lattice vectors only reorders the same n³ voxels, so no value changes.  If the new vectors are T times
the old ones, T being an integer matrix with determinant 1, then voxel m of the new grid is voxel m T of the old one.
"""

from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from hpcvox.crystals.checks import oriented
from hpcvox.crystals.images import reduction

T = TypeVar("T", bound=np.generic)


class ReducedCell(NamedTuple):
    """The reduced cell of a given cell: the shortest vectors that span the same lattice."""

    change: NDArray[np.float64]  # (3, 3) | T: reduced vectors in terms of the given cell's
    lattice: NDArray[np.float64]  # (3, 3) | the reduced cell's rows in Å, a along x and b in the xy plane

    @classmethod
    def of(cls, lattice: NDArray[np.float64]) -> "ReducedCell":
        """Reduce the cell with the rows ``lattice``, (3, 3) in Å; a diagonal cell stays as it is.

        Raises:
            Rejected: ``cell``, if the rows do not span a volume.
        """
        reduced = cls(reduction(lattice), lattice)
        return reduced if reduced.is_given else cls(reduced.change, oriented(reduced.change @ lattice))

    @property
    def is_given(self) -> bool:
        """Whether the given cell was reduced already."""
        return bool((self.change == np.eye(3)).all())

    def reordered(self, field: NDArray[T]) -> NDArray[T]:
        """Reorder a field, (n, n, n), from the given cell's grid to the reduced cell's grid."""
        if self.is_given:
            return field
        n = field.shape[0]
        m = np.arange(n)
        change = self.change.astype(np.intp)
        i, j, k = (
            (m[:, None, None] * change[0, axis] + m[:, None] * change[1, axis] + m * change[2, axis]) % n
            for axis in range(3)
        )
        on_reduced: NDArray[T] = field[i, j, k]
        return on_reduced

    def in_given(self, frac: NDArray[np.float64], n: int) -> NDArray[np.float64]:
        """Convert coordinates, (k, 3), from units of the reduced cell to those of the given cell, without wrapping.

        Both grids begin with the same voxel, whose centre has the coordinates 0.5/n in either cell.  So the corners of
        the two cells are different points.
        """
        if self.is_given:
            return frac
        return (frac - 0.5 / n) @ self.change + 0.5 / n
