"""Runs one stage: relaxes a crystal with a calculator."""

from typing import Any, Final, Literal, NamedTuple

import numpy as np
from ase import Atoms
from ase.eos import EquationOfState
from ase.filters import FrechetCellFilter
from ase.optimize import BFGS
from numpy.typing import NDArray

from hpcvox.calculators.journal import Journaled
from hpcvox.errors import HpcvoxError, Rejected

STEP: Final = 1.015
"""Factor of the lengths from one cell of the equation of state to the next: five cells span 18 % of the volume."""

EITHER_SIDE: Final = 2
"""Number of cells of the equation of state on each side of the lowest."""

MOST: Final = 24
"""Most steps of the equation of state from the first cell: 0.70 to 1.43 of its lengths."""


class Moved(NamedTuple):
    """The result of a stage for a crystal."""

    energy_start: float  # eV per cell, at the start of the stage
    energy: float  # eV per cell
    max_force: float  # eV/Å, the largest of all atoms
    steps: int  # number of geometries that the calculator has computed
    converged: bool
    lattice: NDArray[np.float64]  # (3, 3), rows in Å
    frac: NDArray[np.float64]  # (n, 3), not wrapped: they follow the atoms across the cell's faces


def moved(
    atoms: Atoms, calculator: Journaled, cell: Literal["fixed", "volume", "full"], fmax: float, steps: int
) -> Moved:
    """Relax ``atoms``, in place.

    ``fixed`` moves the sites by BFGS.  ``full`` also moves the cell, by stress (ASE's ``FrechetCellFilter``).
    ``volume`` uses energies only: it relaxes the sites in cells of several sizes, fits a Birch-Murnaghan equation of
    state to the five cells around the lowest energy, and relaxes the sites at its minimum.

    Args:
        atoms: the crystal; it is changed.
        calculator: the calculator, with its journal.
        cell: what may move.
        fmax: eV/Å; the stage is converged if no force is greater.
        steps: most steps of the optimiser.

    Raises:
        Rejected: with the codes of the calculator; ``no-minimum`` if the energy has none at any volume; ``failed`` if
            the optimiser fails.
    """
    atoms.calc = calculator
    energy_start = float(atoms.get_potential_energy())
    try:
        if cell == "volume":
            _to_best_volume(atoms, fmax, steps)
        movable: Any = FrechetCellFilter(atoms) if cell == "full" else atoms
        with BFGS(movable, logfile=None) as optimiser:
            converged = bool(optimiser.run(fmax=fmax, steps=steps))
    except (HpcvoxError, OSError):
        raise
    except Exception as error:  # with senseless forces an optimiser may raise anything
        raise Rejected("failed", f"the optimiser: {type(error).__name__}: {error}"[:500]) from None
    forces = atoms.get_forces()
    return Moved(
        energy_start=energy_start,
        energy=float(atoms.get_potential_energy()),
        max_force=float(np.sqrt((forces**2).sum(axis=1).max())),
        steps=calculator.evaluations,
        converged=converged,
        lattice=atoms.cell.array.copy(),
        frac=_unwrapped(atoms),
    )


def _to_best_volume(atoms: Atoms, fmax: float, steps: int) -> None:
    """Scale ``atoms`` to the volume of least energy."""
    first = atoms.cell.array.copy()
    energies: dict[int, float] = {}
    volumes: dict[int, float] = {}

    def energy(k: int) -> None:
        _scale(atoms, first * STEP**k)
        with BFGS(atoms, logfile=None) as optimiser:
            optimiser.run(fmax=fmax, steps=steps)
        energies[k], volumes[k] = float(atoms.get_potential_energy()), float(atoms.cell.volume)

    for k in range(-EITHER_SIDE, EITHER_SIDE + 1):
        energy(k)
    while missing := [k for k in _around(energies) if k not in energies]:
        if abs(missing[0]) > MOST:
            raise Rejected("no-minimum", "the energy has no minimum at any volume near that of the crystal")
        energy(missing[0])
    around = _around(energies)
    state = EquationOfState([volumes[k] for k in around], [energies[k] for k in around], "birchmurnaghan")
    try:
        volume = float(state.fit(warn=False)[0])
    except RuntimeError as error:
        raise Rejected("no-minimum", f"no equation of state fits the energies: {error}") from None
    if not volumes[around[0]] <= volume <= volumes[around[-1]]:
        raise Rejected("no-minimum", f"the equation of state has its minimum at {volume:.1f} Å^3, far off")
    _scale(atoms, first * (volume / abs(float(np.linalg.det(first)))) ** (1 / 3))


def _around(energies: dict[int, float]) -> range:
    lowest = min(energies, key=lambda k: (energies[k], k))
    return range(lowest - EITHER_SIDE, lowest + EITHER_SIDE + 1)


def _scale(atoms: Atoms, lattice: NDArray[np.float64]) -> None:
    frac = _unwrapped(atoms)
    atoms.set_cell(lattice)
    atoms.positions = frac @ lattice


def _unwrapped(atoms: Atoms) -> NDArray[np.float64]:
    return np.asarray(np.linalg.solve(atoms.cell.array.T, atoms.positions.T).T)
