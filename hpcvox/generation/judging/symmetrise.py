"""Move the atoms of crystals that are nearly symmetric to where they are exactly so."""

from typing import NamedTuple

import spglib

from hpcvox.crystals.cells import standardized
from hpcvox.crystals.record import Crystal
from hpcvox.errors import Rejected
from hpcvox.spglib_cell import spglib_cell


class Symmetrised(NamedTuple):
    """A crystal with exactly the symmetry that it has nearly."""

    group: int  # 1 to 230
    symbol: str
    crystal: Crystal  # in the conventional cell


def symmetrised(crystal: Crystal, symprec: float) -> Symmetrised | None:
    """The crystal with the symmetry that spglib finds within ``symprec`` Å; None where it finds none at all.

    Sites are moved onto their positions, and the cell is idealised and in its standard setting.
    """
    try:
        found = spglib.get_symmetry_dataset(spglib_cell(crystal), symprec=symprec)
        ideal = standardized(crystal, symprec=symprec)
    except (spglib.SpglibError, Rejected):
        return None
    return None if found is None else Symmetrised(int(found.number), str(found.international), ideal)
