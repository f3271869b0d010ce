"""What a CIF block states of its symmetry: listed operations, else the settings that its names leave open."""

from collections.abc import Iterable
from typing import Final, NamedTuple

import gemmi

from hpcvox.crystals.formats.cif import blocks
from hpcvox.crystals.formats.cif.symmetry import group_names
from hpcvox.crystals.formats.cif.symmetry.groups import Group, Operations, completed, fits, group
from hpcvox.errors import Rejected

_OPERATION_TAGS: Final = (
    "_symmetry_equiv_pos_as_xyz",
    "_space_group_symop_operation_xyz",
    "_space_group_symop.operation_xyz",
    "_symmetry_equiv.pos_as_xyz",
)
_MAGNETIC_TAGS: Final = (
    "_space_group_symop_magn_operation.xyz",
    "_space_group_symop_magn_operation_xyz",
    "_space_group_symop.magn_operation_xyz",
    "_space_group_symop_magn.operation_xyz",
    "_magnetic_space_group_symop_operation_xyz",
    "_magnetic_space_group_symop.operation_xyz",
)
_MAGNETIC_CENTRING_TAGS: Final = (
    "_space_group_symop_magn_centering.xyz",
    "_space_group_symop_magn_centering_xyz",
    "_space_group_symop.magn_centering_xyz",
    "_space_group_symop_magn.centering_xyz",
    "_magnetic_space_group_symop_centering_xyz",
    "_magnetic_space_group_symop.centering_xyz",
)
_HALL_TAGS: Final = (
    "_space_group_name_Hall",
    "_symmetry_space_group_name_Hall",
    "_space_group.name_Hall",
    "_symmetry.space_group_name_Hall",
)
_SYMBOL_TAGS: Final = (
    "_symmetry_space_group_name_H-M",
    "_space_group_name_H-M_alt",
    "_space_group.name_H-M_alt",
    "_space_group_name_H-M_full",
    "_space_group.name_H-M_full",
    "_symmetry_space_group_name_H-M_alt",
    "_symmetry_space_group_name_H-M_full",
    "_space_group_name_H-M",
    "_space_group_name_H-M_ref",
    "_space_group.name_H-M_ref",
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
_SYSTEMS: Final = {  # first number of each system's groups, and the first beyond them
    "triclinic": (1, 3),
    "monoclinic": (3, 16),
    "orthorhombic": (16, 75),
    "tetragonal": (75, 143),
    "trigonal": (143, 168),
    "rhombohedral": (143, 168),
    "hexagonal": (143, 195),
    "cubic": (195, 231),
}
_IDENTITY_SPELLINGS: Final = frozenset(
    {"'x, y, z'", "x,y,z", "'x,y,z'", "+x,+y,+z", '"x, y, z"', "'+x,+y,+z'"}
)
_P1_SPELLINGS: Final = frozenset({"", "P 1", "P1", "p 1", "p1"})
_IDENTITY: Final = ("x,y,z",)
_SAYS_NOTHING: Final = ("_id", "_cell_setting", "_crystal_system", "_transform_pp_abc", "_transform_qq_xyz")
"""What the tags of symmetry end with that name no group: keys of tables, and the system alone."""


class StatedGroup(NamedTuple):
    """A space group that the block may mean."""

    group: Group
    name: str  # for messages: "F d -3 m:2" | "the listed operations"
    listed: Operations | None = None  # where they are not all of the group's: they must make the same atoms


def stated_groups(
    block: gemmi.cif.Block, cell: tuple[float, ...], may_be_magnetic: bool = True
) -> tuple[StatedGroup, ...]:
    """The space groups that the block may mean, all of which fit the ``cell`` (lengths in Å, angles in degrees).

    Listed operations go before names, and names before the number, as the more exact before the less.
    What they say of one another must agree.  There are several where a name leaves the origin or the axes
    open, or where the identity alone is listed beside another group's name: the caller takes the one whose
    crystal agrees with all else that the file says.  A block that states nothing of symmetry is complete (P1).
    ``may_be_magnetic``: false where no tag of a magnetic space group is in the file's text.

    Raises:
        Rejected: ``symmetry`` (what is stated is no space group, contradicts itself or the cell, or is not
            understood), ``modulated`` (a superspace group: the crystal is not periodic).
    """
    if may_be_magnetic and (magnetic := _magnetic(block)):
        return _fitting((_completed(magnetic),), cell)
    listed = _listed(block)
    symbol, number = blocks.text(block, _SYMBOL_TAGS), blocks.text(block, _NUMBER_TAGS)
    if listed is None:
        return _fitting(_named(block, cell, symbol, number), cell)
    if listed == _IDENTITY and symbol in _P1_SPELLINGS and number in ("", "1"):
        return (_ALONE,)
    own = StatedGroup(group(listed), "the listed operations")
    if own.group.operations is None and (symbol or number):
        others = [other for other in _named(block, cell, symbol, number) if other.group.number > 1]
        if others:
            return _either(own, others, cell)
    _agree(own.group.number, own.name, block, symbol, number)
    return _fitting((own,), cell)


_ALONE: Final = StatedGroup(group(_IDENTITY), "P 1")


def _listed(block: gemmi.cif.Block) -> tuple[str, ...] | None:
    """The operations that the block lists; None where it lists none."""
    for tag in _OPERATION_TAGS:
        column = block.find_loop(tag)
        if len(column) == 1 and column[0] in _IDENTITY_SPELLINGS:
            return _IDENTITY
        found = blocks.column(block, tag)
        if any(operation not in ("", "?", ".") for operation in found):
            return found
    return None


def _magnetic(block: gemmi.cif.Block) -> tuple[str, ...]:
    """The operations of the magnetic space group without their effect on time; empty where there are none."""
    operations = next((found for tag in _MAGNETIC_TAGS if (found := blocks.column(block, tag))), ())
    if not operations:
        return ()
    centrings = next((found for tag in _MAGNETIC_CENTRING_TAGS if (found := blocks.column(block, tag))), ())
    return _without_time(operations, centrings)


def _without_time(operations: Iterable[str], centrings: Iterable[str]) -> tuple[str, ...]:
    """The products of magnetic operations and centrings (``x,y,z+1/2,-1``), without what they do to time.

    Raises:
        Rejected: ``symmetry``, where one of them cannot be read.
    """
    products: dict[str, None] = {}
    for centring in tuple(centrings) or ("x,y,z,+1",):
        for operation in operations:
            try:
                parts = [gemmi.Op(",".join(text.split(",")[:3])) for text in (centring, operation)]
            except (ValueError, RuntimeError) as error:
                raise Rejected("symmetry", f"a magnetic operation cannot be read: {error}") from None
            products[(parts[0] * parts[1]).wrap().triplet()] = None
    return tuple(products)


def _completed(triplets: tuple[str, ...]) -> StatedGroup:
    """The magnetic group: files list a part of its operations at times, which must make all atoms."""
    whole, listed = completed(triplets)
    return StatedGroup(whole, "the magnetic operations", listed)


def check_periodic(block: gemmi.cif.Block) -> None:
    """Raises ``Rejected("modulated")`` where the block describes a modulated or composite crystal."""
    for tag in blocks.tags(block):
        if "_ssg_" in tag or tag.startswith(("_cell_modulation", "_cell_wave_vector", "_cell_subsystem")):
            value = blocks.value(block, tag)
            if value is None or value.strip("'\" ") != "0":
                raise Rejected(
                    "modulated",
                    f"{tag} is stated: the crystal is modulated, which no cell of three dimensions holds",
                )


def _named(
    block: gemmi.cif.Block, cell: tuple[float, ...], symbol: str, number: str
) -> tuple[StatedGroup, ...]:
    """What the block names: by Hall symbol, Hermann-Mauguin symbol or number; those that fit the cell, if any does."""
    hall = blocks.text(block, _HALL_TAGS)
    if hall and (found := _of_hall(hall)) is not None:
        _agree(found.group.number, found.name, block, symbol, number)
        return (found,)
    if not (hall or symbol or number):
        _refuse_unread(block)
        return (_ALONE,)
    groups, others = _settings(symbol, number)
    if not groups:
        raise Rejected(
            "symmetry", f"{symbol or hall or number!r} is not a space group, and no operations are listed"
        )
    _agree(groups[0].number, f"the symbol {symbol}" if symbol else f"the number {number}", block, "", number)
    code = blocks.text(block, _CODE_TAGS)
    every = group_names.every_setting(groups[0].number)
    if code and len(every) > 1:
        groups, others = group_names.coded(groups, code) or group_names.coded(every, code), ()
        if not groups:
            raise Rejected(
                "symmetry",
                f"space group {symbol or number} has no setting with the coordinate system {code!r}",
            )
    meant = tuple(map(_of_setting, groups))
    return (
        tuple(setting for setting in meant if fits(setting.group, cell))
        or tuple(setting for setting in map(_of_setting, others) if fits(setting.group, cell))
        or meant
    )


_Settings = tuple[gemmi.SpaceGroup, ...]


def _settings(symbol: str, number: str) -> tuple[_Settings, _Settings]:
    """The settings that a symbol and a number mean, and those to try where none of these fits the cell."""
    stated = int(number) if number.isdigit() and 1 <= int(number) <= 230 else 0
    if groups := group_names.settings(symbol) if symbol else ():
        open_axes = not group_names.axis_stated(symbol, groups[0])
        return groups, group_names.every_setting(groups[0].number) if open_axes else ()
    if not stated:
        return (), ()
    if symbol:  # one that no program's spelling explains: of the number's settings it may mean any
        return group_names.every_setting(stated), ()
    return group_names.standard(stated), group_names.every_setting(stated)


def _of_hall(symbol: str) -> StatedGroup | None:
    try:
        operations = gemmi.symops_from_hall(symbol)
    except (ValueError, RuntimeError):
        return None
    return StatedGroup(
        group(tuple(operation.triplet() for operation in operations)), f"the Hall symbol {symbol}"
    )


def _of_setting(setting: gemmi.SpaceGroup) -> StatedGroup:
    return StatedGroup(group(tuple(op.triplet() for op in setting.operations())), setting.xhm())


def _agree(found: int, name: str, block: gemmi.cif.Block, symbol: str, number: str) -> None:
    """Hold the space group ``found`` of ``name`` against the symbol, number and crystal system beside it.

    Raises:
        Rejected: ``symmetry``, where one of them is another group's.
    """
    if not found:
        return
    settings = group_names.settings(symbol) if symbol else ()
    if settings and settings[0].number != found:
        raise Rejected(
            "symmetry",
            f"the space group is {found} by {name}, and {settings[0].number} by the symbol {symbol}",
        )
    if number.isdigit() and 1 <= int(number) <= 230 and int(number) != found:
        raise Rejected("symmetry", f"the space group is {found} by {name}, and {number} by its number")
    system = blocks.text(block, _SYSTEM_TAGS).lower()
    if system in _SYSTEMS and not _SYSTEMS[system][0] <= found < _SYSTEMS[system][1]:
        raise Rejected(
            "symmetry", f"the space group is {found} by {name}, which is not {system}, as is stated"
        )


def _refuse_unread(block: gemmi.cif.Block) -> None:
    """Raises ``Rejected("symmetry")`` where the block says something of symmetry that is not understood."""
    system = blocks.text(block, _SYSTEM_TAGS).lower()
    if system and system not in ("triclinic", "anorthic"):
        raise Rejected(
            "symmetry", f"the crystal is {system}, but no operations and no space group are stated"
        )
    for tag in blocks.tags(block):
        if tag.startswith(("_space_group", "_symmetry")) and not tag.endswith(_SAYS_NOTHING):
            raise Rejected(
                "symmetry", f"{tag} is stated, which is not understood, and no operations are listed"
            )


def _fitting(found: tuple[StatedGroup, ...], cell: tuple[float, ...]) -> tuple[StatedGroup, ...]:
    """Those whose operations are isometries of the cell.

    Raises:
        Rejected: ``symmetry``, where none is.
    """
    fitting = tuple(symmetry for symmetry in found if fits(symmetry.group, cell))
    if not fitting:
        lengths, angles = (", ".join(f"{value:g}" for value in part) for part in (cell[:3], cell[3:]))
        raise Rejected(
            "symmetry",
            f"the operations of {' and of '.join(other.name for other in found)} do not fit the cell: "
            f"they do not turn {lengths} Å, {angles}° into itself",
        )
    return fitting


def _either(own: StatedGroup, named: list[StatedGroup], cell: tuple[float, ...]) -> tuple[StatedGroup, ...]:
    """The identity alone is listed, and another group is named: both may be meant."""
    return (own, *(other for other in named if fits(other.group, cell)))
