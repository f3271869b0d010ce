"""What a CIF says of its crystal, beside the atoms: formula, Z, volume, density, weight."""

import math
from collections.abc import Callable
from typing import Final, NamedTuple

import gemmi

from hpcvox.crystals.formats.cif import blocks
from hpcvox.crystals.formats.cif.elements.formulas import Amounts, absent, readings
from hpcvox.crystals.formats.cif.elements.stated import stated_types

_FORMULAS: Final = tuple(
    (f"_chemical_formula_{kind}", f"_chemical_formula.{kind}")
    for kind in ("sum", "structural", "moiety", "iupac", "analytical")
)
_TAGS: Final = (
    ("_cell_formula_units_Z", "_cell.formula_units_Z"),
    ("_cell_volume", "_cell.volume"),
    ("_exptl_crystal_density_diffrn", "_exptl_crystal.density_diffrn"),
    ("_chemical_formula_weight", "_chemical_formula.weight"),
)


class Claims(NamedTuple):
    """What a block says of its crystal; None where it does not."""

    formula: str | None
    amounts: tuple[Amounts, ...]  # what the formula may mean; none where there is none, or it cannot be read
    units: float | None  # Z
    volume: float | None  # Å³
    density: float | None  # g/cm³
    weight: float | None  # u
    types: frozenset[int] = (
        frozenset()
    )  # atomic numbers of the list of atom types, where there are no amounts


def claims(block: gemmi.cif.Block) -> Claims:
    """What the ``block`` says of its crystal."""
    find = blocks.finder(block)
    units, volume, density, weight = [find(tag) or find(dotted) for tag, dotted in _TAGS]
    formula, amounts = _formula(find)
    return Claims(
        formula,
        amounts,
        None if units is None else _number(units),
        None if volume is None else _number(volume),
        None if density is None else _number(density),
        None if weight is None else _number(weight),
        frozenset() if amounts else stated_types(block),
    )


def _formula(find: Callable[[str], str | None]) -> tuple[str | None, tuple[Amounts, ...]]:
    """The first formula that can be read, else the first that is there."""
    unread = None
    for tag, dotted in _FORMULAS:
        formula = find(tag) or find(dotted)
        if formula is not None:
            amounts = readings(formula)
            if amounts:
                return formula, amounts
            if unread is None and not absent(formula):
                unread = formula
    return unread, ()


def _number(text: str) -> float | None:
    number = gemmi.cif.as_number(text.strip("'\""))
    return number if 0 < number < math.inf else None  # nan for ? and text
