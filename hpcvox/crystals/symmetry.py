"""Space-group operations stated by a CIF block, and the full cell that they make of its sites."""

from functools import lru_cache
from typing import Final, NamedTuple

import gemmi
import numba
import numpy as np
from numpy.typing import NDArray

from hpcvox.crystals import blocks
from hpcvox.crystals.cells import wrapped
from hpcvox.crystals.overlap import squared_length
from hpcvox.errors import Rejected

SPECIAL_POSITION_A = 0.05
"""Images of a site nearer than this are one atom on a special position whose coordinates were rounded."""

MAX_SITES = 10_000

MAX_OPERATIONS = 1024
"""A conventional cell has 192 at most; the time to tell a site's images apart grows with their square."""

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
_SYMBOL_TAGS: Final = (
    "_symmetry_space_group_name_H-M",
    "_space_group_name_H-M_alt",
    "_space_group.name_H-M_alt",
    "_space_group.name_H-M_full",
    "_space_group_name_H-M",
    "_symmetry.space_group_name_H-M",
)
_NUMBER_TAGS: Final = (
    "_symmetry_Int_Tables_number",
    "_space_group_IT_number",
    "_space_group.IT_number",
    "_symmetry.Int_Tables_number",
)
_IDENTITY_SPELLINGS: Final = frozenset(
    {"'x, y, z'", "x,y,z", "'x,y,z'", "+x,+y,+z", '"x, y, z"', "'+x,+y,+z'"}
)


class Operations(NamedTuple):
    """Operations of a space group on fractional coordinates: x' = R x + t."""

    rotations: NDArray[np.float64]  # (n_operations, 3, 3)
    translations: NDArray[np.float64]  # (n_operations, 3)


def operations(block: gemmi.cif.Block, cell: tuple[float, ...]) -> Operations | None:
    """The operations that the block states, or None where that is the identity alone.

    Listed operations go before names, and names before the number, as the more exact before the
    less.  A block that states nothing is taken as complete (P1), as all CIF readers do.

    Raises:
        Rejected: ``symmetry``, where what is stated is not a space group.
    """
    for tag in _OPERATION_TAGS:
        column = block.find_loop(tag)
        if column:
            if len(column) == 1 and column[0] in _IDENTITY_SPELLINGS:
                return None
            if len(column) > MAX_OPERATIONS:
                raise Rejected("symmetry", f"more than {MAX_OPERATIONS} operations are listed")
            return _compiled(tuple(gemmi.cif.as_string(triplet) for triplet in column))
        pair = blocks.value(block, tag)
        if pair is not None and not gemmi.cif.is_null(pair):
            return _compiled((gemmi.cif.as_string(pair),))
    return _of_group(block, cell)


def _of_group(block: gemmi.cif.Block, cell: tuple[float, ...]) -> Operations | None:
    hall, symbol, number = (blocks.text(block, tags) for tags in (_HALL_TAGS, _SYMBOL_TAGS, _NUMBER_TAGS))
    if hall and _is_hall(hall):
        return _compiled(tuple(operation.triplet() for operation in gemmi.symops_from_hall(hall)))
    group = blocks.space_group(symbol, cell[3], cell[5]) if symbol else None
    if group is not None:
        return _of_named(group.xhm())
    if number and number.isdigit() and 1 <= int(number) <= 230:
        return _of_named(gemmi.find_spacegroup_by_number(int(number)).xhm())
    if symbol or number or hall:
        raise Rejected(
            "symmetry", f"{symbol or hall or number!r} is not a space group, and no operations are listed"
        )
    return None


def _is_hall(symbol: str) -> bool:
    try:
        gemmi.symops_from_hall(symbol)
    except (ValueError, RuntimeError):
        return False
    return True


@lru_cache(maxsize=1024)
def _of_named(xhm: str) -> Operations | None:
    group = gemmi.SpaceGroup(xhm)
    return _compiled(tuple(operation.triplet() for operation in group.operations()))


@lru_cache(maxsize=1024)
def _compiled(triplets: tuple[str, ...]) -> Operations | None:
    try:
        listed = [gemmi.Op(triplet) for triplet in triplets]
    except (ValueError, RuntimeError) as error:
        raise Rejected("symmetry", f"a symmetry operation cannot be read: {error}") from None
    if not listed:
        raise Rejected("symmetry", "the list of symmetry operations is empty")
    if len(listed) == 1 and listed[0] == gemmi.Op("x,y,z"):
        return None
    rotations = np.array([op.rot for op in listed], dtype=np.float64) / gemmi.Op.DEN
    translations = np.array([op.tran for op in listed], dtype=np.float64) / gemmi.Op.DEN
    if not np.allclose(np.abs(np.linalg.det(rotations)), 1.0):
        raise Rejected("symmetry", "a symmetry operation changes volume")
    return Operations(rotations, translations)


def expand(
    symmetry: Operations, lattice: NDArray[np.float64], frac: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """All sites of the cell and, for each, the index of the listed site that it is an image of.

    ``lattice`` (3, 3) Å, ``frac`` (n, 3).  A site within 0.05 Å of a special position is moved onto
    it (the mean of its coinciding images), so that rounded coordinates such as 0.3333 do no harm.

    Raises:
        Rejected: ``too-many-sites``.
    """
    if len(frac) * len(symmetry.translations) > 48 * MAX_SITES:
        raise Rejected("too-many-sites", f"the cell has more than {MAX_SITES} sites")
    orbits: list[NDArray[np.float64]] = []
    total = 0
    for site in frac:
        if total > MAX_SITES:
            raise Rejected("too-many-sites", f"the cell has more than {MAX_SITES} sites")
        images = symmetry.rotations @ site + symmetry.translations
        offset = images - site
        offset -= np.rint(offset)
        same = _lengths(offset, lattice) < SPECIAL_POSITION_A
        centre = site + (offset[same].mean(axis=0) if same.any() else 0.0)
        orbits.append(_distinct(wrapped(symmetry.rotations @ centre + symmetry.translations), lattice))
        total += len(orbits[-1])
    owner = np.repeat(np.arange(len(frac)), [len(orbit) for orbit in orbits])
    return np.concatenate(orbits), owner


@numba.njit(cache=True)
def _distinct(images: NDArray[np.float64], lattice: NDArray[np.float64]) -> NDArray[np.float64]:
    """The images (m, 3) of which none before is the same atom."""
    n = len(images)
    kept = np.ones(n, dtype=np.bool_)
    for i in range(n):
        if not kept[i]:
            continue
        for j in range(i + 1, n):
            if not kept[j]:
                continue
            x, y, z = images[j, 0] - images[i, 0], images[j, 1] - images[i, 1], images[j, 2] - images[i, 2]
            x, y, z = x - np.rint(x), y - np.rint(y), z - np.rint(z)
            if squared_length(x, y, z, lattice) < SPECIAL_POSITION_A * SPECIAL_POSITION_A:
                kept[j] = False
    return images[kept]


def _lengths(frac: NDArray[np.float64], lattice: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.linalg.norm(frac @ lattice, axis=-1))
