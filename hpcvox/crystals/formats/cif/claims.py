"""Reads what a CIF states of its crystal besides the atoms: formula, Z, volume, density, weight."""

import math
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import gemmi

from hpcvox.crystals.formats.cif import blocks
from hpcvox.crystals.formats.cif.elements.formulas import Amounts, absent, readings
from hpcvox.crystals.formats.cif.elements.stated import stated_counts, stated_types

_FORMULAS: Final = tuple(
    f"_chemical_formula_{kind}" for kind in ("sum", "structural", "moiety", "iupac", "analytical")
)
_OTHERS: Final = _FORMULAS[1:3]
_TAGS: Final = (
    "_cell_formula_units_Z",
    "_cell_volume",
    "_exptl_crystal_density_diffrn",
    "_chemical_formula_weight",
)
_DOTTED: Final = {
    f"{category}_{name}": f"{category}.{name}"
    for category, names in {
        "_cell": ("formula_units_Z", "volume"),
        "_exptl_crystal": ("density_diffrn",),
        "_chemical_formula": ("weight", *(tag.removeprefix("_chemical_formula_") for tag in _FORMULAS)),
    }.items()
    for name in names
}
"""For each tag its spelling with a dot."""


class Claims(NamedTuple):
    """The statements of a block about its crystal; None for those that it lacks."""

    formula: str | None
    amounts: tuple[
        Amounts, ...
    ]  # possible meanings of the formula; empty if there is none, or it cannot be read
    units: float | None  # Z
    volume: float | None  # Å³
    density: float | None  # g/cm³
    weight: float | None  # u
    types: frozenset[int]  # atomic numbers of the list of atom types, where there are no amounts
    others: tuple[str, ...]  # the structural and the moiety formula beside that which was read
    counts: tuple[tuple[int, float], ...]  # where there is no Z: atoms in the cell, by the list of atom types
    unread: bool = False  # whether Z, volume, density or weight is stated and cannot be read


def claims(block: gemmi.cif.Block, dotted: bool) -> Claims:
    """Read the statements of ``block`` about its crystal; ``dotted``: it has tags with dots."""
    value = blocks.finder(block)

    def either(tag: str) -> str | None:
        return value(tag) or value(_DOTTED[tag])

    find = either if dotted else value
    written = list(map(find, _TAGS))
    units, volume, density, weight = (None if text is None else _number(text) for text in written)
    formula, amounts = _formula(find)
    others = [other for other in map(find, _OTHERS) if other and other != formula] if amounts else ()
    return Claims(
        formula,
        amounts,
        units,
        volume,
        density,
        weight,
        frozenset() if amounts else stated_types(block),
        tuple(others),
        stated_counts(block) if written[0] is None else (),
        unread=_unread(written, (units, volume, density, weight)),
    )


def _formula(find: Callable[[str], str | None]) -> tuple[str | None, tuple[Amounts, ...]]:
    """The first formula that can be read, else the first one."""
    unread = None
    for tag in _FORMULAS:
        formula = find(tag)
        if formula is not None:
            amounts = readings(formula)
            if amounts:
                return formula, amounts
            if unread is None and not absent(formula):
                unread = formula
    return unread, ()


def _unread(written: Sequence[str | None], read: Sequence[float | None]) -> bool:
    """Whether something is ``written`` where no number was ``read``, and does not say that it is not known."""
    return None in read and any(
        number is None and text is not None and not absent(text)
        for text, number in zip(written, read, strict=True)
    )


def _number(text: str) -> float | None:
    number = gemmi.cif.as_number(text.strip("'\";\n "))
    return number if 0 < number < math.inf else None  # nan for ? and text
