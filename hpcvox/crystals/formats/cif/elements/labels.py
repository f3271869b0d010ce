"""Finds the element of an atom from its label, if the CIF has no type symbol: ``Ca1``, ``AlM1``, ``O1'``, ``Ow``.

A label is free text and may mean several elements (``CA1``: calcium, or a carbon); then the formula decides.
"""

import re
from functools import lru_cache
from itertools import product
from typing import Final

from hpcvox.crystals.elements import ATOMIC_NUMBERS, FAMILIES
from hpcvox.crystals.formats.cif.elements.symbols import (
    NO_ATOM,
    UNKNOWN,
    UNKNOWN_MARKS,
    Reading,
    mixed,
    no_atom,
    of_type,
)
from hpcvox.errors import Rejected

_LABEL = re.compile(r"(?P<first>[A-Za-z][a-z]*)(?P<marks>[A-Za-z]*)(?P<rest>.*)", re.DOTALL)
_SECOND = re.compile(r"(?!Tet)([A-Z][a-z])")  # AlTet is a tetrahedral aluminium
_PARTED = re.compile(r"(?:[0-9.+-]*[/,&+|;:]\s*[0-9.]*|0?\.[0-9]+\s*)([A-Z][a-z]?)")  # Fe/Mn, Fe0.5Mn0.5
_JOINED = re.compile(r"[-_ ]([A-Z][a-z]?)(?![A-Za-z])")  # Fe-Mn: both, or an iron beside manganese
_BEARER = re.compile(r"['\"]?(?:O[hHwW]|[Ww]at|WAT)(?![a-z])")
_GROUP: Final = re.compile(r"[^OHD][OFH]", re.IGNORECASE)
"""What may be a group of atoms: SO4, BF4, CH3.  By the dictionary a label begins with its type symbol: SO is none."""
_GROUP_OF_MORE: Final = re.compile(r"\d+[OFH](?:\d|$)|\((?:OH|H2O|[A-Z][a-z]?[OFH]\d)")
"""The same, behind the symbol: H2O (also the hydrogen of an atom O2), P2O7, Mg(OH)2."""
_MARKS: Final = {  # by letters of the symbol: what may follow it in capitals, that is no word (ATOM, BOND, LIGAND)
    1: re.compile(r"[A-Z]{0,2}|OCT|TET|[IVX]+"),
    2: re.compile(r"[A-FHIMOPTV-Z]?|OCT|TET|[IVX]+"),
}
_MAX_CHOICES = 12
_NUMBERS: Final = ATOMIC_NUMBERS | {"T": ATOMIC_NUMBERS["H"]}


@lru_cache(maxsize=65536)
def number_of_label(label: str) -> int:
    """The atomic number of a label that can mean only one element; else 0.

    Raises:
        Rejected: with the codes of :func:`of_label`.
    """
    reading = of_label(label)
    return ATOMIC_NUMBERS[reading.elements[0]] if reading.certain and len(reading.elements) == 1 else 0


@lru_cache(maxsize=65536)
def of_label(label: str) -> Reading:
    """The elements that a label may mean; ``UNKNOWN`` for ``.`` and ``?``.

    The case decides first: ``Co1`` is cobalt, but ``CO1`` may be a carbon.  A label in small letters is read like one
    in capitals.

    Raises:
        Rejected: ``element`` (it begins with no element's symbol), ``disordered`` (it names several).
    """
    bare = label.strip("'\" \t")
    if bare in UNKNOWN_MARKS:
        return UNKNOWN
    match = _LABEL.match(bare.upper() if bare.islower() else bare)
    if match is None:
        raise _no_element(bare)
    letters = match["first"] + match["marks"]
    if letters.lower() in NO_ATOM or letters == "Cg":  # the centre of a ring
        raise no_atom("label", bare)
    if letters.lower().startswith("wat"):
        return Reading(("O",), True)  # the oxygen of water: WatOW, Watz1
    small = len(match["first"]) - 1
    elements = _possible(letters)
    if not elements or small > 2:  # or a word
        raise _no_element(bare)
    whole = small > 0 and len(elements[0]) == 2  # a symbol of two letters in its own case
    _refuse_second(bare, elements[0] if whole else letters[0], letters[1 + whole :], match["rest"])
    beside = _JOINED.match(match["rest"]) if letters == letters[: 1 + whole] else None
    if beside is not None and beside[1] in ATOMIC_NUMBERS and beside[1] not in ("O", "H", "D", elements[0]):
        return Reading(elements, False)
    if letters != "O" and _GROUP_OF_MORE.match(match["rest"]):
        return Reading(elements[:1] if whole else elements, False)
    if whole and letters[2:3] in ATOMIC_NUMBERS and letters[2:] != "Oct":
        return Reading(elements[:1], False)  # NaK1: sodium on a K site, or both
    if whole:
        return Reading(elements, small == 1)
    if len(letters) == 1:
        return Reading(elements, elements != ("T",))
    certain = small < 2 and len(elements) == 1 and letters[:2] not in FAMILIES
    certain = certain and not (len(elements[0]) == 1 and _GROUP.match(letters))
    marked = not letters.isupper() or _MARKS[len(elements[0])].fullmatch(letters, len(elements[0]))
    return Reading(elements, certain and marked is not None)


