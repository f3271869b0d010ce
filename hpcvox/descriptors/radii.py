"""Ionic radii, which are the widths of the density's Gaussians and the radii of the species labels."""

import numpy as np
from numpy.typing import NDArray

from hpcvox.errors import Rejected

DEFAULT_RADIUS = 1.20
"""Radius (Å) of an element without a tabulated one: H and the noble gases (Court et al. 2020's code)."""

NONE = DEFAULT_RADIUS
# Mean over oxidation states of pymatgen's `Element.ionic_radii` (Shannon), Å; a test holds the two equal.
# fmt: off
_RADII = (
    NONE, NONE, 0.9, 0.59, 0.41, 0.3, 0.63, 1.26, 0.705, NONE,  # Z 1-10
    1.16, 0.86, 0.675, 0.54, 0.55, 0.88, 0.78, NONE, 1.52, 1.14,  # Z 11-20
    0.885, 0.851667, 0.7775, 0.94, 0.8775, 0.8525, 0.768333, 0.74, 0.82, 0.88,  # Z 21-30
    0.76, 0.77, 0.66, 1.013333, 0.8825, NONE, 1.66, 1.32, 1.04, 0.86,  # Z 31-40
    0.82, 0.775, 0.741667, 0.661, 0.745, 0.84625, 1.086667, 1.09, 0.94, 0.83,  # Z 41-50
    0.83, 1.293333, 1.273333, 0.62, 1.81, 1.49, 1.172, 1.08, 1.06, 1.2765,  # Z 51-60
    1.11, 1.229, 1.1985, 1.075, 0.9815, 1.131, 1.041, 1.03, 1.095, 1.084,  # Z 61-70
    1.001, 0.85, 0.82, 0.766667, 0.7125, 0.673, 0.765, 0.805, 1.07, 1.245,  # Z 71-80
    1.3325, 1.1225, 1.035, 0.945, 0.76, NONE, 1.94, 1.62, 1.26, 1.08,  # Z 81-90
    1.04, 0.99125, 1.0, 0.9675, 1.168333, 1.05, 1.035, 1.0255,  # Z 91-98
)
# fmt: on

MAX_Z = len(_RADII)
RADII: NDArray[np.float64] = np.array((np.nan, *_RADII))
"""Radius in Å by atomic number, (MAX_Z + 1,); index 0 is no element."""


def widths(sigma: float | None) -> NDArray[np.float64]:
    """σ of the density's Gaussians in Å by atomic number, (MAX_Z + 1,): one for all, or each element's radius."""
    return RADII if sigma is None else np.full_like(RADII, sigma)


def no_radius(number: int) -> Rejected:
    """The rejection of a crystal with element ``number``, which has no radius."""
    return Rejected("no-radius", f"no ionic radius for atomic number {number} (valid: 1 to {MAX_Z})")
