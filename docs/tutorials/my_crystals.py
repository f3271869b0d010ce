"""Write my_crystals.csv: 300 cubic perovskites with a formation energy and a density, to try the tutorials on.

python docs/tutorials/my_crystals.py [COUNT]

A table of your own looks the same: an id, a CIF, and a column of numbers for each property.
"""

import csv
import io
import itertools
import sys
from pathlib import Path

import numpy as np
from ase import Atoms

import hpcvox

# fmt: off
LARGE = {"Na": 1.39, "K": 1.64, "Rb": 1.72, "Cs": 1.88, "Ca": 1.34, "Sr": 1.44, "Ba": 1.61, "Pb": 1.49, "La": 1.36}
SMALL = {
    "Ti": 0.61, "V": 0.58, "Cr": 0.62, "Mn": 0.65, "Fe": 0.65, "Co": 0.61, "Ni": 0.69, "Cu": 0.73, "Zn": 0.74,
    "Zr": 0.72, "Nb": 0.64, "Mo": 0.65, "Sn": 0.69, "Hf": 0.71, "Ta": 0.64, "In": 0.80, "Al": 0.54, "Ga": 0.62,
}
ANIONS = {"O": 1.40, "F": 1.33}
# fmt: on
RADII = LARGE | SMALL | ANIONS
"""Of ions, in Å (Shannon 1976)."""


def perovskite(a: str, b: str, x: str) -> Atoms:
    """ABX3 in a cube: A at the corner, B in the centre, X on the faces; edges as long as the radii ask for."""
    edge = max(2 * (RADII[b] + RADII[x]), 2**0.5 * (RADII[a] + RADII[x]))
    places = [(0, 0, 0), (0.5, 0.5, 0.5), (0.5, 0.5, 0), (0.5, 0, 0.5), (0, 0.5, 0.5)]
    return Atoms([a, b, x, x, x], scaled_positions=places, cell=[edge] * 3, pbc=True)


def main(count: int) -> None:
    every = list(itertools.product(LARGE, SMALL, ANIONS))
    chosen = np.random.default_rng(0).permutation(len(every))[:count]
    crystals = [perovskite(*every[n]) for n in chosen]
    # predicted by a network that comes with hpcvox: good enough to practise on
    energies = hpcvox.load("perovskite_formation_energy").predict(crystals)
    with Path("my_crystals.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["material_id", "cif", "my_energy", "my_density"])
        for n, (crystal, energy) in enumerate(zip(crystals, energies, strict=True)):
            cif = io.BytesIO()
            crystal.write(cif, format="cif")
            density = crystal.get_masses().sum() / crystal.get_volume() * 1.66054  # g/cm³
            table.writerow([f"m-{n}", cif.getvalue().decode(), round(energy, 4), round(density, 4)])


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
