"""The built-in elemental solids: seven classes of crystals that a diffraction fingerprint can distinguish.

The classes are those of Ziletti et al. (2018), who used 10,517 calculations of 83 elements: body-centred tetragonal
(space groups 139 and 141), hexagonal and rhombohedral (194 and 166, one class), simple cubic, face-centred cubic,
diamond and body-centred cubic.  Here each class has every element up to bismuth, at several volumes and axial ratios.
"""

import math
from functools import cache
from typing import Final, NamedTuple

import numpy as np
from ase.data import covalent_radii
from numpy.typing import NDArray

from hpcvox.crystals.elements import SYMBOLS
from hpcvox.crystals.record import Crystal
from hpcvox.database.prototypes.compounds import FACE_CENTRING, rank

ELEMENTS: Final = range(1, 84)
"""Atomic numbers: 83 elements, as many as in the paper."""

STRETCH: Final = (0.9, 1.15)
"""Range of the nearest distance, in units of two covalent radii."""

LEAST_RADIUS: Final = 0.75
"""Least radius in Å, about that of carbon in diamond; smaller ones (of H, He) occur only in molecules."""


class Solid(NamedTuple):
    """A structure type of one element, in its conventional cell."""

    name: str
    kind: str
    """The class: ``sc``, ``fcc``, ``bcc``, ``diam``, ``bct 139``, ``bct 141`` or ``hex/rh``."""
    space_group: int
    ratios: tuple[tuple[float, float], ...]
    """Ranges of c/a, away from values with higher symmetry; empty if c/a is 1."""
    sites: tuple[tuple[float, float, float], ...]
    """Fractional coordinates."""

    @property
    def hexagonal(self) -> bool:
        """Whether the angle between a and b is 120°."""
        return self.kind == "hex/rh"


_T: Final = 1 / 3
_BODY: Final = ((0.0, 0.0, 0.0), (0.5, 0.5, 0.5))
_RHOMBOHEDRAL: Final = ((0.0, 0.0, 0.0), (2 * _T, _T, _T), (_T, 2 * _T, 2 * _T))
_A, _B, _C = (0.0, 0.0), (_T, 2 * _T), (2 * _T, _T)


def _stacked(*layers: tuple[float, float]) -> tuple[tuple[float, float, float], ...]:
    return tuple((x, y, i / len(layers)) for i, (x, y) in enumerate(layers))


def _arsenic(u: float) -> tuple[tuple[float, float, float], ...]:
    return tuple((x, y, z + side * u) for x, y, z in _RHOMBOHEDRAL for side in (1, -1))


SOLIDS: Final = (
    Solid("simple-cubic", "sc", 221, (), ((0.0, 0.0, 0.0),)),
    Solid("fcc", "fcc", 225, (), FACE_CENTRING),
    Solid("bcc", "bcc", 229, (), _BODY),
    Solid(
        "diamond",
        "diam",
        227,
        (),
        tuple((x + s, y + s, z + s) for s in (0.0, 0.25) for x, y, z in FACE_CENTRING),
    ),
    # c/a = 1 is bcc, √2 fcc
    Solid("indium", "bct 139", 139, ((0.60, 0.92), (1.08, 1.32), (1.50, 1.90)), _BODY),
    # c/a = √2 is diamond
    Solid(
        "white-tin",
        "bct 141",
        141,
        ((0.42, 0.75), (0.80, 1.25)),
        tuple((x + dx, y + dy, z + dz) for dx, dy, dz in ((0, 0, 0), (0, 0.5, 0.25)) for x, y, z in _BODY),
    ),
    Solid("hcp", "hex/rh", 194, ((1.45, 1.90),), _stacked(_B, _C)),
    Solid("double-hcp", "hex/rh", 194, ((2.90, 3.80),), _stacked(_A, _B, _A, _C)),
    # c/a = √(3/8) is bcc, √(3/2) sc, √6 fcc
    Solid("beta-polonium", "hex/rh", 166, ((0.72, 1.08), (1.40, 2.15), (2.75, 3.30)), _RHOMBOHEDRAL),
    Solid("arsenic", "hex/rh", 166, ((2.50, 3.00),), _arsenic(0.227)),
    Solid("samarium", "hex/rh", 166, ((6.60, 7.80),), _stacked(_A, _B, _A, _B, _C, _B, _C, _A, _C)),
)
"""The structure types, by class."""

KINDS: Final = tuple(dict.fromkeys(solid.kind for solid in SOLIDS))


def draw(size: int, seed: int) -> list[tuple[Solid, Crystal]]:
    """Draw ``size`` elemental solids from the seven classes in turn; a smaller draw is the beginning of a larger one.

    Within a class structure types take turns, and so do the elements; volume and axial ratio are random.  Each crystal
    has a unique id.
    """
    by_kind = {kind: [solid for solid in SOLIDS if solid.kind == kind] for kind in KINDS}
    drawn = []
    for i in range(size):
        turn, place = divmod(i, len(KINDS))
        solids = by_kind[KINDS[place]]
        drawn.append(_solid(solids[turn % len(solids)], turn // len(solids), seed))
    return drawn


def _solid(solid: Solid, number: int, seed: int) -> tuple[Solid, Crystal]:
    """Make crystal number ``number`` of a structure type."""
    cycle, place = divmod(number, len(ELEMENTS))
    z = _order(solid.name, seed)[place]
    name = f"{SYMBOLS[z]}-{solid.name}-{cycle}"
    ratio = 1.0
    if solid.ratios:
        low, high = solid.ratios[number % len(solid.ratios)]
        ratio = round(low + (high - low) * _uniform(seed, name + ":ratio"), 6)
    stretch = STRETCH[0] + (STRETCH[1] - STRETCH[0]) * _uniform(seed, name + ":volume")
    return solid, crystal(solid, name, z, ratio, stretch)


def crystal(solid: Solid, name: str, z: int, ratio: float, stretch: float) -> Crystal:
    """A structure type with one element.

    Args:
        name: the id.
        z: atomic number.
        ratio: c/a.
        stretch: the nearest distance, in units of two covalent radii.
    """
    shape = _shape(solid, ratio)
    frac = np.array(solid.sites) % 1.0
    a = round(stretch * 2 * max(covalent_radii[z], LEAST_RADIUS) / _nearest(shape, frac), 6)
    return Crystal(name, "built-in", shape * a, frac, np.full(len(frac), z, np.uint8), {})


@cache
def _order(name: str, seed: int) -> list[int]:
    """The elements in the order in which a structure type takes them."""
    return sorted(ELEMENTS, key=lambda z: _uniform(seed, f"{name}:{z}"))


def _shape(solid: Solid, ratio: float) -> NDArray[np.float64]:
    """The conventional cell (3, 3) with a = 1."""
    if solid.hexagonal:
        return np.array([[1.0, 0.0, 0.0], [-0.5, math.sqrt(0.75), 0.0], [0.0, 0.0, ratio]])
    return np.diag([1.0, 1.0, ratio])


def _nearest(lattice: NDArray[np.float64], frac: NDArray[np.float64]) -> float:
    """The shortest distance between two atoms of the crystal."""
    images = np.stack(np.meshgrid(*3 * [np.arange(-2, 3)], indexing="ij"), -1).reshape(-1, 1, 1, 3)
    distances = np.linalg.norm((frac[:, None] - frac[None] + images) @ lattice, axis=-1)
    return float(distances[distances > 1e-9].min())


def _uniform(seed: int, name: str) -> float:
    """:func:`rank` as a number from 0 to below 1."""
    return (int.from_bytes(rank(seed, name)) >> 11) / 2**53
