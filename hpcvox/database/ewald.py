"""Electrostatic energy of point charges: what the built-in database has where no potential is installed.

It is not a formation energy and is not called one: it leaves out all chemistry but the charges.
"""

from typing import Any, Final

from hpcvox.crystals.elements import SYMBOLS
from hpcvox.database.prototypes.compounds import Prototype, conventional

IONIC: Final = "ewald, formal charges"
ALLOY: Final = "ewald, charges from electronegativity"


def name(prototype: Prototype) -> str:
    """How the charges were assigned, as tables name the energy's model.

    AB and ABX3 carry oxidation states.  Heusler compounds have none: each atom has the mean Pauling
    electronegativity of the compound less its own, in e.
    """
    return ALLOY if prototype.compound_class == "Heusler" else IONIC


def energy(prototype: Prototype) -> float:
    """Madelung energy in eV per atom of the crystal in its estimated cell (Ewald sum by pymatgen)."""
    from pymatgen.analysis.ewald import EwaldSummation
    from pymatgen.core.structure import Structure

    crystal = conventional(prototype, prototype.start)
    charge = dict(zip(prototype.species, prototype.charges, strict=True))
    structure = Structure(crystal.lattice, crystal.numbers.astype(int).tolist(), crystal.frac)
    structure.add_oxidation_state_by_site([charge[SYMBOLS[z]] for z in crystal.numbers.tolist()])
    summation: Any = EwaldSummation(structure)  # type: ignore[no-untyped-call]
    return float(summation.total_energy) / crystal.n_sites
