"""The symmetry of a crystal whose sites are a little off, as those of a generated one are."""

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
"""Tolerances that are tried: what spglib finds within a wider one may be less, for it narrows it by itself where
operations contradict each other."""


def symmetric(crystal: Crystal, symprec: float) -> Crystal:
    """The crystal with the highest symmetry that spglib finds within ``symprec`` Å; as it is where it finds none.

    Cell and sites keep their order and their setting, and no site crosses a face.  A relaxation keeps the symmetry that
    it starts with, for across it no force pulls.
    """
    tolerance = _tolerance(crystal, symprec)
    if tolerance is None:
        return crystal
    atoms = Atoms(crystal.numbers, cell=crystal.lattice, positions=crystal.frac @ crystal.lattice, pbc=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            refine_symmetry(atoms, tolerance)
    except Exception:  # what sites that lie in each other do to it, ASE does not say
        return crystal
    lattice = atoms.cell.array.copy()
    frac = np.linalg.solve(lattice.T, atoms.positions.T).T
    if not (np.isfinite(lattice).all() and np.isfinite(frac).all()):
        return crystal
    return replace(crystal, lattice=lattice, frac=frac - np.rint(frac - crystal.frac))


def _tolerance(crystal: Crystal, symprec: float) -> float | None:
    """The narrowest of those tried within which the most operations are found; None where it is the identity alone."""
    cell = spglib_cell(crystal)
    most, best = 1, None
    for part in range(1, PARTS + 1):
        tolerance = symprec * part / PARTS
        found = spglib.get_symmetry(cell, symprec=tolerance)
        if found is not None and len(found["rotations"]) > most:
            most, best = len(found["rotations"]), tolerance
    return best
