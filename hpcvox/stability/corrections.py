"""The corrections of the Materials Project (MP2020), for potentials that were trained on energies without them.

Its DFT takes U for eight transition metals in oxides and fluorides alone, and errs for anions by an amount each; on one
hull the energies go together once these are corrected (Wang et al. 2021, doi:10.1038/s41598-021-94550-5).
"""

import warnings
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

UNCORRECTED: Final = ("sevennet",)
"""Those trained on the Materials Project's energies as DFT gives them; CHGNet's were corrected."""


def correction(calculator: str) -> Callable[[Mapping[str, float]], float] | None:
    """What is added to energies by ``calculator``, eV/atom by composition; None: nothing."""
    if calculator not in UNCORRECTED:
        return None
    return lambda amounts: _mp2020(tuple(sorted(amounts.items())))


@cache
def _mp2020(amounts: tuple[tuple[str, float], ...]) -> float:
    """eV/atom, by pymatgen; oxygen as that of an oxide, since a composition does not tell a peroxide."""
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
        warnings.simplefilter(
            "ignore"
        )  # where no charges balance, the most electronegative element is the anion
        found = scheme.get_adjustments(entry)
    return float(sum(one.value for one in found) / composition.num_atoms)


@cache
def _scheme() -> Any:
    from pymatgen.entries.compatibility import MaterialsProject2020Compatibility

    return MaterialsProject2020Compatibility(check_potcar=False)
