"""Finds the space groups that a CIF block may mean: from listed operations, or else from names."""

from typing import Final

import gemmi

from hpcvox.crystals.formats.cif import blocks
from hpcvox.crystals.formats.cif.symmetry import group_names, words
from hpcvox.crystals.formats.cif.symmetry.beside import (
    Names,
    StatedGroup,
    check_names,
    of_setting,
    with_other_settings,
)
from hpcvox.crystals.formats.cif.symmetry.classes import classes
from hpcvox.crystals.formats.cif.symmetry.groups import completed, fits, group
from hpcvox.crystals.formats.cif.symmetry.magnetic import (
    magnetic_operations,
    of_magnetic_p1,
    refuse_magnetic_name,
)
from hpcvox.crystals.formats.cif.unusual import Unusual
from hpcvox.errors import Rejected

_OF_SYMMETRY: Final = ("_space_group", "_symmetry", "_magnetic_space_group", "_parent_space_group")
_SAYS_NOTHING: Final = ("_cell_setting", "_crystal_system", "_transform_pp_abc", "_transform_qq_xyz")
"""Endings of tags of symmetry that name no group: the crystal system, and changes of axes."""


class NotOfTheCell(Rejected):
    """The operations of the space group do not map the cell onto itself."""


def stated_groups(
    block: gemmi.cif.Block, cell: tuple[float, ...], few: Unusual | None
) -> tuple[StatedGroup, ...]:
    """The space groups that the block may mean and that fit the ``cell`` (lengths in Å, angles in degrees).

    Listed operations take precedence over names, and names over the number, since they are more exact; all must agree.
    There are several groups if a name allows several origins or axes, if only the identity is listed beside the name of
    another group, or if two names belong to different settings.  Then the caller takes the one whose crystal agrees
    with the rest of the file.  A block without any symmetry lists all atoms (P1).

    Args:
        block: the block.
        cell: cell parameters.
        few: the rare tags that occur in the file, if any.

    Raises:
        Rejected: ``symmetry``, if the statements are no space group, contradict each other or the cell, or are not
            understood; :class:`NotOfTheCell` if the group does not fit the cell.
    """
    if few is None and words.of_p1(block):
        return (_ALONE,)
    magnetic, all_tags = few is not None and few.magnetic, few is not None
    listed = words.operations(block, all_tags)
    if magnetic and (operations := magnetic_operations(block)):
        found = _completed(operations)
        if listed is not None and group(listed).key != found.group.key:
            raise Rejected(
                "symmetry",
                f"{len(listed)} operations are listed beside the magnetic ones, which are not the same",
            )
        if found.group.operations is not None:
            return _fitting((found,), cell)
        listed = words.IDENTITY
    names = Names(
        words.symbol(block, all_tags),
        words.number(block, all_tags),
        words.hall(block, all_tags),
        classes(block) if all_tags else (),
    )
    if listed is None:
        return _fitting(_named(block, cell, names), cell)
    own = StatedGroup(group(listed), "the listed operations")
    if own.group.operations is None:
        if names.symbol or names.number or words.of_hall(names.hall) is not None:
            others = [other for other in _named(block, cell, names) if other.group.number > 1]
            if others:
                return _either(own, others, cell)
        if magnetic:
            refuse_magnetic_name(block)
    check_names(own, block, names)
    return _fitting((with_other_settings(own, "the listed operations are", block, cell, names)[0],), cell)


_ALONE: Final = StatedGroup(group(words.IDENTITY), "P 1")


def _completed(triplets: tuple[str, ...]) -> StatedGroup:
    """The magnetic group that the operations generate; a file may list only a part, which must give all atoms."""
    whole, listed = completed(triplets)
    return StatedGroup(whole, "the magnetic operations", listed)


