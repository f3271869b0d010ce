"""Crystals as CIF text."""

import numpy as np
from numpy.typing import NDArray

from hpcvox.crystals.elements import SYMBOLS
from hpcvox.crystals.record import reduced_formula


def cif_text(
    name: str, lattice: NDArray[np.float64], frac: NDArray[np.float64], numbers: NDArray[np.uint8]
) -> str:
    """A CIF of one crystal in space group P1, all atoms listed.

    Args:
        name: the data block's name, without blanks.
        lattice: rows a, b, c in Å, (3, 3).
        frac: fractional coordinates in [0, 1), (k, 3).
        numbers: atomic numbers, (k,).
    """
    a, b, c = lengths = np.linalg.norm(lattice, axis=1)
    cosines = [lattice[i] @ lattice[j] / (lengths[i] * lengths[j]) for i, j in ((1, 2), (0, 2), (0, 1))]
    angles = np.degrees(np.arccos(np.clip(cosines, -1.0, 1.0)))
    lines = [
        f"data_{name}",
        f"_chemical_formula_structural {reduced_formula(numbers.tobytes())}",
        *(f"_cell_length_{key} {value:.6f}" for key, value in zip("abc", (a, b, c), strict=True)),
        *(f"_cell_angle_{key} {x:.6f}" for key, x in zip(("alpha", "beta", "gamma"), angles, strict=True)),
        f"_cell_volume {abs(np.linalg.det(lattice)):.6f}",
        "_symmetry_space_group_name_H-M 'P 1'",
        "_symmetry_Int_Tables_number 1",
        "loop_",
        "_symmetry_equiv_pos_as_xyz",
        "'x, y, z'",
        "loop_",
        "_atom_site_type_symbol",
        "_atom_site_label",
        "_atom_site_fract_x",
        "_atom_site_fract_y",
        "_atom_site_fract_z",
        "_atom_site_occupancy",
    ]
    for i, (number, (x, y, z)) in enumerate(zip(numbers.tolist(), frac, strict=True)):
        symbol = SYMBOLS[number]
        lines.append(f"{symbol} {symbol}{i + 1} {x:.6f} {y:.6f} {z:.6f} 1.0")
    return "\n".join(lines) + "\n"
