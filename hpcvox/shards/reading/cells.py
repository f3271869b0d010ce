"""Cells of some samples of a shard set."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpcvox.errors import ShardError
from hpcvox.shards.reading.shard_set import ShardSet


def read_cells(shards: ShardSet, indices: Sequence[int] | NDArray[np.integer[Any]]) -> NDArray[np.float64]:
    """Cell vectors in Å of the samples ``indices``, (B, 3, 3).

    Raises:
        ShardError: a cell is not finite; and as :meth:`ShardSet.read_array`.
    """
    cells: NDArray[np.float64] = shards.read_array("cell", indices)
    if not np.isfinite(cells).all():
        bad = [shards.ids[i] for i, cell in zip(indices, cells, strict=True) if not np.isfinite(cell).all()]
        raise ShardError(
            f"{shards.folder}: the cell of {bad[0]} has a value that is not finite: `hpcvox shards verify` finds what "
            "is damaged"
        )
    return cells
