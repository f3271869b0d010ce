"""What a CIF says of its crystal, held against the atoms that came out: formula, Z, multiplicities, density, volume.

A file can be well-formed and wrong: cut short, of another origin, without half of its operations.  Only its own
words tell.  What disagrees rejects the crystal, or is let through with a *remark* where it does no harm: a code
that stays with the sample.
"""

import math
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from math import gcd
from typing import Final, NamedTuple

import gemmi
import numpy as np
from numpy.typing import NDArray

from hpcvox.crystals.elements import SYMBOLS
from hpcvox.crystals.formats.cif import blocks
from hpcvox.crystals.formats.cif.elements.formulas import Amounts, parsed
from hpcvox.errors import Rejected

REMARKS: Final = {
    "hydrogen": "the formula states more hydrogen than the file locates, or less",
    "formula-units": "Z is not that of the cell's atoms; multiplicities or density are",
    "multiplicity": "a site's multiplicity is not that of its images; Z or density agree",
    "density": "the density is not that of the cell's atoms; Z or multiplicities agree",
    "weight": "the formula's weight is not the one that is stated",
    "setting": "the space group is stated in two settings; the one taken agrees with the rest of the file",
}
"""By code: what a remark means."""

VOLUME_TOLERANCE: Final = 0.01
DENSITY_TOLERANCE: Final = 0.02
WEIGHT_TOLERANCE: Final = 0.01
_COUNT_TOLERANCE: Final = 0.01
_HYDROGEN: Final = 1
_DALTON: Final = 1.66053906660  # g/cm³ of 1 u/Å³

_TAGS: Final = (
    ("_chemical_formula_sum", "_chemical_formula.sum"),
    ("_cell_formula_units_Z", "_cell.formula_units_Z"),
    ("_cell_volume", "_cell.volume"),
    ("_exptl_crystal_density_diffrn", "_exptl_crystal.density_diffrn"),
    ("_chemical_formula_weight", "_chemical_formula.weight"),
)


class Claims(NamedTuple):
    """What a block says of its crystal; None where it does not."""

    formula: str | None
    amounts: Amounts | None  # the formula, read
    units: float | None  # Z
    volume: float | None  # Å³
    density: float | None  # g/cm³
    weight: float | None  # u


def claims(block: gemmi.cif.Block) -> Claims:
    """What the ``block`` says of its crystal."""
    find = blocks.finder(block)
    formula, units, volume, density, weight = [find(tag) or find(dotted) for tag, dotted in _TAGS]
    return Claims(
        formula,
        None if formula is None else parsed(formula),
        None if units is None else _number(units),
        None if volume is None else _number(volume),
        None if density is None else _number(density),
        None if weight is None else _number(weight),
    )


def _number(text: str) -> float | None:
    number = gemmi.cif.as_number(text.strip("'\""))
    return number if 0 < number < math.inf else None  # nan for ? and text


