"""Reads the symmetry of a CIF block from all tags for it, and rejects tags that contradict each other.

The old dictionary, the new one and DDLm have different tags for the same thing, and a block may have several of them.
"""

from functools import lru_cache
from typing import Final

import gemmi

from hpcvox.crystals.formats.cif import blocks
from hpcvox.crystals.formats.cif.symmetry import group_names
from hpcvox.crystals.formats.cif.symmetry.groups import Group, group
from hpcvox.errors import Rejected

_OPERATION_TAGS: Final = (
    "_symmetry_equiv_pos_as_xyz",
    "_space_group_symop_operation_xyz",
    "_space_group_symop.operation_xyz",
    "_symmetry_equiv.pos_as_xyz",
)
_HALL_TAGS: Final = (
    "_space_group_name_Hall",
    "_symmetry_space_group_name_Hall",
    "_space_group.name_Hall",
    "_symmetry.space_group_name_Hall",
)
_REFERENCES: Final = ("_space_group_name_H-M_ref", "_space_group.name_H-M_ref")
"""The tag of the symbol of the reference setting, which may differ from the file's setting."""
_SYMBOL_TAGS: Final = (
    "_symmetry_space_group_name_H-M",
    "_space_group_name_H-M_alt",
    "_space_group.name_H-M_alt",
    "_space_group_name_H-M_full",
    "_space_group.name_H-M_full",
    "_symmetry_space_group_name_H-M_alt",
    "_symmetry_space_group_name_H-M_full",
    "_space_group_name_H-M",
    *_REFERENCES,
    "_space_group.name_H-M",
    "_symmetry.space_group_name_H-M",
)
_NUMBER_TAGS: Final = (
    "_symmetry_Int_Tables_number",
    "_space_group_IT_number",
    "_space_group.IT_number",
    "_symmetry.Int_Tables_number",
)
_CODE_TAGS: Final = ("_space_group_IT_coordinate_system_code", "_space_group.IT_coordinate_system_code")
_SYSTEM_TAGS: Final = (
    "_symmetry_cell_setting",
    "_space_group_crystal_system",
    "_space_group.crystal_system",
    "_symmetry.cell_setting",
)
_IDENTITY_SPELLINGS: Final = frozenset(
    {"'x, y, z'", "x,y,z", "'x,y,z'", "+x,+y,+z", '"x, y, z"', "'+x,+y,+z'"}
)
IDENTITY: Final[tuple[str, ...]] = ("x,y,z",)

_P1_SPELLINGS: Final = frozenset({None, "?", ".", "P1", "'P1'", "'P 1'", '"P 1"'})
_NUMBER_1: Final = frozenset({None, "?", ".", "1"})
_TRICLINIC: Final = frozenset({None, "?", ".", "triclinic"})


def of_p1(block: gemmi.cif.Block) -> bool:
    """Whether a block of the old dictionary lists only the identity and names only P 1, in the usual spelling."""
    column, find = block.find_loop(_OPERATION_TAGS[0]), blocks.finder(block)
    return (
        len(column) == 1
        and column[0] in _IDENTITY_SPELLINGS
        and find(_SYMBOL_TAGS[0]) in _P1_SPELLINGS
        and find(_NUMBER_TAGS[0]) in _NUMBER_1
        and find(_SYSTEM_TAGS[0]) in _TRICLINIC
    )


# If ``all_tags`` is false, the block has at most the first tag for each thing, and no Hall symbol: see ``unusual.py``.


def operations(block: gemmi.cif.Block, all_tags: bool) -> tuple[str, ...] | None:
    """The operations that the block lists; None if it lists none.

    Raises:
        Rejected: ``symmetry``, if there are two lists with different operations.
    """
    first: tuple[str, tuple[str, ...]] | None = None
    for tag in _OPERATION_TAGS if all_tags else _OPERATION_TAGS[:1]:
        found = _listed(block, tag)
        if found is None:
            continue
        if not all_tags:
            return found
        first = first or (tag, found)
        if first[1] != found and group(first[1]).key != group(found).key:
            raise Rejected(
                "symmetry",
                f"{first[0]} lists {len(first[1])} operations and {tag} {len(found)}, which are not the same",
            )
    return None if first is None else first[1]