def _possible(letters: str) -> tuple[str, ...]:
    """The elements whose symbols are the beginning of ``letters``, in any case, the longer symbol first."""
    two, one = letters[:2].capitalize(), letters[0]
    found = [two] if len(letters) > 1 and two in ATOMIC_NUMBERS else []
    if one in ATOMIC_NUMBERS or one == "D":
        found.append("H" if one == "D" else one)
    if one == "W":  # also of water
        found.append("O")
    return tuple(found) or (("T",) if letters == "T" else ())


def _no_element(bare: str) -> Rejected:
    return Rejected(
        "element",
        f"the label {bare[:40]!r} begins with no element's symbol, as Fe1 and O2A do: add _atom_site_type_symbol",
    )


def _refuse_second(bare: str, first: str, marks: str, rest: str) -> None:
    """Raise ``Rejected("disordered")`` if the label continues with another element, as in ``FeMn1`` and ``Fe/Mn``."""
    second = _SECOND.match(marks) if first not in ("O", "H", "D") else None  # OSi: an oxygen next to silicon
    second = second or (_PARTED.match(rest) if not marks else None)
    if second is not None and second[1] in ATOMIC_NUMBERS and second[1] != first:
        raise mixed("label", bare, [first, second[1]])


def names_hydrogen(label: str) -> bool:
    """Whether a label names the oxygen of water or of a hydroxyl: ``Ow1``, ``Oh``, ``WatOW``."""
    return _BEARER.match(label) is not None


def told(symbols: list[str], labels: list[str], stated: frozenset[str]) -> list[int]:
    """The atomic numbers of sites, from their type symbols and labels (empty for a site without one).

    Args:
        symbols: type symbols.
        labels: labels.
        stated: the elements that the file states elsewhere, as in its formula; empty if it states none.  If a label may
            mean several elements, the one is chosen with which the sites have exactly the stated elements.

    Raises:
        Rejected: ``element``, ``disordered``, ``incomplete``.
    """
    n = max(len(symbols), len(labels))
    sites = [
        _read(k + 1, symbol, label)
        for k, (symbol, label) in enumerate(zip(symbols or [""] * n, labels or [""] * n, strict=True))
    ]
    chosen: dict[str, str] = {}
    open_: dict[tuple[str, ...], list[str]] = {}
    for name, reading in dict(sites).items():
        possible = [element for element in reading.elements if element in stated]
        if reading.certain:
            chosen[name] = possible[0] if possible else reading.elements[0]
        elif len(possible) == 1:
            chosen[name] = possible[0]
        elif possible and len(open_) < _MAX_CHOICES:
            open_[reading.elements] = possible
        else:
            raise _ambiguous(name, reading, stated)
    if open_:
        given = stated - {"H"}  # many structures state hydrogen but do not list it
        options = [
            option for option in product(*open_.values()) if {*chosen.values(), *option} - {"H"} == given
        ]
        if len(options) != 1:
            name, reading = next((n, r) for n, r in sites if r.elements in open_ and n not in chosen)
            raise _ambiguous(name, reading, stated)
        alike = dict(zip(open_, options[0], strict=True))
        chosen |= {name: alike[r.elements] for name, r in sites if name not in chosen}
    return [_NUMBERS[chosen[name]] for name, _ in sites]


def _read(place: int, symbol: str, label: str) -> tuple[str, Reading]:
    """The name of a site (its type symbol, else its label) for messages, and the elements that it may mean."""
    reading = of_type(symbol)
    if reading is not UNKNOWN:
        return f"type symbol {symbol}", reading
    reading = of_label(label)
    if reading is UNKNOWN:
        raise Rejected("element", f"atom {place} has no element: neither a type symbol nor a label")
    return f"label {label}", reading


def _ambiguous(name: str, reading: Reading, stated: frozenset[str]) -> Rejected:
    *others, last = ("tritium" if element == "T" else element for element in reading.elements)
    meant = f"{' or '.join(others)} or {last}" if others else f"{last} or something else"
    told_by = (
        f"the elements stated, {' '.join(sorted(stated))}, do not tell" if stated else "no formula tells"
    )
    remedy = "_atom_site_type_symbol" if name.startswith("label") else "_chemical_formula_sum"
    return Rejected("element", f"the {name} can mean {meant}, and {told_by}: add {remedy}")
