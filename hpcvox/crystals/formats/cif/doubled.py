"""Handles tags that a CIF block gives twice: fine if the values agree or do not concern the crystal, else rejected."""

import re
from typing import Any, Final

import gemmi

from hpcvox.crystals.formats.cif import blocks
from hpcvox.errors import Rejected

_OF_THE_CRYSTAL: Final = re.compile(
    r"_cell_(length|angle|formula_units_z|modulation)|_symmetry_|_(parent_)?space_group_|_chemical_formula_sum\Z"
    r"|_atom_site_(?!aniso|[ub]_|adp_|thermal_|refinement_|details|moment)"
)
"""Tags on which the atoms in the cell depend; other tags, such as temperatures, may contradict each other."""

_LINE: Final = re.compile(r"^\s*(_\S+)[ \t]*(.*?)\s*$", re.MULTILINE)
_OF_A_NUMBER: Final = re.compile(
    r"_cell[_.](length|angle|formula_units)_|_(symmetry|space_group)[_.](int_tables|it)_number", re.IGNORECASE
)
_TWO_WORDS: Final = re.compile(r"[^\s'\"]+\s+[^\s_#]")
_TEXT_FIELD: Final = re.compile(r"^;.*?^;", re.MULTILINE | re.DOTALL)
_SHOWN: Final = 40


def settle(block: gemmi.cif.Block) -> None:
    """Keep one value of each tag in ``block``, in place: the first known one (``?`` and ``.`` are unknown).

    A tag with the dots of DDLm (``_cell.length_a``) is the same as the tag with underscores.

    Raises:
        Rejected: ``cif-syntax``, if a tag that concerns the crystal has two different values, or is in two loops.
    """
    found: dict[str, tuple[str, list[str], bool]] = {}
    for tag, values, looped in blocks.tagged(block):
        if not of_the_crystal(tag):
            continue
        name = tag.lower().replace(".", "_")
        first, before, was_looped = found.setdefault(name, (tag, values, looped))
        if before is values or _same(before, values):
            continue
        if looped or was_looped or not (_unknown(before[0]) or _unknown(values[0])):
            raise _contradiction(first, tag, before, values)
        if _unknown(before[0]):
            block.set_pair(first, values[0])
            found[name] = first, values, looped
    _refuse_second_list(block)


def refuse_in_text(text: str) -> None:
    """Raise ``Rejected("cif-syntax")`` as :func:`settle` does, for the text of one block with faulty syntax.

    Also if a number consists of two words, because only the first would be read.
    """
    seen: dict[str, str] = {}
    for tag, value in _LINE.findall(_TEXT_FIELD.sub("", text)):
        if of_the_crystal(tag):
            if _OF_A_NUMBER.match(tag) and _TWO_WORDS.match(value):
                raise Rejected("cif-syntax", f"{tag} is {short(value)}: one number is valid")
            before = seen.setdefault(tag.lower(), value)
            if before is not value and not (value and _same([before], [value])):
                raise _contradiction(tag, tag, [before] if before else [], [value] if value else [])


def of_the_crystal(tag: str) -> bool:
    """Whether the atoms in the cell depend on the value of ``tag``."""
    return _OF_THE_CRYSTAL.match(tag.lower().replace(".", "_")) is not None


def _unknown(value: str) -> bool:
    return gemmi.cif.as_string(value).strip() in ("", "?", ".")


def _same(these: list[str], those: list[str]) -> bool:
    return these == those or (len(these) == len(those) and all(map(_equal, these, those)))


def _equal(one: str, other: str) -> bool:
    """Whether two values mean the same: 4.10 and 4.1(2), 'P m' and Pm."""
    if one == other:
        return True
    if _unknown(one) or _unknown(other):
        return _unknown(one) and _unknown(other)
    a, b = gemmi.cif.as_number(one), gemmi.cif.as_number(other)
    if a == a and b == b:
        return a == b
    these, those = ("".join(gemmi.cif.as_string(value).lower().split()) for value in (one, other))
    return these == those


def _refuse_second_list(block: gemmi.cif.Block) -> None:
    """Raise ``Rejected`` if a second loop of the same sites has columns that the first lacks: only one is read."""
    lists: list[set[str]] = []
    item: Any
    for item in block:
        if item.loop is not None:
            names = (tag.lower().replace(".", "_") for tag in item.loop.tags if of_the_crystal(tag))
            lists.append({tag for tag in names if tag.startswith("_atom_site_")})
    first = next(filter(None, lists), set())
    for tags in lists:
        if tags & first and (more := sorted(tags - first)):
            raise Rejected(
                "cif-syntax", f"{more[0]} is in a second loop of atom sites: put it into the first"
            )


def _contradiction(first: str, tag: str, before: list[str], values: list[str]) -> Rejected:
    if len(before) == len(values) == 1:
        what = f"as {short(before[0])} and as {short(values[0])}"
    elif not before or not values:
        what = "in loops"
    elif len(before) != len(values):
        what = f"with {len(before)} and with {len(values)} values"
    else:
        k = next(k for k, pair in enumerate(zip(before, values, strict=True)) if not _equal(*pair))
        what = f"with different values: the {k + 1}. is {short(before[k])} and {short(values[k])}"
    twice = (
        f"{tag} is given twice in one block"
        if first == tag
        else f"{first} and {tag} are one tag, given twice"
    )
    return Rejected("cif-syntax", f"{twice}, {what}: keep the right one")


def short(value: str) -> str:
    """The value as messages show it, shortened if it is long."""
    return value if len(value) <= _SHOWN else value[:_SHOWN] + "…"
