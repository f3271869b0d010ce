"""Makes all atoms of the cell from the listed sites, with the symmetry that agrees with the rest of the file."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hpcvox.crystals.checks import check_count, check_filled
from hpcvox.crystals.formats.cif.agreement import remarks
from hpcvox.crystals.formats.cif.atom_sites import Sites, multiplicity
from hpcvox.crystals.formats.cif.claims import Claims
from hpcvox.crystals.formats.cif.elements.labels import names_hydrogen
from hpcvox.crystals.formats.cif.symmetry.beside import StatedGroup
from hpcvox.crystals.formats.cif.symmetry.expansion import expand
from hpcvox.crystals.occupancy import whole_sites
from hpcvox.errors import Rejected

_SAME_SITE: Final = 1e-2  # tolerance in fractional coordinates
_COUNTING: Final = frozenset({"formula-units", "multiplicity", "density"})
"""Remarks that mean that the number of atoms is not the stated one."""
_OF_SYMMETRY: Final = frozenset({"symmetry", "incomplete", "overlapping-sites"})
"""Codes of rejects that a wrong setting can cause."""


class Full(NamedTuple):
    """All atoms of the cell, and remarks on them."""

    frac: NDArray[np.float64]  # (m, 3)
    numbers: NDArray[np.uint8]  # (m,)
    remarks: tuple[str, ...]


def filled(
    symmetry: StatedGroup,
    sites: Sites,
    lattice: NDArray[np.float64],
    spacing: float,
    stated: Claims,
    volume: float,
    least: NDArray[np.float64],
) -> Full:
    """Apply the operations of a group to the listed sites, and check the atoms against the statements of the file.

    Args:
        symmetry: the space group.
        sites: the listed sites.
        lattice: (3, 3) rows in Å.
        spacing: least distance in Å between opposite faces of the cell.
        stated: the statements of the file about its crystal.
        volume: volume of the cell in Å³.
        least: least distance in Å of two atoms, by their atomic numbers, (119, 119).

    Raises:
        Rejected: ``too-many-sites``, ``symmetry``, ``disordered``, ``occupancy``, ``overlapping-sites``,
            ``incomplete``.
    """
    try:
        full = _filled(symmetry, sites, lattice, spacing, stated, volume, least)
    except Rejected as reason:
        if symmetry.beside and not symmetry.certain and reason.code in _OF_SYMMETRY:
            raise Rejected("symmetry", f"{symmetry.beside}; by the former, {reason}") from None
        raise
    if not symmetry.beside:
        return full
    if not symmetry.certain:
        _check_counted(symmetry, full.remarks, stated, sites.multiplicities)
    return full._replace(remarks=(*full.remarks, "setting"))


def _filled(
    symmetry: StatedGroup,
    sites: Sites,
    lattice: NDArray[np.float64],
    spacing: float,
    stated: Claims,
    volume: float,
    least: NDArray[np.float64],
) -> Full:
    frac, numbers, occupancy, labels, multiplicities = sites[:5]
    images = None
    operations = symmetry.group.operations
    order = 1 if operations is None else len(operations.rotations)
    if operations is not None:
        frac, owner = expand(operations, lattice, sites.frac)
        if symmetry.listed is not None:
            made = len(expand(symmetry.listed, lattice, sites.frac)[0])
            if made != len(frac):
                raise Rejected(
                    "symmetry",
                    f"{symmetry.name} are no group: they make {made} atoms, and all of theirs {len(frac)}",
                )
        images = np.bincount(owner, minlength=len(numbers))
        numbers = numbers[owner]
        occupancy = None if occupancy is None else occupancy[owner]
    check_count(len(numbers))
    check_filled(volume, len(numbers), len(sites.numbers))

    def label(site: int) -> str:
        return labels[site if images is None else owner[site]]

    try:
        frac, numbers = whole_sites(
            lattice, frac, numbers, occupancy, spacing, label if labels else None, least
        )
    except Rejected as reason:
        if sites.far and reason.code == "overlapping-sites":
            raise Rejected("coordinates", f"{sites.far} As such, {reason}") from None
        raise
    found = remarks(stated, numbers, volume, images, order, multiplicities)
    may_lack = sites.attached or not stated.amounts or stated.counts
    if may_lack and "hydrogen" not in found and _lacks_hydrogen(sites, stated, numbers):
        found = ("hydrogen", *found)
    if sites.alternatives:
        found = (*found, "disorder-groups")
    return Full(frac, numbers, (*found, "far-coordinates") if sites.far else found)


def _lacks_hydrogen(sites: Sites, stated: Claims, numbers: NDArray[np.uint8]) -> bool:
    """Whether sites are stated to have hydrogen that the atoms ``numbers`` lack, and no formula has shown it."""
    told = sites.attached or any(z == 1 for z, _ in stated.counts)
    if stated.amounts:
        return told and 1 not in numbers
    return sites.attached or (1 not in numbers and (told or any(map(names_hydrogen, sites.labels))))


def _check_counted(
    symmetry: StatedGroup, found: tuple[str, ...], stated: Claims, multiplicities: Sequence[str]
) -> None:
    """If the file also states another setting, check the number of atoms against all statements about it.

    Raises:
        Rejected: ``symmetry``, if there is no such statement, or one of them (in the remarks ``found``) disagrees.
    """
    against = [code for code in found if code in _COUNTING]
    if against:
        raise Rejected(
            "symmetry",
            f"{symmetry.beside}; of the atoms that the former make, the file says otherwise: {', '.join(against)}",
        )
    by_units = (stated.units is not None and stated.amounts is not None) or stated.counts
    counted = by_units or stated.density is not None
    if not counted and not any(map(multiplicity, multiplicities)):
        raise Rejected(
            "symmetry",
            f"{symmetry.beside}, and nothing tells which is right: state Z and the formula, the density or the "
            f"sites' multiplicities",
        )


def one_of(meant: tuple[StatedGroup, ...], fill: Callable[[StatedGroup], Full]) -> Full:
    """Of several settings, choose the one whose crystal agrees with the file; any of those that give the same atoms.

    Raises:
        Rejected: none agrees (the code of the first), or several do and make different crystals.
    """
    made: list[tuple[str, Full]] = []
    reasons: list[tuple[str, Rejected]] = []
    for symmetry in meant:
        try:
            made.append((symmetry.name, fill(symmetry)))
        except Rejected as reason:
            reasons.append((symmetry.name, reason))
    if not made:
        told = "; ".join(f"as {name}, {reason}" for name, reason in reasons)
        raise Rejected(
            reasons[0][1].code, f"several settings may be meant, and none agrees with the file: {told}"
        )
    name, first = made[0]
    for other, full in made[1:]:
        if not _same_atoms(first, full):
            raise Rejected(
                "symmetry",
                f"{name} and {other} may both be meant, and make different crystals ({len(first.numbers)} and "
                f"{len(full.numbers)} atoms): state Z, the sites' multiplicities or the operations",
            )
    return first


def _same_atoms(one: Full, other: Full) -> bool:
    """Whether two lists of atoms of one cell are the same except for their order."""
    if len(one.numbers) != len(other.numbers):
        return False
    for site, number in zip(one.frac, one.numbers, strict=True):
        apart = other.frac - site
        apart -= np.rint(apart)
        if not ((np.abs(apart).max(axis=1) < _SAME_SITE) & (other.numbers == number)).any():
            return False
    return True