def _listed(block: gemmi.cif.Block, tag: str) -> tuple[str, ...] | None:
    column = block.find_loop(tag)
    if len(column) == 1 and column[0] in _IDENTITY_SPELLINGS:
        return IDENTITY
    found = blocks.column(block, tag)
    return found if any(operation not in ("", "?", ".") for operation in found) else None


def symbol(block: gemmi.cif.Block, all_tags: bool) -> str:
    """The Hermann-Mauguin symbol; of several the one that is most exact about its setting; empty if there is none.

    Raises:
        Rejected: ``symmetry``, if there are two symbols of different groups, or of different settings.
    """
    if not all_tags:
        return blocks.text(block, _SYMBOL_TAGS[:1])
    said = _said(block, _SYMBOL_TAGS)
    read = [(tag, text) for tag, text in said if group_names.settings(text)]
    if len({text for _, text in read}) < 2:
        return (read or said or [("", "")])[0][1]
    number, exact = 0, ("", "", frozenset[str]())
    for tag, text in read:
        found = group_names.settings(text)[0].number
        if number not in (0, found):
            raise _contradiction(read[0], (tag, text))
        number = found
        stated = frozenset(setting.xhm() for setting in group_names.stated(text))
        if stated and tag not in _REFERENCES:
            if exact[2] and not exact[2] & stated:
                raise _contradiction(exact[:2], (tag, text))
            if not exact[2] or len(stated) < len(exact[2]):
                exact = tag, text, stated
    return exact[1] or read[0][1]


def number(block: gemmi.cif.Block, all_tags: bool) -> str:
    """The number in the International Tables; empty if there is none.

    Raises:
        Rejected: ``symmetry``, if there are two different ones.
    """
    if not all_tags:
        return _whole(blocks.text(block, _NUMBER_TAGS[:1]))
    said = [(tag, _whole(text)) for tag, text in _said(block, _NUMBER_TAGS)]
    read = [(tag, text) for tag, text in said if text.isdecimal()]
    for other in read[1:]:
        if int(other[1]) != int(read[0][1]):
            raise _contradiction(read[0], other)
    return (read or said or [("", "")])[0][1]


def _whole(text: str) -> str:
    """``225`` of ``225.0``, as tables of floating-point numbers have it."""
    whole, point, rest = text.partition(".")
    return whole if point and not rest.strip("0") else text


def hall(block: gemmi.cif.Block, all_tags: bool) -> str:
    """The Hall symbol; empty if there is none.

    Raises:
        Rejected: ``symmetry``, if there are two with different operations.
    """
    said = _said(block, _HALL_TAGS) if all_tags else []
    read = [(pair, found) for pair in said if (found := of_hall(pair[1])) is not None]
    for other, found in read[1:]:
        if found.key != read[0][1].key:
            raise _contradiction(read[0][0], other)
    return read[0][0][1] if read else said[0][1] if said else ""


@lru_cache(maxsize=1024)
def of_hall(symbol: str) -> Group | None:
    """The group of a Hall symbol; None if the text is no Hall symbol."""
    try:
        found = gemmi.symops_from_hall(symbol)
    except (ValueError, RuntimeError):
        return None
    return group(tuple(operation.triplet() for operation in found))


def code(block: gemmi.cif.Block) -> str:
    """The code of the coordinate system; empty if there is none."""
    return blocks.text(block, _CODE_TAGS)


def systems(block: gemmi.cif.Block) -> list[str]:
    """The crystal systems that the block states."""
    return [text.lower() for _, text in _said(block, _SYSTEM_TAGS)]


def _said(block: gemmi.cif.Block, tags: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(tag, text) for tag in tags if (text := blocks.text(block, (tag,)))]


def _contradiction(one: tuple[str, str], other: tuple[str, str]) -> Rejected:
    return Rejected("symmetry", f"{one[0]} is {one[1]}, and {other[0]} is {other[1]}: keep the right one")
