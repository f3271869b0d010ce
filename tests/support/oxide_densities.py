"""A folder of made-up oxides as ``hpcvox reproduce kajita`` reads it: small cells, densities of Gaussians, energies."""

import csv
from pathlib import Path

import numpy as np

from hpcvox.crystals.elements import ATOMIC_NUMBERS

CATIONS = ("Mg", "Ca", "Sr", "Ba", "Zn", "Cd", "Be", "Ti", "V", "Mn", "Fe", "Co", "Ni", "Cu")
POINTS = 14


def make_oxides(folder: Path, count: int = len(CATIONS)) -> Path:
    """Write ``oxides.npz`` and ``index.csv``: so many oxides MO in cells of caesium chloride."""
    folder.mkdir(parents=True)
    places = np.stack(np.meshgrid(*3 * [np.arange(POINTS) / POINTS], indexing="ij"), -1)
    densities, cells, rows = [], [], []
    for number, cation in enumerate(CATIONS[:count]):
        a = 2.6 + 0.05 * number
        density = np.zeros(3 * (POINTS,))
        for electrons, centre in ((4.0 + number, 0.0), (6.0, 0.5)):
            d = (places - centre + 0.5) % 1 - 0.5
            density += electrons * np.exp(-((a * d) ** 2).sum(-1) / 0.5)
        densities.append(density)
        cells.append(a * np.eye(3))
        amplitudes = np.abs(np.fft.fftn(density)) / density.size
        rows.append(
            {
                "name": f"{cation}O_cscl",
                "energy_eV": -8.0 - 0.1 * number,
                "band_gap_eV": max(0.0, 4 - 0.4 * number),
                "hartree_valence_eV": 100 * float((amplitudes**2).sum()),
                "kinetic_eV": 20.0 + number,
            }
        )
    numbers = [z for cation in CATIONS[:count] for z in (ATOMIC_NUMBERS[cation], 8)]
    np.savez_compressed(
        folder / "oxides.npz",
        name=np.array([row["name"] for row in rows]),
        rho=np.array(densities, np.float32),
        cell=np.array(cells),
        atom_start=2 * np.arange(count + 1),
        numbers=np.array(numbers),
        scaled_positions=np.tile([[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]], (count, 1)),
    )
    with (folder / "index.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return folder
