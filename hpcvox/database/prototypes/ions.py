"""Charges, radii and valence electrons of the elements for the built-in prototypes, from pymatgen.

Oxidation states and Shannon's effective ionic radii (Shannon 1976, doi:10.1107/S0567739476001551),
metallic and atomic radii and valence electrons are pymatgen's tables; nothing is tabulated here.
"""

import warnings
from functools import cache
from typing import Final, NamedTuple

EXCLUDED: Final = frozenset({"He", "Ne", "Ar", "Kr", "Xe", "Rn", "Po", "At", "Fr", "Ra"})
"""Elements that are left out: noble gases, and those of Z <= 94 without data in the Materials Project (and CHGNet)."""

_COORDINATION: Final = {"II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6, "VII": 7, "VIII": 8, "IX": 9, "X": 10,
                        "XI": 11, "XII": 12, "XIV": 14}  # fmt: skip


class Ion(NamedTuple):
    """One charge state of an element."""

    symbol: str
    charge: int  # e
    electronegativity: float  # Pauling
    radii: tuple[tuple[int, float], ...]  # (coordination number, effective ionic radius in Å)

    def radius(self, coordination: int) -> float:
        """The effective ionic radius in Å for the listed coordination number nearest to ``coordination``."""
        return min(self.radii, key=lambda entry: (abs(entry[0] - coordination), entry[0]))[1]


class Atom(NamedTuple):
    """An element as a partner in an alloy."""

    symbol: str
    radius: float  # Å | metallic where tabulated, else atomic
    electronegativity: float  # Pauling
    valence: int  # electrons beyond the last closed shell, d included
    is_metal: bool


@cache
def _elements() -> tuple[object, ...]:
    from pymatgen.core.periodic_table import Element

    return tuple(e for e in (Element.from_Z(z) for z in range(1, 95)) if e.symbol not in EXCLUDED)


@cache
def ions() -> tuple[Ion, ...]:
    """All charge states of usable elements that have a radius, in the order of atomic number and charge.

    Cations are the oxidation states of metals and metalloids for which Shannon lists a radius.  Anions are the most
    negative of the common states (a full octet).  If Shannon lists no radius for an anion, the element's van der Waals
    radius is used, which is about the same (Pauling, The Nature of the Chemical Bond).
    """
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for element in _elements():
            found += _ions_of(element)
    return tuple(found)


def _ions_of(element: object) -> list[Ion]:
    from pymatgen.core.periodic_table import Element

    assert isinstance(element, Element)
    table = element.data.get("Shannon radii", {})
    shannon = table if isinstance(table, dict) else {}
    electronegativity = float(element.X)
    found = []
    for charge in sorted({*element.oxidation_states, *element.common_oxidation_states} - {0}):
        radii = _radii(shannon.get(str(charge), {}))
        if charge < 0 and charge == min(element.common_oxidation_states):
            waals = element.van_der_waals_radius
            radii = radii or (((6, float(waals)),) if waals else ())
        elif charge < 0 or not (element.is_metal or element.is_metalloid):
            continue
        if radii:
            found.append(Ion(element.symbol, charge, electronegativity, radii))
    return found


def _radii(shannon: dict[str, dict[str, dict[str, float]]]) -> tuple[tuple[int, float], ...]:
    """Radii by coordination number; of two spin states the high-spin one, which most oxides have."""
    radii = []
    for name, spins in shannon.items():
        if name in _COORDINATION:  # leaves out square-planar and pyramidal sites
            state = next(s for s in ("", "High Spin", "Low Spin") if s in spins)
            radius = float(spins[state]["ionic_radius"])
            if radius > 0:
                radii.append((_COORDINATION[name], radius))
    return tuple(sorted(radii))


@cache
def atoms() -> tuple[Atom, ...]:
    """The usable elements with a radius and an electronegativity, by atomic number."""
    from pymatgen.core.periodic_table import Element

    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for element in _elements():
            assert isinstance(element, Element)
            radius = element.metallic_radius or element.atomic_radius
            if radius and element.X == element.X:
                valence = 3 if element.is_rare_earth else _valence(element.group)
                found.append(
                    Atom(element.symbol, float(radius), float(element.X), valence, bool(element.is_metal))
                )
    return tuple(found)


def _valence(group: int) -> int:
    """Valence electrons of a group of the periodic table; a full d shell does not count."""
    return group if group < 12 else group - 10
