"""Prepares the drawing of a crystal: its cell, all atoms in it or on its faces, and contacts between neighbours."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import gemmi
import numpy as np
from ase.data import chemical_symbols, covalent_radii
from ase.data.colors import jmol_colors
from numpy.typing import NDArray

FACE: Final = 0.02
"""An atom this near a face (in cell lengths) is drawn on the opposite one too, as is usual."""

CONTACT: Final = 1.1
"""Two atoms touch if their distance is within this factor of the nearest distance of both."""

MOST_SITES: Final = 200
IMAGES: Final = np.array(list(itertools.product((-1, 0, 1), repeat=3)), dtype=np.float64)


@dataclass(frozen=True)
class Scene:
    """A crystal as it is drawn; the page's script knows these names."""

    id: str
    lattice: list[list[float]]
    """Rows a, b, c in Å."""
    numbers: list[int]
    """Of every atom that is drawn."""
    positions: list[list[float]]
    """Of the same, in Å."""
    frac: list[list[float]]
    bonds: list[list[int]]
    """Pairs of drawn atoms."""
    label: str = ""
    cif: str | None = None
    """The key of its CIF on the page; None if it has none."""


@dataclass(frozen=True)
class Look:
    """How an element is drawn: Jmol's colour, and its radius in Å."""

    symbol: str
    colour: str
    radius: float


def read_cif(text: bytes) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Lattice (3, 3) in Å with rows a, b, c; fractional sites (n, 3); atomic numbers (n,).

    Raises:
        ValueError: not a CIF, or no site in it.
    """
    try:
        block = gemmi.cif.read_string(text.decode(errors="replace")).sole_block()
        structure = gemmi.make_small_structure_from_block(block)
        sites = structure.get_all_unit_cell_sites()
    except (RuntimeError, ValueError, IndexError) as error:
        raise ValueError(str(error)) from None
    if not sites or not structure.cell.is_crystal():
        raise ValueError("no cell or no sites")
    lattice = np.array(structure.cell.orth.mat.tolist(), dtype=np.float64).T
    frac = np.array([site.fract.tolist() for site in sites], dtype=np.float64)
    numbers = np.array([site.element.atomic_number for site in sites], dtype=np.int64)
    return lattice, frac, numbers


def scene(text: bytes, name: str) -> Scene:
    """The crystal of a CIF as it is drawn.

    Raises:
        ValueError: as :func:`read_cif` does, and where there are more than :data:`MOST_SITES` sites.
    """
    lattice, frac, numbers = read_cif(text)
    if len(numbers) > MOST_SITES:
        raise ValueError(f"{len(numbers)} sites are too many to draw")
    frac = frac - np.floor(frac + 1e-9)
    drawn, owner = _with_face_images(frac)
    positions = drawn @ lattice
    bonds = _contacts(positions, owner, _nearest(frac, lattice))
    return Scene(
        id=name,
        lattice=np.round(lattice, 4).tolist(),
        numbers=[int(z) for z in numbers[owner]],
        positions=np.round(positions, 3).tolist(),
        frac=np.round(drawn, 3).tolist(),
        bonds=bonds,
    )


def looks(scenes: Sequence[Scene]) -> dict[int, Look]:
    """How each element in ``scenes`` is drawn, by atomic number."""
    present = sorted({z for one in scenes for z in one.numbers})
    return {
        z: Look(
            symbol=chemical_symbols[z],
            colour="#" + "".join(f"{round(255 * c):02x}" for c in _colour(z)),
            radius=round(0.45 * float(covalent_radii[z]), 3),
        )
        for z in present
    }


def _colour(z: int) -> NDArray[np.float64]:
    return np.asarray(jmol_colors[z] if z < len(jmol_colors) else (0.5, 0.5, 0.5))


def _with_face_images(frac: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The sites and their images on the cell's far faces; and which site each one is."""
    images = frac[:, None, :] + IMAGES[None, :, :]
    inside = np.all((images > -FACE) & (images < 1 + FACE), axis=2)
    inside |= np.all(IMAGES == 0, axis=1)[None, :]
    owner, which = np.nonzero(inside)
    return images[owner, which], owner


def _nearest(frac: NDArray[np.float64], lattice: NDArray[np.float64]) -> NDArray[np.float64]:
    """The distance in Å from each site to its nearest neighbour, images counted."""
    between = (frac[None, :, None, :] - frac[:, None, None, :] + IMAGES[None, None, :, :]) @ lattice
    distance = np.sqrt((between**2).sum(axis=3))
    distance[distance < 1e-6] = np.inf
    nearest: NDArray[np.float64] = distance.min(axis=(1, 2))
    return nearest


def _contacts(
    positions: NDArray[np.float64], owner: NDArray[np.int64], nearest: NDArray[np.float64]
) -> list[list[int]]:
    """Pairs of drawn atoms that are near neighbours of each other (no table of radii is needed for that)."""
    distance = np.sqrt(((positions[:, None] - positions[None]) ** 2).sum(axis=2))
    reach = CONTACT * np.minimum(nearest[owner][:, None], nearest[owner][None, :])
    first, second = np.nonzero(np.triu(distance <= reach, k=1))
    return [[int(i), int(j)] for i, j in zip(first, second, strict=True)]
