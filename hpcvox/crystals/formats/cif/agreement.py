"""Compares the atoms that were read from a CIF with what the file states: formula, Z, multiplicities, density, volume.

A file can be well-formed and still wrong: cut short, with another origin, without half of its operations.  Only the
other statements in the file can show that.  If one disagrees, the crystal is rejected.  If the disagreement is
harmless, the crystal is taken with a *remark*, a code that stays with the sample.
"""

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from math import gcd
from typing import Final

import gemmi
import numpy as np
from numpy.typing import NDArray

from hpcvox.crystals.elements import SYMBOLS
from hpcvox.crystals.formats.cif.atom_sites import multiplicity
from hpcvox.crystals.formats.cif.claims import Claims
from hpcvox.crystals.formats.cif.elements.formulas import Amounts, readings
from hpcvox.errors import Rejected

REMARKS: Final = {
    "hydrogen": "the formula or a label states more hydrogen than the file locates, or less",
    "formula-units": "Z is not that of the cell's atoms; multiplicities or density are",
    "multiplicity": "a site's multiplicity is not that of its images; Z or density agree",
    "density": "the density is not that of the cell's atoms; Z or multiplicities agree",
    "weight": "the formula's weight is not the one that is stated",
    "setting": "the space group is stated in two settings; the one taken agrees with the rest of the file",
    "other-formula": "the structural or moiety formula is not that of the sum, which the atoms agree with",
    "disorder-groups": "atoms of disorder groups that exclude each other are listed, and taken, as whole atoms",
    "far-coordinates": "an atom is listed two cells away or farther, as by coordinates that are no fractions",
    "faulty-syntax": "the file is no valid CIF, and words of it that belong to no tag are left out",
    "formula-unread": "a formula is stated that cannot be read, and the atoms are not held against it",
    "number-unread": "Z, volume, density or weight is stated as what is no number above 0, and the atoms are not held "
    "against it",
}
"""The meaning of each remark, by its code."""

VOLUME_TOLERANCE: Final = 0.01
DENSITY_TOLERANCE: Final = 0.02
WEIGHT_TOLERANCE: Final = 0.01
_COUNT_TOLERANCE: Final = 0.01
_PROPORTIONS: Final = 0.02
_COMMA: Final = re.compile(r"\d,\d")  # a decimal comma, or the end of a moiety
_HYDROGEN: Final = 1
_CARBON: Final = 6
_BEARERS: Final = (6, 7, 8)
"""Elements whose atoms bind hydrogen in organic crystals."""
_DALTON: Final = 1.66053906660  # 1 u/Å³ in g/cm³


def check_volume(stated: Claims, volume: float) -> None:
    """Compare the stated volume with that of the cell, both in Å³.

    Raises:
        Rejected: ``cell``, if they differ by more than 1 %.
    """
    if stated.volume is not None and abs(stated.volume - volume) > VOLUME_TOLERANCE * volume:
        raise Rejected(
            "cell",
            f"the file states a volume of {stated.volume:g} Å³, and its lengths and angles make {volume:.6g} Å³",
        )


