"""GPAW: its settings, the elements and cells that it can compute, and the valence electrons of each element."""

import importlib.metadata
import importlib.util
from collections import Counter
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from hpcvox.config import Settings
from hpcvox.crystals.elements import SYMBOLS
from hpcvox.errors import Rejected

FIX: Final = "HPCVOX_EXTRAS='chgnet gpaw' make setup, or pip install 'hpcvox[gpaw]'"

MIN_ANGLE: Final = 40.0
"""Degrees; GPAW's results are wrong in cells with an angle below this, or above 180° minus this."""


class GpawSettings(Settings):
    """The settings of a self-consistent field calculation."""

    xc: Literal["PBE", "LDA"] = Field("PBE", description="exchange and correlation")
    cutoff: float = Field(
        600.0,
        ge=200,
        le=2000,
        description="eV; cutoff of the plane waves; use 400 only for trials, energies are then wrong by some eV",
    )
    k_density: float = Field(
        2.5, gt=0, le=20, description="k-points per 1/Å along each axis; the mesh contains Γ"
    )
    smearing: float = Field(
        0.05,
        gt=0,
        le=1,
        description="eV; width of the Fermi-Dirac occupations; energies are extrapolated to zero width",
    )
    spin: Literal["auto", "off"] = Field(
        "auto",
        description="auto: crystals with V, Cr, Mn, Fe, Co, Ni, Ru, Eu or Gd start ferromagnetic, others are computed "
        "without spin; off: all are computed without spin",
    )
    max_iterations: int = Field(
        200,
        ge=1,
        le=10_000,
        description="reject crystals whose field is not self-consistent after this many iterations",
    )


# fmt: off
VALENCE: Final = {
    "H": 1, "He": 2, "Li": 1, "Be": 2, "B": 3, "C": 4, "N": 5, "O": 6, "F": 7, "Ne": 8, "Na": 7, "Mg": 10,
    "Al": 3, "Si": 4, "P": 5, "S": 6, "Cl": 7, "Ar": 8, "K": 9, "Ca": 10, "Sc": 11, "Ti": 12, "V": 13,
    "Cr": 6, "Mn": 15, "Fe": 8, "Co": 9, "Ni": 16, "Cu": 11, "Zn": 12, "Ga": 3, "Ge": 4, "As": 5, "Se": 6,
    "Br": 7, "Kr": 8, "Rb": 9, "Sr": 10, "Y": 11, "Zr": 12, "Nb": 13, "Mo": 14, "Ru": 16, "Rh": 15,
    "Pd": 16, "Ag": 17, "Cd": 12, "In": 13, "Sn": 14, "Sb": 15, "Te": 6, "I": 7, "Xe": 8, "Cs": 9, "Ba": 10,
    "La": 11, "Ce": 12, "Pr": 13, "Nd": 14, "Pm": 15, "Sm": 16, "Eu": 17, "Gd": 18, "Tb": 19, "Dy": 20,
    "Ho": 21, "Er": 22, "Tm": 23, "Yb": 24, "Lu": 25, "Hf": 12, "Ta": 13, "W": 14, "Re": 13, "Os": 14,
    "Ir": 15, "Pt": 16, "Au": 11, "Hg": 18, "Tl": 13, "Pb": 14, "Bi": 15, "Rn": 8,
}
"""Number of valence electrons (not frozen in the core) of each element in the default PAW sets of gpaw-data 1.2.1.

A set with another number is refused, so that fields of one element always hold the same electrons.
"""
MOMENTS: Final = {
    "V": 1.5, "Cr": 3.0, "Mn": 4.0, "Fe": 4.0, "Co": 3.0, "Ni": 2.0, "Ru": 1.5, "Eu": 7.0, "Gd": 7.0,
}
"""Initial moments in Bohr magnetons of magnetic elements; all are parallel."""
# fmt: on


def installed() -> bool:
    """Whether GPAW is installed; does not import it."""
    return importlib.util.find_spec("gpaw") is not None


def code() -> str:
    """GPAW and its data sets with their versions."""
    return " ".join(f"{name} {importlib.metadata.version(name)}" for name in ("gpaw", "gpaw-data"))


def valence(numbers: NDArray[np.uint8]) -> dict[str, tuple[int, int]]:
    """For each element of a crystal, by symbol: its number of atoms, and the valence electrons of one atom.

    Args:
        numbers: atomic numbers, (n,).

    Raises:
        Rejected: ``no-data-set``, if GPAW has none for an element.
    """
    counts = Counter(SYMBOLS[z] for z in numbers.tolist())
    if missing := sorted(counts.keys() - VALENCE.keys()):
        raise Rejected("no-data-set", f"GPAW has no PAW data set of {', '.join(missing)}")
    return {symbol: (count, VALENCE[symbol]) for symbol, count in counts.items()}


def moments(numbers: NDArray[np.uint8], spin: str = "auto") -> list[float]:
    """Initial magnetic moments of atoms in Bohr magnetons, (n,); empty for a calculation without spin.

    Magnetic elements start ferromagnetic.
    """
    found = [MOMENTS.get(SYMBOLS[z], 0.0) for z in numbers.tolist()]
    return found if spin == "auto" and any(found) else []


def refuse_sharp(lattice: NDArray[np.float64], advice: str = "") -> None:
    """Check that no angle of the cell, (3, 3) rows, is too sharp for GPAW.

    Raises:
        Rejected: ``sharp-cell``; the message ends with ``advice``.
    """
    unit = lattice / np.linalg.norm(lattice, axis=1)[:, None]
    if np.abs((unit @ unit.T)[np.triu_indices(3, 1)]).max() > np.cos(np.radians(MIN_ANGLE)):
        raise Rejected(
            "sharp-cell",
            f"an angle of the cell is below {MIN_ANGLE:g}° or above {180 - MIN_ANGLE:g}°{advice}",
        )
