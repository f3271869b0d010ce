"""Symmetrises a crystal whose sites are slightly displaced, as those of a generated crystal are."""

import warnings
from dataclasses import replace
from typing import Final

import numpy as np
import spglib
from ase import Atoms
from ase.spacegroup.symmetrize import refine_symmetry

from hpcvox.crystals.record import Crystal
from hpcvox.spglib_cell import spglib_cell

PARTS: Final = 8
"""Tolerances that are tried.  spglib may find less symmetry with a wider tolerance, because it narrows the tolerance
itself if operations contradict each other."""


def symmetric(crystal: Crystal, symprec: float) -> Crystal:
    """Give the crystal the highest symmetry that spglib finds within ``symprec`` Å; unchanged if it finds none.

    Sites keep their order, the cell its setting, and no site crosses a face.  A relaxation keeps the symmetry that it
    starts with, because no force can break it.
    """
    tolerance = _tolerance(crystal, symprec)
    if tolerance is None:
        return crystal
    atoms = Atoms(crystal.numbers, cell=crystal.lattice, positions=crystal.frac @ crystal.lattice, pbc=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            refine_symmetry(atoms, tolerance)
    except Exception:  # ASE may raise anything if sites lie on each other
        return crystal
    lattice = atoms.cell.array.copy()
    frac = np.linalg.solve(lattice.T, atoms.positions.T).T
    if not (np.isfinite(lattice).all() and np.isfinite(frac).all()):
        return crystal
    return replace(crystal, lattice=lattice, frac=frac - np.rint(frac - crystal.frac))


def _tolerance(crystal: Crystal, symprec: float) -> float | None:
    """The narrowest tolerance with which spglib finds the most operations; None if it finds only the identity."""
    cell = spglib_cell(crystal)
    most, best = 1, None
    for part in range(1, PARTS + 1):
        tolerance = symprec * part / PARTS
        found = spglib.get_symmetry(cell, symprec=tolerance)
        if found is not None and len(found["rotations"]) > most:
            most, best = len(found["rotations"]), tolerance
    return best
