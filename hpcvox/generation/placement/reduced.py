"""Maps of an oblique cell in the setting of its shortest vectors, where neighbours on the grid are near.

Another choice of the lattice's vectors is another order of the same n³ voxels, and exact: where the new vectors are T
times the old ones, with whole numbers T of determinant 1, voxel m of the new grid is voxel m T of the old one.
"""

from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from hpcvox.crystals.checks import oriented
from hpcvox.crystals.images import reduction

T = TypeVar("T", bound=np.generic)


class Setting(NamedTuple):
    """The reduced setting of a cell."""

    change: NDArray[np.float64]  # (3, 3) | T: reduced vectors in terms of the cell's
    lattice: NDArray[np.float64]  # (3, 3) | the reduced cell's rows in Å, a along x and b in the xy plane

    @classmethod
    def of(cls, lattice: NDArray[np.float64]) -> "Setting":
        """That of the cell with the rows ``lattice``; a diagonal cell's own.

        Raises:
            Rejected: ``cell``, where the rows do not span a volume.
        """
        setting = cls(reduction(lattice), lattice)
        return setting if setting.own else cls(setting.change, oriented(setting.change @ lattice))

    @property
    def own(self) -> bool:
        """Whether it is the cell's own."""
        return bool((self.change == np.eye(3)).all())

    def unfold(self, field: NDArray[T]) -> NDArray[T]:
        """A field on the cell's grid, (n, n, n), on that of the reduced one."""
        if self.own:
            return field
        n = field.shape[0]
        m = np.arange(n)
        change = self.change.astype(np.intp)
        i, j, k = (
            (m[:, None, None] * change[0, axis] + m[:, None] * change[1, axis] + m * change[2, axis]) % n
            for axis in range(3)
        )
        unfolded: NDArray[T] = field[i, j, k]
        return unfolded

    def fold(self, frac: NDArray[np.float64], n: int) -> NDArray[np.float64]:
        """Fractional coordinates (k, 3) on the reduced grid as those in the cell, not brought into [0, 1).

        The centre of the first voxel, half a step along all three vectors, is the same in both and has other
        coordinates in each.
        """
        if self.own:
            return frac
        return (frac - 0.5 / n) @ self.change + 0.5 / n
