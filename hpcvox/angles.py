"""Says how far the angles of cells are from 90°."""

import numpy as np
from numpy.typing import NDArray


def largest_cosine(cells: NDArray[np.float64]) -> float:
    """The largest |cos| of the angles of a cell (3, 3), or of all angles of several (..., 3, 3); 0 if there is none."""
    unit = cells / np.linalg.norm(cells, axis=-1, keepdims=True)
    cosines = unit @ np.swapaxes(unit, -1, -2) - np.eye(3)
    return float(np.abs(cosines).max(initial=0))
