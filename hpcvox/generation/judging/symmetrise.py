"""Makes nearly symmetric crystals exactly symmetric by moving their atoms a little."""

from typing import NamedTuple

import spglib

from hpcvox.crystals.cells import standardized
from hpcvox.crystals.record import Crystal
from hpcvox.errors import Rejected
from hpcvox.spglib_cell import spglib_cell


class Symmetrised(NamedTuple):
    """A crystal that was nearly symmetric, made exactly so, and its space group."""

    group: int  # 1 to 230
    symbol: str
    crystal: Crystal  # in the conventional cell


def symmetrised(crystal: Crystal, symprec: float) -> Symmetrised | None:
    """Give the crystal exactly the symmetry that spglib finds within ``symprec`` Å; None if spglib fails.

    Atoms move to their exact positions; the cell becomes the idealised conventional cell in its standard setting.
    """
    try:
        found = spglib.get_symmetry_dataset(spglib_cell(crystal), symprec=symprec)
        ideal = standardized(crystal, symprec=symprec)
    except (spglib.SpglibError, Rejected):
        return None
    return None if found is None else Symmetrised(int(found.number), str(found.international), ideal)
