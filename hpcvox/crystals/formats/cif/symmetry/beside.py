"""Compares a space group that a CIF block may mean with the other names of a group in that block."""

from functools import lru_cache
from typing import Final, NamedTuple

import gemmi

from hpcvox.crystals.formats.cif.symmetry import group_names, words
from hpcvox.crystals.formats.cif.symmetry.classes import check_classes
from hpcvox.crystals.formats.cif.symmetry.groups import Group, Operations, fits, group
from hpcvox.errors import Rejected

_SYSTEMS: Final = {  # for each crystal system the range of its groups' numbers, without the end
    "triclinic": (1, 3),
    "monoclinic": (3, 16),
    "orthorhombic": (16, 75),
    "tetragonal": (75, 143),
    "trigonal": (143, 168),
    "rhombohedral": (143, 168),
    "hexagonal": (143, 195),
    "cubic": (195, 231),
}


class StatedGroup(NamedTuple):
    """A space group that the block may mean."""

    group: Group
    name: str  # for messages: "F d -3 m:2" | "the listed operations"
    listed: Operations | None = (
        None  # listed operations, if not all of the group's; they must give the same atoms
    )
    beside: str = ""  # a sentence for messages about another setting that the block also states
    certain: bool = (
        True  # False: only the file's statements about its atoms can decide which setting is right
    )


class Names(NamedTuple):
    """The names of the space group in a block; empty for those that it lacks."""

    symbol: str
    number: str
    hall: str
    classes: tuple[tuple[str, str], ...] = ()  # its point group and the like: ends of tags, and texts


def of_setting(setting: gemmi.SpaceGroup) -> StatedGroup:
    """The group in a setting of gemmi's table."""
    return _setting(setting.xhm())


@lru_cache(maxsize=1024)
def _setting(xhm: str) -> StatedGroup:
    return StatedGroup(group(tuple(op.triplet() for op in gemmi.SpaceGroup(xhm).operations())), xhm)


def check_names(found: StatedGroup, block: gemmi.cif.Block, names: Names) -> None:
    """Compare a space group with the symbol, the number, the crystal system and classes that the block also states.

    Raises:
        Rejected: ``symmetry``, if one of them belongs to another group.
    """
    own, name = found.group.number, found.name
    symbol, number, _, classes = names
    if not own:
        return
    settings = group_names.settings(symbol) if symbol else ()
    if settings and settings[0].number != own:
        raise Rejected(
            "symmetry",
            f"the space group is {own} by {name}, and {settings[0].number} by the symbol {symbol}",
        )
    commented = group_names.number_in(symbol)
    if commented not in (0, own):
        raise Rejected(
            "symmetry", f"the space group is {own} by {name}, and {commented} by the comment in {symbol}"
        )
    if number.isdecimal() and 1 <= int(number) <= 230 and int(number) != own:
        raise Rejected("symmetry", f"the space group is {own} by {name}, and {number} by its number")
    for system in words.systems(block):
        if system in _SYSTEMS and not _SYSTEMS[system][0] <= own < _SYSTEMS[system][1]:
            raise Rejected(
                "symmetry", f"the space group is {own} by {name}, which is not {system}, as is stated"
            )
    check_classes(own, found.group.setting, name, classes)


def with_other_settings(
    own: StatedGroup, told: str, block: gemmi.cif.Block, cell: tuple[float, ...], names: Names
) -> tuple[StatedGroup, tuple[StatedGroup, ...]]:
    """Find other settings that the block states besides that of ``own``.

    Args:
        own: the group that was read.
        told: how the block states that group, for messages.
        block: the block.
        cell: cell parameters in Å and degrees; settings that do not fit the cell are left out.
        names: the names of the space group in the block.

    Returns:
        The group, with a sentence about the other settings, and these.

    Raises:
        Rejected: ``symmetry``, if the Hall symbol belongs to another group.
    """
    what, others = "", tuple[StatedGroup, ...]()
    exact = words.of_hall(names.hall) if names.hall else None
    if exact is not None and exact.key != own.group.key:
        if exact.number != own.group.number and own.group.number:
            raise Rejected(
                "symmetry",
                f"the space group is {own.group.number} by {own.name}, and {exact.number} by the Hall symbol "
                f"{names.hall}",
            )
        what = f"the Hall symbol {names.hall} is of {exact.setting or 'one without a name'}"
        others = (StatedGroup(exact, f"the Hall symbol {names.hall}"),)
    elif own.group.setting:  # otherwise its origin or axes have no name that could be compared
        what, others = _others(names.symbol, words.code(block), own.group)
    if not others:
        return own, ()
    fitting = tuple(other for other in others if fits(other.group, cell))
    beside = f"{told} of {own.group.setting or 'a setting without a name'}, and {what}"
    return own._replace(beside=beside, certain=not fitting), fitting


def _others(symbol: str, code: str, own: Group) -> tuple[str, tuple[StatedGroup, ...]]:
    """The settings that a symbol, or else a code, allows, if the setting ``own`` is not among them; else none."""
    for what, others in (
        (f"the symbol {symbol}", _allowed(symbol)),
        (f"the coordinate system {code}", _coded(symbol, code, own.number) if code else ()),
    ):
        if others and all(other.group.key != own.key for other in others):
            return f"{what} is of {' or '.join(other.name for other in others)}", others
    return "", ()


@lru_cache(maxsize=4096)
def _allowed(symbol: str) -> tuple[StatedGroup, ...]:
    """The settings that a symbol allows; empty if it allows all of them."""
    return tuple(map(of_setting, group_names.stated(symbol)))


def _coded(symbol: str, code: str, number: int) -> tuple[StatedGroup, ...]:
    named, every = group_names.settings(symbol), group_names.every_setting(number)
    return tuple(map(of_setting, group_names.coded(named, code) or group_names.coded(every, code)))