def check_volume(stated: Claims, volume: float) -> None:
    """Hold the stated volume against that of the cell, in Å³.

    Raises:
        Rejected: ``cell``, where they differ by more than 1 %.
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
    """Hold the atoms ``numbers`` (n,) of a cell of ``volume`` Å³ against what the file states.

    ``images`` (m,) counts the atoms that a group of ``order`` operations made of each listed site, None where the
    listed sites are all; ``multiplicities`` are those stated, as text, one a listed site, or none.

    Returns: codes of :data:`REMARKS`, of what disagrees and does no harm.

    Raises:
        Rejected: ``incomplete`` (elements or proportions differ from the formula), ``symmetry`` (the number of
            atoms differs from all that the file says of it).
    """
    found: list[str] = []
    counts = numbers.tobytes()
    unit = 0.0
    hydrogen = 0.0  # stated and not listed, atoms a cell
    if stated.amounts is not None:
        located = counts.count(_HYDROGEN)
        unit = _formula_units(stated, counts, located)
        hydrogen = unit * stated.amounts.get(_HYDROGEN, 0.0) - located
        if hydrogen and abs(hydrogen) > _COUNT_TOLERANCE * max(located, 1):
            found.append("hydrogen")
        if stated.weight is not None and not _same_weight(stated.amounts, stated.weight):
            found.append("weight")
    verdicts = {
        "formula-units": _units(stated, unit, counts),
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


def _formula_units(stated: Claims, counts: bytes, located: int) -> float:
    """How many times the formula is in the cell: by its elements other than hydrogen, where it has any.

    ``located`` of the atoms are hydrogen.
    """
    amounts, found, unit, same = stated.amounts or {}, located, 0.0, True
    for z, amount in amounts.items():
        if z != _HYDROGEN:
            count = counts.count(z)
            found += count
            unit = unit or count / amount
            same = same and abs(count - unit * amount) <= _COUNT_TOLERANCE * count and count > 0
    if not same or found != len(counts):
        raise Rejected(
            "incomplete", f"the formula is {stated.formula}, the atoms of the cell are {_listed(counts)}"
        )
    return unit or located / amounts.get(_HYDROGEN, 1.0)


def _listed(counts: bytes) -> str:
    return " ".join(f"{SYMBOLS[z]}{count}" for z, count in sorted(Counter(counts).items()))


# Each verdict: None where nothing is stated, "" where it agrees, else what disagrees.


def _units(stated: Claims, unit: float, counts: bytes) -> str | None:
    if stated.units is None or not unit or stated.amounts is None:
        return None
    if _same_units(stated.units, unit):
        return ""
    # pymatgen writes the sum of the whole cell and Z of the reduced formula, the OQMD atoms by elements for Z
    others = unit * _divisor(tuple(stated.amounts.values())), len(counts) / len(stated.amounts)
    if any(_same_units(stated.units, other) for other in others):
        return ""
    return f"Z is {stated.units:g} of {stated.formula}, and they are {unit:.3g} of it"


def _same_units(stated: float, made: float) -> bool:
    return abs(stated - made) <= _COUNT_TOLERANCE * made


@lru_cache(maxsize=4096)
def _divisor(amounts: tuple[float, ...]) -> int:
    return gcd(*map(int, amounts)) if all(amount == int(amount) for amount in amounts) else 1


def _multiplicities(images: NDArray[np.intp] | None, order: int, stated: Sequence[str]) -> str | None:
    if not stated or (images is None and stated.count("1") == len(stated)):
        return "" if stated else None
    known = {i: int(text) for i, text in enumerate(stated) if text.isdigit() and int(text) > 0}
    made = {i: 1 if images is None else int(images[i]) for i in known}
    differ = [i for i in known if known[i] != made[i]]
    # SHELXL writes the order of the site's symmetry: 1 in a general position
    if not differ or all(known[i] * made[i] == order for i in known):
        return "" if known else None
    first = differ[0]
    return f"site {first + 1} is stated to be {known[first]} atoms, and is {made[first]}"


def _density(stated: Claims, counts: bytes, volume: float, hydrogen: float) -> str | None:
    if stated.density is None:
        return None
    weight = sum(_WEIGHTS[z] * counts.count(z) for z in set(counts)) + hydrogen * _WEIGHTS[_HYDROGEN]
    density = weight / volume * _DALTON
    if abs(density - stated.density) <= DENSITY_TOLERANCE * density:
        return ""
    return f"the density is {stated.density:g} g/cm³, and they make {density:.4g} g/cm³"


def _same_weight(amounts: Amounts, weight: float) -> bool:
    own = sum(_WEIGHTS[z] * amount for z, amount in amounts.items())
    return abs(own - weight) <= WEIGHT_TOLERANCE * own


_WEIGHTS: Final = tuple(float(gemmi.Element(z).weight) for z in range(len(SYMBOLS)))
"""By atomic number, in u."""
