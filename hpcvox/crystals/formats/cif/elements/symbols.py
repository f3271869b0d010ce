"""Reads an ``_atom_site_type_symbol``: an element (``Fe3+``, ``O-2``, ``D``, ``Siva``), or the reason if it is none."""

import re
from functools import lru_cache
from typing import Final, NamedTuple

from hpcvox.crystals.elements import ATOMIC_NUMBERS, NOT_CERTAIN, is_element
from hpcvox.errors import Rejected

VALID: Final = "valid is an element's symbol, with its charge where that is known: Fe, Fe3+, O2-"

UNKNOWN_MARKS: Final = frozenset({"", ".", "?"})

NO_ATOM: Final = frozenset({
    "unk", "va", "vac", "vacancy", "void", "hole", "empty", "du", "dum", "dummy", "q", "x", "xx", "bq", "gh",
    "ghost", "lp", "nan", "nul", "null", "none", "cnt", "cen", "ctr", "cent", "centroid", "oct", "tet",
})  # fmt: skip
"""What files write instead of an element if a site has no atom, in small letters."""

_SIGNED = r"\d+[+-]?|\d+\.\d+[+-]|[+-]\d*(?:\.\d+)?|\+{2,4}|-{2,4}"  # 3, 3+, 3.5+, +3, ++
_ROMAN = r"\([IV]+\)|(?:[+-]|(?<=[a-z]))[IV]{2,3}"  # (III), III, +III
_CHARGE = rf"(?:{_SIGNED}|\((?:\d[+-]?|[+-]\d?)\)|{_ROMAN})"  # also (3+)
_SYMBOL = re.compile(rf"(?P<mass>\d{{0,3}})(?P<letters>[A-Za-z]{{1,2}})(?:\s*{_CHARGE})?", re.ASCII)
_BETWEEN = re.compile(r"[\s\d.,+*()\[\]{}'\"/:;&|-]+", re.ASCII)
_PARTS = re.compile(r"[A-Z][a-z]?")

_SCATTERERS: Final = {"Cval": "C", "Siva": "Si", "Sival": "Si"}
"""Names in tables of scattering factors for atoms with the electrons of a bond."""
_WITH_HYDROGEN: Final = {"Ow": "O", "OW": "O", "Oh": "O", "Wat": "O", "WAT": "O", "wat": "O", "Water": "O"}
"""Names of atoms that stand for a whole molecule of water or a hydroxyl."""


class Reading(NamedTuple):
    """The elements that a symbol or label may mean."""

    elements: tuple[str, ...]  # their symbols, the likeliest first; T if it would be tritium
    certain: bool  # whether the first is right unless a formula says otherwise


UNKNOWN: Final = Reading((), False)


@lru_cache(maxsize=65536)
def number_of_type(symbol: str) -> int:
    """The atomic number of a type symbol; 0 if it is unknown (``.``, ``?``) or only the formula can decide.

    Raises:
        Rejected: with the codes of :func:`of_type`.
    """
    reading = of_type(symbol)
    return ATOMIC_NUMBERS[reading.elements[0]] if reading.certain else 0


@lru_cache(maxsize=65536)
def of_type(symbol: str) -> Reading:
    """The elements that a type symbol may mean; ``UNKNOWN`` for ``.`` and ``?``.

    Raises:
        Rejected: ``element`` (no element's symbol), ``disordered`` (several elements), ``incomplete`` (a
            group of atoms whose hydrogens have no positions).
    """
    bare = symbol.strip("'\" \t")
    if bare in UNKNOWN_MARKS:
        return UNKNOWN
    if bare in _SCATTERERS:
        return Reading((_SCATTERERS[bare],), True)
    if bare.lower() in NO_ATOM:
        raise no_atom("type symbol", bare)
    match = _SYMBOL.fullmatch(bare)
    if match is not None:
        letters = match["letters"]
        element = {"D": "H"}.get(letters.capitalize(), letters.capitalize())
        if is_element(element, letters) and _is_isotope(match["mass"], element):
            return Reading((element,), letters not in NOT_CERTAIN)
        if letters == "T":  # tritium, or a tetrahedral site
            return Reading(("T",), False)
    if bare in _WITH_HYDROGEN:
        raise _no_hydrogens(bare, _WITH_HYDROGEN[bare])
    found = [part for part in symbols_in(bare) if part != "T"]
    if len(found) > 1 and "H" in found:
        raise _no_hydrogens(bare, " and ".join(part for part in found if part != "H"))
    if len(found) > 1:
        raise mixed("type symbol", bare, found)
    raise Rejected("element", f"the type symbol {bare[:40]!r} is not a chemical element: {VALID}")


def symbols_in(text: str) -> list[str]:
    """The symbols of the elements in a formula or mixture, each once; empty if the text has any other word.

    Deuterium gives ``H``; tritium gives ``H`` followed by ``T``.
    """
    found: dict[str, None] = {}
    for word in _BETWEEN.split(text):
        parts = _PARTS.findall(word)
        if "".join(parts) != word:
            return []
        for part in parts:
            found |= dict.fromkeys(("H",) if part == "D" else ("H", "T") if part == "T" else (part,))
    return list(found) if found.keys() - {"T"} <= ATOMIC_NUMBERS.keys() else []


def _is_isotope(mass: str, element: str) -> bool:
    """Whether an element has an isotope with this mass number; True if no number is written."""
    return not mass or ATOMIC_NUMBERS[element] <= int(mass) <= 3 * ATOMIC_NUMBERS[element]


def no_atom(what: str, bare: str) -> Rejected:
    """The rejection of a symbol or label that stands for no atom."""
    return Rejected(
        "element",
        f"the {what} {bare[:40]!r} is no chemical element: it marks a vacancy, a dummy atom or a value that is not "
        "known; leave sites without an atom out, or give them the occupancy 0",
    )


def mixed(what: str, bare: str, elements: list[str]) -> Rejected:
    """The rejection of a symbol or label that names several elements."""
    listed = " and ".join(elements)
    return Rejected(
        "disordered", f"the site of {what} {bare[:40]!r} holds {listed}; one element a site is valid"
    )


def _no_hydrogens(bare: str, bearer: str) -> Rejected:
    return Rejected(
        "incomplete",
        f"the type symbol {bare[:40]!r} stands for {bearer} with hydrogen that has no positions of its own: "
        "list every atom as a site, with its own symbol",
    )
