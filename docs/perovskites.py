"""Draw docs/perovskites.png: crystals that the network `perovskites` makes, and a slice of the density of each.

python docs/perovskites.py [FOLDER] writes perovskites.png into FOLDER (else: beside this file).
"""

import itertools
import sys
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.data import covalent_radii
from ase.data.colors import jmol_colors
from matplotlib.figure import Figure
from numpy.typing import NDArray

import hpcvox

CRYSTALS = 6
PIXELS = 300
"""Along an edge of a drawn crystal."""

MARGIN = 0.12
"""Of the cell's edge, how far outside of it an atom is drawn."""

LIGHT = np.array([-0.35, 0.6, 0.72])


def view() -> NDArray[np.float64]:
    """Right, up and towards the eye as rows, right-handed."""
    eye = np.array([0.42, -0.86, 0.30])
    eye /= np.linalg.norm(eye)
    right = np.cross([0.0, 0.0, 1.0], eye)
    right /= np.linalg.norm(right)
    return np.array([right, np.cross(eye, right), eye])


def spheres(atoms: Atoms) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Centres in Å, radii in Å and colours of all that is drawn: atoms with their images on the faces, bonds, edges."""
    frac = atoms.get_scaled_positions(wrap=True)
    places: list[tuple[NDArray[np.float64], int]] = []
    for place, number in zip(frac, atoms.numbers, strict=True):
        for shift in itertools.product((-1, 0, 1), repeat=3):
            image = place + shift
            if (image > -MARGIN).all() and (image < 1 + MARGIN).all():
                places.append((image @ atoms.cell.array, number))
    dots = [(centre, 0.42 * covalent_radii[z] + 0.12, jmol_colors[z]) for centre, z in places]
    for (one, z), (other, w) in itertools.combinations(places, 2):
        if z != w and np.linalg.norm(one - other) < 0.62 * atoms.cell.lengths().min():
            dots += [(one + t * (other - one), 0.09, np.full(3, 0.6)) for t in np.linspace(0, 1, 40)]
    corners = np.array(list(itertools.product((0, 1), repeat=3)), float)
    for one, other in itertools.combinations(corners, 2):
        if np.abs(one - other).sum() == 1:
            line = one + np.linspace(0, 1, 120)[:, None] * (other - one)
            dots += [(point, 0.035, np.full(3, 0.25)) for point in line @ atoms.cell.array]
    centres, radii, colours = zip(*dots, strict=True)
    return np.array(centres), np.array(radii), np.array(colours)


def render(atoms: Atoms, span: float) -> NDArray[np.float64]:
    """A picture (PIXELS, PIXELS, 3) of shaded balls, ``span`` Å wide."""
    centres, radii, colours = spheres(atoms)
    places = (centres - atoms.cell.array.sum(axis=0) / 2) @ view().T
    picture = np.ones((PIXELS, PIXELS, 3))
    depth = np.full((PIXELS, PIXELS), -np.inf)
    across = (np.arange(PIXELS) + 0.5) / PIXELS * span - span / 2
    light = LIGHT / np.linalg.norm(LIGHT)
    for (x, y, z), radius, colour in zip(places, radii, colours, strict=True):
        columns = np.nonzero(np.abs(across - x) < radius)[0]
        rows = np.nonzero(np.abs(-across - y) < radius)[0]
        if not (columns.size and rows.size):
            continue
        box = np.ix_(rows, columns)
        u, v = (across[columns] - x)[None, :] / radius, (-across[rows] - y)[:, None] / radius
        height = np.sqrt(np.clip(1 - u**2 - v**2, 0, None))
        seen = (u**2 + v**2 < 1) & (z + radius * height > depth[box])
        lit = np.clip(u * light[0] + v * light[1] + height * light[2], 0, None)
        shaded = colour * (0.35 + 0.7 * lit[..., None]) + 0.35 * lit[..., None] ** 24
        picture[box] = np.where(seen[..., None], np.clip(shaded, 0, 1), picture[box])
        depth[box] = np.where(seen, z + radius * height, depth[box])
    return picture


def is_tidy(atoms: Atoms) -> bool:
    """Whether it is an ABX3 of three elements, with an atom near enough to the corner for its images to be drawn."""
    frac = atoms.get_scaled_positions(wrap=True)
    off = np.abs(frac - np.round(frac)).max(axis=1)
    return len(atoms) == 5 and len(set(atoms.numbers)) == 3 and bool(off.min() < MARGIN)


def subscripted(formula: str) -> str:
    """A formula with its numbers below the line."""
    return "".join(f"$_{letter}$" if letter.isdigit() else letter for letter in formula)


def draw() -> Figure:
    """Crystals above, and below the density of each in the plane of c and the diagonal of a and b."""
    network = hpcvox.load("perovskites")
    made = filter(is_tidy, network.generate(60, condition=-0.3, seed=1))
    by_formula = {atoms.get_chemical_formula("metal"): atoms for atoms in made}
    shown = list(by_formula.items())[:CRYSTALS]
    span = 2.0 * max(atoms.cell.lengths().max() for _, atoms in shown)
    figure = Figure(figsize=(2 * CRYSTALS, 3.6), dpi=98, layout="constrained")
    grid = figure.add_gridspec(2, CRYSTALS, height_ratios=(1.35, 1))
    for column, (formula, atoms) in enumerate(shown):
        above = figure.add_subplot(grid[0, column])
        above.imshow(render(atoms, span))
        above.set_title(subscripted(formula))
        above.set_axis_off()
        voxels = hpcvox.voxelize(atoms, voxels=64, shapes="any", cell="as-given")
        below = figure.add_subplot(grid[1, column])
        diagonal = np.arange(len(voxels.density))
        shown_plane = np.cbrt(voxels.density[diagonal, diagonal, :].T)
        below.imshow(shown_plane, origin="lower", cmap="magma", extent=(0, 2**0.5, 0, 1))
        below.set_axis_off()
    return figure


def save(folder: Path) -> Path:
    """Draw the picture into ``folder``; its path."""
    path = folder / "perovskites.png"
    draw().savefig(path, metadata={"Software": None})
    return path


if __name__ == "__main__":
    print(save(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent))
