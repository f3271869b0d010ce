"""The electrostatic energy of point charges, which the built-in database uses if no potential is installed.

It is not a formation energy, because it leaves out all chemistry except the charges.
"""

from typing import Any, Final

from hpcvox.crystals.elements import SYMBOLS
from hpcvox.database.prototypes.compounds import Prototype, conventional

IONIC: Final = "ewald, formal charges"
ALLOY: Final = "ewald, charges from electronegativity"


def name(prototype: Prototype) -> str:
    """How the charges are assigned, as tables name the model of an energy.

    AB and ABX3 have formal charges.  Heusler compounds have no oxidation states: the charge of an atom, in e, is the
    mean Pauling electronegativity of the compound minus that of the atom.
    """
    return ALLOY if prototype.compound_class == "Heusler" else IONIC


def energy(prototype: Prototype) -> float:
    """The Madelung energy in eV per atom of a crystal in its estimated cell (Ewald sum by pymatgen)."""
    from pymatgen.analysis.ewald import EwaldSummation
    from pymatgen.core.structure import Structure

    crystal = conventional(prototype, prototype.start)
    charge = dict(zip(prototype.species, prototype.charges, strict=True))
    structure = Structure(crystal.lattice, crystal.numbers.astype(int).tolist(), crystal.frac)
    structure.add_oxidation_state_by_site([charge[SYMBOLS[z]] for z in crystal.numbers.tolist()])
    summation: Any = EwaldSummation(structure)  # type: ignore[no-untyped-call]
    return float(summation.total_energy) / crystal.n_sites
