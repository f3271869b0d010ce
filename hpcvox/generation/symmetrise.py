"""Crystals that are nearly symmetric, made so."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import spglib

from hpcvox.crystals.cells import wrapped
from hpcvox.crystals.record import Crystal


class Symmetrised(NamedTuple):
    """A crystal with exactly the symmetry that it has nearly."""

    group: int  # 1 to 230
    symbol: str
    crystal: Crystal  # in the conventional cell


def symmetrised(crystal: Crystal, symprec: float) -> Symmetrised | None:
    """The crystal with the symmetry that spglib finds within ``symprec`` Å; None where it finds none at all.

    Sites are moved onto their positions, and the cell is idealised and in its standard setting.
    """
    cell = (crystal.lattice.tolist(), crystal.frac.tolist(), crystal.numbers.tolist())
    try:
        found = spglib.get_symmetry_dataset(cell, symprec=symprec)
        made = spglib.standardize_cell(cell, symprec=symprec)
    except spglib.SpglibError:
        return None
    if found is None or made is None:
        return None
    lattice, frac, numbers = (np.array(each) for each in made)
    ideal = replace(crystal, lattice=lattice, frac=wrapped(frac), numbers=numbers.astype(np.uint8))
    return Symmetrised(int(found.number), str(found.international), ideal)
