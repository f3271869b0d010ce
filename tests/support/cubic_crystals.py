"""A table of made-up cubic crystals as ``hpcvox reproduce court`` reads it: perovskites and CsCl types."""

import csv
import itertools
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hpcvox.crystals.elements import ATOMIC_NUMBERS
from hpcvox.crystals.formats.cif.writing import cif_text
from hpcvox.crystals.record import Crystal

PEROVSKITE = np.array([[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
CSCL = np.array([[0, 0, 0], [0.5, 0.5, 0.5]])


def make_table(path: Path) -> Path:
    """Write 60 crystals, and one that is no crystal and one that is not cubic."""
    rows: list[dict[str, str]] = []
    for a, b in itertools.product(("Ca", "Sr", "Ba", "Pb", "La", "Ce"), ("Ti", "V", "Cr", "Zr", "Sn", "Hf")):
        rows.append(_row([a, b, "O", "O", "O"], 3.8 + 0.02 * len(rows), PEROVSKITE, len(rows)))
    for a, b in itertools.product(("Cs", "Rb", "Tl", "Li", "Na", "Ag"), ("Cl", "Br", "Zn", "Au")):
        rows.append(_row([a, b], 3.3 + 0.01 * len(rows), CSCL, len(rows)))
    long = np.diag([4.0, 4.0, 6.0])
    rows.append(
        {**rows[0], "material_id": "long", "cif": _cif(["Ca", "Ti", "O", "O", "O"], long, PEROVSKITE)}
    )
    rows.append({**rows[0], "material_id": "none", "cif": "no crystal"})
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return path


def _row(symbols: list[str], length: float, frac: NDArray[np.float64], number: int) -> dict[str, str]:
    return {
        "material_id": f"m{number}",
        "cif": _cif(symbols, length * np.eye(3), frac),
        "energy": repr(-3 + 0.04 * number),
        "gap": repr(max(0.0, 2 - 0.05 * number)),
        "bulk": repr(40.0 + number),
    }


def _cif(
    symbols: list[str],
    lattice: NDArray[np.float64],
    frac: NDArray[np.float64],
) -> str:
    numbers = np.array([ATOMIC_NUMBERS[one] for one in symbols], np.uint8)
    return cif_text(Crystal("x", "x", lattice, frac, numbers, {}))
