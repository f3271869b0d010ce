"""Cells that GPAW computes rightly."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from hpcvox.errors import Rejected

MIN_ANGLE: Final = 40.0
"""Degrees; GPAW's results are wrong in cells with sharper angles (or blunter than 180° less this)."""


def refuse_sharp(lattice: NDArray[np.float64], advice: str = "") -> None:
    """See that no angle of the cell (3, 3) is too sharp.

    Raises:
        Rejected: ``sharp-cell``; its message ends with ``advice``.
    """
    unit = lattice / np.linalg.norm(lattice, axis=1)[:, None]
    if np.abs((unit @ unit.T)[np.triu_indices(3, 1)]).max() > np.cos(np.radians(MIN_ANGLE)):
        raise Rejected(
            "sharp-cell",
            f"an angle of the cell is below {MIN_ANGLE:g}° or above {180 - MIN_ANGLE:g}°{advice}",
        )
