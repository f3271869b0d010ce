"""Sources of crystals for the tests of featurization."""

import csv
import random
from pathlib import Path

A_SITES = ("Ca", "Sr", "Ba", "K", "Na", "La", "Pb")
B_SITES = ("Ti", "Zr", "Nb", "Al", "Fe", "Sn")
X_SITES = ("O", "F", "Cl")


def perovskite(a: str, b: str, x: str, length: float) -> str:
    """CIF of a cubic perovskite ABX3 of the given cell length in Å."""
    return f"""data_{a}{b}{x}3
_cell_length_a {length:.6f}
_cell_length_b {length:.6f}
_cell_length_c {length:.6f}
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'P 1'
loop_
 _atom_site_type_symbol
 _atom_site_label
 _atom_site_fract_x
 _atom_site_fract_y
 _atom_site_fract_z
 _atom_site_occupancy
 {a} {a}0 0.0 0.0 0.0 1
 {b} {b}1 0.5 0.5 0.5 1
 {x} {x}2 0.5 0.5 0.0 1
 {x} {x}3 0.5 0.0 0.5 1
 {x} {x}4 0.0 0.5 0.5 1
"""


def endless(blocks: int = 300) -> str:
    """CIF of ``blocks`` crystals of 9,984 sites each, which take about a second each to read."""
    sites = "".join(f" C C{i} 0.0{i:02d} 0.1{i:02d} 0.2{i:02d}\n" for i in range(52))
    crystal = perovskite("Ca", "Ti", "O", 200.0).replace("'P 1'", "'F m -3 m'")
    crystal = crystal[: crystal.index(" _atom_site_occupancy")] + sites
    return "".join(crystal.replace("data_CaTiO3", f"data_{i}") for i in range(blocks))


def write_table(path: Path, rows: int, bad_every: int = 0, endless_row: int = -1) -> Path:
    """A CSV of ``rows`` perovskites with one target; every ``bad_every``-th row has a truncated CIF.

    The reader of row ``endless_row`` is at work for minutes.
    """
    random.seed(rows)
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["material_id", "cif", "energy"])
        for row in range(rows):
            elements = random.choice(A_SITES), random.choice(B_SITES), random.choice(X_SITES)
            cif = perovskite(*elements, 3.7 + 0.8 * random.random())
            if bad_every and row % bad_every == bad_every - 1:
                cif = cif[: len(cif) // 2]
            if row == endless_row:
                cif = endless()
            table.writerow([f"m-{row}", cif, round(random.uniform(-3, 1), 4)])
    return path
