"""Reads the folder of densities and energies, and computes the targets of the regressions."""

import csv
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hpcvox.calculators.gpaw import VALENCE
from hpcvox.crystals.elements import SYMBOLS
from hpcvox.crystals.fields.cube import BOHR, HARTREE
from hpcvox.crystals.names import file_stem
from hpcvox.crystals.record import Crystal
from hpcvox.errors import SourceError

FIELDS: Final = "oxides.npz"
TABLE: Final = "index.csv"

ARRAYS: Final = ("name", "rho", "cell", "atom_start", "numbers", "scaled_positions")
"""Of the densities: names (N,), e/Å^3 (N, M, M, M), cells (N, 3, 3) in Å, where the atoms of each begin (N + 1,), and
of all atoms the atomic numbers and fractional coordinates."""

COLUMNS: Final = ("hartree_valence_eV", "kinetic_eV", "energy_eV", "band_gap_eV")
"""Of the table, beside ``name``; a cell's energies are relative to free atoms."""


class Target(NamedTuple):
    """A quantity that is regressed."""

    name: str
    """In files."""
    quantity: str
    """As the page calls it."""
    unit: str
    about: str
    """What it is here, and what in the paper."""


TARGETS: Final = (
    Target(
        "hartree",
        "Hartree energy",
        "eV/cell",
        "of the valence density, 2πV Σ|ρ(g)|²/g²; in the paper of VASP's pseudo density",
    ),
    Target(
        "exchange",
        "exchange–correlation term",
        "eV/cell",
        "ΔE of eq. 5 of the valence density by local exchange alone (Dirac); in the paper by PBE, with partial cores",
    ),
    Target(
        "ions",
        "ion–ion energy",
        "eV/cell",
        "Ewald sum of the ion cores with GPAW's valence charges; in the paper with VASP's",
    ),
    Target(
        "kinetic",
        "kinetic energy",
        "eV/cell",
        "relative to free atoms; in the place of the sum of one-electron energies, which the data do not hold",
    ),
    Target(
        "cohesive",
        "cohesive energy",
        "eV/atom",
        "PBE, relative to spherical atoms without spin; the paper does not say whether a cell's or an atom's",
    ),
    Target("gap", "band gap", "eV", "PBE, on the k mesh of the calculation; metals count as 0"),
)


class Material(NamedTuple):
    """A crystal with its valence density and energies."""

    crystal: Crystal
    """Its id is unique and a file name."""
    density: NDArray[np.float32]
    """(M1, M2, M3) in e/Å^3."""
    hartree: float
    """eV a cell."""
    kinetic: float
    """eV a cell, relative to free atoms."""
    energy: float
    """eV a cell, relative to free atoms."""
    gap: float
    """eV."""


def read(folder: Path, limit: int | None, seed: int) -> list[Material]:
    """The crystals of ``folder`` in the order of its table; ``limit`` of them, drawn by ``seed``.

    Raises:
        SourceError: a file is missing or damaged, or a crystal lacks a value.
    """
    rows = _rows(folder / TABLE)
    if limit is not None and limit < len(rows):
        chosen = np.sort(np.random.default_rng([seed, limit]).permutation(len(rows))[:limit])
        rows = [rows[place] for place in chosen]
    try:
        with np.load(folder / FIELDS, allow_pickle=False) as held:
            arrays = {name: held[name] for name in ARRAYS}
    except (OSError, ValueError, KeyError) as error:
        raise SourceError(f"{folder / FIELDS} cannot be read as densities: {error}") from None
    places = {str(name): place for place, name in enumerate(arrays["name"])}
    if missing := [row["name"] for row in rows if row["name"] not in places]:
        raise SourceError(f"{folder / FIELDS} has no density of {missing[0]}, which {folder / TABLE} lists")
    return [_material(row, places[row["name"]], arrays, folder / TABLE) for row in rows]


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"{path} cannot be read: {error}") from None
    needed = ("name", *COLUMNS)
    if missing := [name for name in needed if not rows or name not in rows[0]]:
        raise SourceError(f"{path} has no column {missing[0]}; it is to have {', '.join(needed)}")
    names = [row["name"] for row in rows]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SourceError(f"{path} has {twice[0]} twice")
    return rows


def _material(row: dict[str, str], place: int, arrays: dict[str, NDArray[Any]], table: Path) -> Material:
    start, end = int(arrays["atom_start"][place]), int(arrays["atom_start"][place + 1])
    crystal = Crystal(
        file_stem(row["name"]),
        row["name"],
        np.asarray(arrays["cell"][place], np.float64),
        np.asarray(arrays["scaled_positions"][start:end], np.float64) % 1.0,
        np.asarray(arrays["numbers"][start:end], np.uint8),
        {},
    )
    try:
        energies = [float(row[name]) for name in COLUMNS]
    except ValueError as error:
        raise SourceError(f"{table}: {row['name']}: {error}: give the value, or remove the row") from None
    if not np.isfinite(energies).all():
        raise SourceError(f"{table}: {row['name']} has a value that is not finite: remove its row")
    return Material(crystal, np.asarray(arrays["rho"][place], np.float32), *energies)


def targets(material: Material) -> list[float]:
    """The values of :data:`TARGETS`, in their order.

    Raises:
        SourceError: an element has no valence charge.
    """
    crystal = material.crystal
    return [
        material.hartree,
        exchange_term(material.density, crystal.lattice),
        ion_energy(crystal),
        material.kinetic,
        -material.energy / crystal.n_sites,
        material.gap,
    ]


def exchange_term(density: NDArray[np.floating[Any]], lattice: NDArray[np.float64]) -> float:
    """E_x - ∫ v_x ρ in eV of a density in e/Å^3 by Dirac's local exchange, for which it is -E_x/3."""
    volume = abs(float(np.linalg.det(lattice))) / BOHR**3
    in_bohr = np.maximum(density, 0).astype(np.float64) * BOHR**3
    energy = -0.75 * (3 / np.pi) ** (1 / 3) * float((in_bohr ** (4 / 3)).mean()) * volume
    return float(-energy / 3 * HARTREE)


def ion_energy(crystal: Crystal) -> float:
    """The electrostatic energy in eV of a cell's ion cores in a neutralising background, by pymatgen's Ewald sum.

    Raises:
        SourceError: an element has no valence charge.
    """
    from pymatgen.analysis.ewald import EwaldSummation
    from pymatgen.core.structure import Structure

    symbols = [SYMBOLS[z] for z in crystal.numbers.tolist()]
    if missing := sorted(set(symbols) - VALENCE.keys()):
        raise SourceError(f"{crystal.origin}: no valence charge of {missing[0]} is known: remove its row")
    charges = [float(VALENCE[symbol]) for symbol in symbols]
    structure = Structure(crystal.lattice, symbols, crystal.frac)
    structure.add_oxidation_state_by_site(charges)
    return float(EwaldSummation(structure).total_energy)  # type: ignore[no-untyped-call]