def _named(block: gemmi.cif.Block, cell: tuple[float, ...], names: Names) -> tuple[StatedGroup, ...]:
    """The groups that the block names by Hall symbol, Hermann-Mauguin symbol or number, and that fit the cell."""
    symbol, number, hall = names[:3]
    if hall and (exact := words.of_hall(hall)) is not None:
        found = StatedGroup(exact, f"the Hall symbol {hall}")
        check_names(found, block, names)
        return _both(*with_other_settings(found, f"{found.name} is", block, cell, names))
    if not (hall or symbol or number):
        _refuse_unread(block)
        return (_ALONE,)
    tiers = _tiers(symbol, number)
    if not tiers:
        raise Rejected(
            "symmetry", f"{symbol or hall or number!r} is not a space group, and no operations are listed"
        )
    first = of_setting(tiers[0][0])
    told = f"the symbol {symbol}" if symbol else f"the number {number}"
    check_names(first._replace(name=told), block, names)
    if code := words.code(block):
        every = group_names.every_setting(first.group.number)
        coded = group_names.coded(tiers[0], code) or group_names.coded(every, code)
        if coded:
            meant = _both(
                *with_other_settings(
                    of_setting(coded[0]), f"the coordinate system {code} is", block, cell, names
                )
            )
            return meant if meant[0].beside else tuple(map(of_setting, coded))
        if len(every) > 1:
            raise Rejected(
                "symmetry",
                f"space group {symbol or number} has no setting with the coordinate system {code!r}",
            )
    for settings in tiers:
        if fitting := tuple(other for other in map(of_setting, settings) if fits(other.group, cell)):
            return fitting
    return tuple(map(of_setting, tiers[0]))


_Settings = tuple[gemmi.SpaceGroup, ...]


def _tiers(symbol: str, number: str) -> tuple[_Settings, ...]:
    """The settings that a symbol and a number mean, the likeliest first, and those to try if none of them fits."""
    if groups := group_names.settings(symbol) if symbol else ():
        if not (letters := group_names.same_letters(symbol)):
            return (groups,)
        return groups, letters, group_names.usual_settings(groups[0].number)
    stated = int(number) if number.isdecimal() and 1 <= int(number) <= 230 else group_names.number_in(symbol)
    if not stated:
        return ()
    if symbol:  # an unknown spelling: it may mean any setting of the number
        return (group_names.every_setting(stated),)
    return group_names.standard(stated), group_names.usual_settings(stated)


def _both(own: StatedGroup, others: tuple[StatedGroup, ...]) -> tuple[StatedGroup, ...]:
    """The group and ``others``, if two names belong to different settings of one group: the block may mean either."""
    own = own._replace(certain=True)
    return (own, *(other._replace(beside=own.beside) for other in others))


def _refuse_unread(block: gemmi.cif.Block) -> None:
    """Raise ``Rejected("symmetry")`` if the block states symmetry in a way that is not understood."""
    for system in words.systems(block):
        if system not in ("triclinic", "anorthic"):
            raise Rejected(
                "symmetry", f"the crystal is {system}, but no operations and no space group are stated"
            )
    for written, values, looped in blocks.tagged(block):
        tag = written.lower().replace(".", "_")
        if not tag.startswith(_OF_SYMMETRY) or tag.endswith(_SAYS_NOTHING):
            continue
        known = len(values) if looped else not gemmi.cif.is_null(values[0])
        if known > tag.endswith("_id") and not of_magnetic_p1(tag, values):  # the key of one row says nothing
            raise Rejected(
                "symmetry", f"{written} is stated, which is not understood, and no operations are listed"
            )


def _fitting(found: tuple[StatedGroup, ...], cell: tuple[float, ...]) -> tuple[StatedGroup, ...]:
    """The groups whose operations map the cell onto itself.

    Raises:
        Rejected: ``symmetry``, if there is none.
    """
    fitting = tuple(symmetry for symmetry in found if fits(symmetry.group, cell))
    if not fitting:
        lengths, angles = (", ".join(f"{value:g}" for value in part) for part in (cell[:3], cell[3:]))
        raise NotOfTheCell(
            "symmetry",
            f"the operations of {' and of '.join(other.name for other in found)} do not fit the cell: "
            f"they do not turn {lengths} Å, {angles}° into itself",
        )
    return fitting


def _either(own: StatedGroup, named: list[StatedGroup], cell: tuple[float, ...]) -> tuple[StatedGroup, ...]:
    """The groups if the block lists only the identity but names another group: it may mean both."""
    return (own, *(other for other in named if fits(other.group, cell)))