def remarks(
    stated: Claims,
    numbers: NDArray[np.uint8],
    volume: float,
    images: NDArray[np.intp] | None,
    order: int,
    multiplicities: Sequence[str],
) -> tuple[str, ...]:
    """Compare the atoms of a cell with what the file states.

    ``numbers`` (n,) are the atomic numbers of all atoms, ``volume`` is in Å³.  ``images`` (m,) says how many atoms the
    group of ``order`` operations made of each listed site; it is None if the file lists all atoms.  ``multiplicities``
    are the stated ones of the listed sites, as text; empty if none are stated.

    Returns: codes of :data:`REMARKS` for harmless disagreements.

    Raises:
        Rejected: ``incomplete`` (elements or proportions differ from the formula), ``symmetry`` (the number of
            atoms differs from all that the file says of it).
    """
    found = ["number-unread"] if stated.unread else []
    counts = numbers.tobytes()
    unit = 0.0
    hydrogen = 0.0  # hydrogen atoms in the cell that the file states but does not list
    amounts: Amounts = {}
    if stated.amounts:
        located = counts.count(_HYDROGEN)
        amounts, unit = _formula_units(stated, counts, located)
        hydrogen = unit * amounts.get(_HYDROGEN, 0.0) - located
        if hydrogen and abs(hydrogen) > _COUNT_TOLERANCE * max(located, 1):
            found.append("hydrogen")
        if stated.weight is not None and not _same_weight(amounts, stated.weight):
            found.append("weight")
        if stated.others and not _agree(stated.others, amounts):
            found.append("other-formula")
    else:
        _check_types(stated.types, counts)
        if stated.formula is not None:
            found.append("formula-unread")
        if stated.density is None and stated.weight is not None and stated.units is not None:
            weight = stated.weight * stated.units
            hydrogen = _hydrogen_by_weight(weight, counts)
            if hydrogen:
                found.append("hydrogen")
            stated = stated._replace(density=weight / volume * _DALTON)
    verdicts = {
        "formula-units": _units(stated, amounts, unit, counts),
        "multiplicity": _multiplicities(images, order, multiplicities),
        "density": _density(stated, counts, volume, hydrogen),
    }
    against = {code: verdict for code, verdict in verdicts.items() if verdict}
    if against and "" not in verdicts.values():
        made = "its symmetry makes" if images is not None else "there are"
        raise Rejected(
            "symmetry" if images is not None else "incomplete",
            f"{made} {len(numbers)} atoms in the cell, but {'; '.join(against.values())}",
        )
    return (*found, *against)


def _formula_units(stated: Claims, counts: bytes, located: int) -> tuple[Amounts, float]:
    """The meaning of the formula, and the number of formula units in the cell, counted without hydrogen if possible.

    ``located`` of the atoms are hydrogen.
    """
    for amounts in stated.amounts:
        found, unit, same = located, 0.0, True
        for z, amount in amounts.items():
            if z != _HYDROGEN:
                count = counts.count(z)
                found += count
                unit = unit or count / amount
                same = same and abs(count - unit * amount) <= _COUNT_TOLERANCE * count and count > 0
        if same and found == len(counts):
            return amounts, unit or located / amounts.get(_HYDROGEN, 1.0)
    raise Rejected(
        "incomplete", f"the formula is {stated.formula}, the atoms of the cell are {_listed(counts)}"
    )


def _agree(others: Sequence[str], amounts: Amounts) -> bool:
    """Whether each of the structural and moiety formulas ``others`` has these proportions, or cannot be read."""
    reduced = _reduced(amounts)
    for other in others:
        if other != reduced and not _COMMA.search(other) and not _alike(amounts, readings(other)):
            return False
    return True


def _alike(amounts: Amounts, others: Sequence[Amounts]) -> bool:
    """Whether one of ``others`` has the same proportions without hydrogen; also True if there are no others."""
    for other in others:
        heavy = {z: amount for z, amount in amounts.items() if z != _HYDROGEN}
        ratios = [other.get(z, 0.0) / amount for z, amount in heavy.items()] or [1.0]
        if other.keys() - {_HYDROGEN} == heavy.keys() and max(ratios) <= (1 + _PROPORTIONS) * min(ratios):
            return True
    return not others


def _reduced(amounts: Amounts) -> str:
    """The formula as pymatgen writes it; most files have this text, and then their formula need not be parsed."""
    values = amounts.values()
    divisor = 1 if 1.0 in values else _divisor(tuple(values))
    return "".join([_part(z, n / divisor) for z, n in amounts.items()])


@lru_cache(maxsize=16384)
def _part(z: int, amount: float) -> str:
    return SYMBOLS[z] if amount == 1 else f"{SYMBOLS[z]}{amount:g}"


def _check_types(types: frozenset[int], counts: bytes) -> None:
    """Raise ``Rejected("incomplete")`` if an element in the list of types, other than hydrogen, has no atom."""
    missing = [SYMBOLS[z] for z in sorted(types - set(counts) - {_HYDROGEN})] if types else []
    if missing:
        raise Rejected(
            "incomplete",
            f"the list of atom types has {' and '.join(missing)}, the atoms of the cell are {_listed(counts)}",
        )


