"""The corrections of the Materials Project (MP2020), for potentials that were trained on energies without them.

The project's DFT uses a Hubbard U for eight transition metals, but only in oxides and fluorides, and it has a constant
error for each kind of anion.  Only corrected energies can be compared on one hull (Wang et al. 2021,
doi:10.1038/s41598-021-94550-5).
"""

import warnings
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

UNCORRECTED: Final = ("sevennet",)
"""Potentials that learnt uncorrected energies of the Materials Project; CHGNet learnt corrected ones."""


def correction(calculator: str) -> Callable[[Mapping[str, float]], float] | None:
    """Return the function that computes the correction of energies by ``calculator``; None if they need none.

    The function takes a composition (the atoms of each element, by symbol), and returns what is to be added to the
    energy, in eV/atom.
    """
    if calculator not in UNCORRECTED:
        return None
    return lambda amounts: _mp2020(tuple(sorted(amounts.items())))


@cache
def _mp2020(amounts: tuple[tuple[str, float], ...]) -> float:
    """The correction of a composition in eV/atom, by pymatgen.

    Oxygen counts as that of an oxide, because a composition does not tell a peroxide from an oxide.
    """
    from pymatgen.core import Composition
    from pymatgen.entries.computed_entries import ComputedEntry

    scheme = _scheme()
    composition = Composition(dict(amounts))
    most_negative = max(composition.elements, key=lambda element: element.X)
    u = {
        one.symbol: scheme.u_settings.get(most_negative.symbol, {}).get(one.symbol, 0) for one in composition
    }
    hubbards = u if any(u.values()) else {}
    entry = ComputedEntry(
        composition,
        0.0,
        parameters={"run_type": "GGA+U" if hubbards else "GGA", "hubbards": hubbards},
        data={"oxide_type": "oxide"},
    )
    with warnings.catch_warnings():
        # pymatgen warns where no charges balance; it then takes the most electronegative element for the anion
        warnings.simplefilter("ignore")
        found = scheme.get_adjustments(entry)
    return float(sum(one.value for one in found) / composition.num_atoms)


@cache
def _scheme() -> Any:
    from pymatgen.entries.compatibility import MaterialsProject2020Compatibility

    return MaterialsProject2020Compatibility(check_potcar=False)
