"""The 24 proper rotations of a cube, as exact permutations of voxels."""

import itertools
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T", bound=np.generic)


class Rotation(NamedTuple):
    """A rotation: new axis i is old axis ``axes[i]``, reversed if ``flips[i]``."""

    axes: tuple[int, int, int]
    flips: tuple[bool, bool, bool]

    @property
    def matrix(self) -> NDArray[np.float64]:
        """The rotation of column vectors, (3, 3): determinant +1, entries 0 and ±1."""
        out = np.zeros((3, 3))
        for i, (axis, flip) in enumerate(zip(self.axes, self.flips, strict=True)):
            out[i, axis] = -1.0 if flip else 1.0
        return out


ROTATIONS: tuple[Rotation, ...] = tuple(
    rotation
    for axes in itertools.permutations((0, 1, 2))
    for flips in itertools.product((False, True), repeat=3)
    if np.linalg.det((rotation := Rotation(axes, flips)).matrix) > 0  # type: ignore[arg-type]
)
"""All 24; the first is the identity."""


def rotate(voxels: NDArray[T], rotation: Rotation) -> NDArray[T]:
    """A view of ``voxels``, (..., n, n, n), rotated about the centre of the box.

    Voxel centres move to voxel centres, so the result is exact.  Fractional coordinates become R (x - 1/2) + 1/2, and
    cell lengths are exchanged like the axes.
    """
    first = voxels.ndim - 3
    out = voxels.transpose(*range(first), *(first + axis for axis in rotation.axes))
    index = [slice(None)] * first + [slice(None, None, -1 if flip else 1) for flip in rotation.flips]
    turned: NDArray[T] = out[tuple(index)]
    return turned