def _listed(counts: bytes) -> str:
    return " ".join(f"{SYMBOLS[z]}{count}" for z, count in sorted(Counter(counts).items()))


# Each of these returns None if nothing is stated, "" if it agrees, else a sentence about what disagrees.


def _units(stated: Claims, amounts: Amounts, unit: float, counts: bytes) -> str | None:
    if stated.counts:
        return _by_types(stated.counts, counts)
    if stated.units is None or not unit:
        return None
    if _same_units(stated.units, unit):
        return ""
    # pymatgen writes the formula of the whole cell with the Z of the reduced formula; the OQMD writes atoms per element
    others = unit * _divisor(tuple(amounts.values())), len(counts) / len(amounts)
    if any(_same_units(stated.units, other) for other in others):
        return ""
    return f"Z is {stated.units:g} of {stated.formula}, and they are {unit:.3g} of it"


def _by_types(stated: Sequence[tuple[int, float]], counts: bytes) -> str | None:
    heavy = [(z, count) for z, count in stated if z != _HYDROGEN]
    for z, count in heavy:
        made = counts.count(z)
        if not _same_units(count, made):
            return f"the list of atom types has {count:g} {SYMBOLS[z]} in the cell, and there are {made}"
    return "" if heavy else None


def _same_units(stated: float, made: float) -> bool:
    return abs(stated - made) <= _COUNT_TOLERANCE * made


@lru_cache(maxsize=4096)
def _divisor(amounts: tuple[float, ...]) -> int:
    return gcd(*map(int, amounts)) if all(amount == int(amount) for amount in amounts) else 1


def _multiplicities(images: NDArray[np.intp] | None, order: int, stated: Sequence[str]) -> str | None:
    if not stated or (images is None and stated.count("1") == len(stated)):
        return None
    known = {i: count for i, text in enumerate(stated) if (count := multiplicity(text))}
    made = {i: 1 if images is None else int(images[i]) for i in known}
    differ = [i for i in known if known[i] != made[i]]
    # SHELXL writes the order of the site's point group: 1 in a general position
    if not differ or all(known[i] * made[i] == order for i in known):
        return (
            "" if known and images is not None else None
        )  # in a list of all atoms every multiplicity is 1, also if atoms are missing
    first = differ[0]
    return f"site {first + 1} is stated to be {known[first]} atoms, and is {made[first]}"


def _density(stated: Claims, counts: bytes, volume: float, hydrogen: float) -> str | None:
    if stated.density is None:
        return None
    density = (_weight(counts) + hydrogen * _WEIGHTS[_HYDROGEN]) / volume * _DALTON
    if abs(density - stated.density) <= DENSITY_TOLERANCE * density:
        return ""
    return f"the density is {stated.density:g} g/cm³, and they make {density:.4g} g/cm³"


def _hydrogen_by_weight(weight: float, counts: bytes) -> float:
    """How many hydrogen atoms are missing to the stated ``weight``, in an organic crystal that lists none."""
    if _HYDROGEN in counts or _CARBON not in counts:
        return 0.0
    lacking = weight - _weight(counts)
    most = 2 * _WEIGHTS[_HYDROGEN] * sum(map(counts.count, _BEARERS))
    return lacking / _WEIGHTS[_HYDROGEN] if DENSITY_TOLERANCE * weight < lacking <= most else 0.0


def _weight(counts: bytes) -> float:
    """The weight of the atoms of a cell, in u."""
    return sum(_WEIGHTS[z] * counts.count(z) for z in set(counts))


def _same_weight(amounts: Amounts, weight: float) -> bool:
    own = sum(_WEIGHTS[z] * amount for z, amount in amounts.items())
    return abs(own - weight) <= WEIGHT_TOLERANCE * own


_WEIGHTS: Final = tuple(float(gemmi.Element(z).weight) for z in range(len(SYMBOLS)))
"""Atomic weights in u, by atomic number."""
