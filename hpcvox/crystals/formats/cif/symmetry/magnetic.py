"""Reads magnetic space groups: their operations, without their effect on moments, make the crystal."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

import gemmi

from hpcvox.crystals.formats.cif import blocks
from hpcvox.errors import Rejected

_OPERATIONS: Final = (
    "_space_group_symop_magn_operation.xyz",
    "_space_group_symop_magn_operation_xyz",
    "_space_group_symop.magn_operation_xyz",
    "_space_group_symop_magn.operation_xyz",
    "_magnetic_space_group_symop_operation_xyz",
    "_magnetic_space_group_symop.operation_xyz",
)
_CENTRINGS: Final = (
    "_space_group_symop_magn_centering.xyz",
    "_space_group_symop_magn_centering_xyz",
    "_space_group_symop.magn_centering_xyz",
    "_space_group_symop_magn.centering_xyz",
    "_magnetic_space_group_symop_centering_xyz",
    "_magnetic_space_group_symop.centering_xyz",
)
_NAME: Final = re.compile(
    r"_(space_group_magn|magnetic_space_group)_(?:(name|number)_(bns|og)|(bns|og|point_group)_(name|number))"
)
_OF_P1: Final = re.compile(r"1(\.\d+)*|11'|P(_?[Sas]|_2s)?\s*1\s*(1')?")


def magnetic_operations(block: gemmi.cif.Block) -> tuple[str, ...]:
    """The operations of the magnetic space group without time reversal; empty if none is listed.

    Raises:
        Rejected: ``symmetry``, if one of them cannot be read.
    """
    operations = next((found for tag in _OPERATIONS if (found := blocks.column(block, tag))), ())
    if not operations:
        return ()
    centrings = next((found for tag in _CENTRINGS if (found := blocks.column(block, tag))), ())
    return _without_time(operations, centrings)


def _without_time(operations: Iterable[str], centrings: Iterable[str]) -> tuple[str, ...]:
    """The products of magnetic operations and centrings (``x,y,z+1/2,-1``), without time reversal."""
    products: dict[str, None] = {}
    for centring in tuple(centrings) or ("x,y,z,+1",):
        for operation in operations:
            try:
                parts = [gemmi.Op(",".join(text.split(",")[:3])) for text in (centring, operation)]
            except (ValueError, RuntimeError) as error:
                raise Rejected("symmetry", f"a magnetic operation cannot be read: {error}") from None
            products[(parts[0] * parts[1]).wrap().triplet()] = None
    return tuple(products)


def refuse_magnetic_name(block: gemmi.cif.Block) -> None:
    """Raise ``Rejected("symmetry")`` if the block only names a magnetic group (not P 1): names are not read."""
    for tag, values, _ in blocks.tagged(block):
        name = tag.lower().replace(".", "_")
        if _NAME.match(name) and _named(values) and not of_magnetic_p1(name, values):
            raise Rejected(
                "symmetry",
                f"{tag} is {_named(values)}, and the identity alone is listed: list the magnetic operations",
            )


def of_magnetic_p1(tag: str, values: Sequence[str]) -> bool:
    """Whether ``tag``, in small letters and without dots, names a magnetic group that has only the identity."""
    return _NAME.match(tag) is not None and _OF_P1.fullmatch(_named(values)) is not None


def _named(values: Sequence[str]) -> str:
    return next((gemmi.cif.as_string(v).strip() for v in values if not gemmi.cif.is_null(v)), "")
