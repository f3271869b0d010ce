"""Reads the elements that a CIF states besides its sites: in its formula, or in its list of atom types."""

import re
from functools import lru_cache
from typing import Final

import gemmi

from hpcvox.crystals.elements import ATOMIC_NUMBERS
from hpcvox.crystals.formats.cif import blocks
from hpcvox.crystals.formats.cif.elements.symbols import number_of_type, of_type, symbols_in
from hpcvox.errors import Rejected

_FORMULAS: Final = (
    "_chemical_formula_sum",
    "_chemical_formula.sum",
    "_chemical_formula_structural",
    "_chemical_formula_moiety",
)
_TYPES: Final = ("_atom_type_symbol", "_atom_type.symbol")
_COUNT: Final = "_atom_type_number_in_cell"
_COUNT_DOTTED: Final = "_atom_type.number_in_cell"
_CAPITALS = re.compile("[A-Z]{2}")


def stated_elements(block: gemmi.cif.Block) -> frozenset[str]:
    """Their symbols; ``H`` stands for deuterium and tritium, too, and tritium adds ``T``; empty if none can be read."""
    for tag in _FORMULAS:
        found = _of_formula(blocks.text(block, (tag,)))
        if found:
            return found
    for tag in _TYPES:
        try:
            readings = [of_type(symbol) for symbol in block.find_loop(tag)]
        except Rejected:
            continue
        if readings and all(reading.certain for reading in readings):
            return frozenset(reading.elements[0] for reading in readings)
    return frozenset()


def stated_types(block: gemmi.cif.Block) -> frozenset[int]:
    """Atomic numbers of the elements in the list of atom types, as far as they can be read."""
    found = set()
    for tag in _TYPES:
        for symbol in block.find_loop(tag):
            try:
                reading = of_type(symbol)
            except Rejected:
                continue
            if reading.certain:
                found.add(ATOMIC_NUMBERS[reading.elements[0]])
    return frozenset(found)


def stated_counts(block: gemmi.cif.Block) -> tuple[tuple[int, float], ...]:
    """Atomic numbers and numbers of atoms in the cell, from the list of atom types; empty if one cannot be read."""
    table = block.find([_TYPES[0], _COUNT]) or block.find([_TYPES[1], _COUNT_DOTTED])
    found: dict[int, float] = {}
    for symbol, count in table:
        try:
            z = number_of_type(symbol)
        except Rejected:
            return ()
        found[z] = found.get(z, 0.0) + gemmi.cif.as_number(count)
    if 0 in found or not all(amount > 0 for amount in found.values()):  # nan is none, too
        return ()
    return tuple(found.items())


@lru_cache(maxsize=4096)
def _of_formula(text: str) -> frozenset[str]:
    if text == text.upper() and _CAPITALS.search(text):  # CU O may be CuO
        return frozenset()
    return frozenset(symbols_in(text))
