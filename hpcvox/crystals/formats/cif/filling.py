"""From the listed sites to all atoms of the cell, by the one symmetry that agrees with the file."""

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

_SAME_SITE: Final = 1e-2  # of fractional coordinates
_COUNTING: Final = frozenset({"formula-units", "multiplicity", "density"})
"""Remarks of a number of atoms that is not the one stated."""
_OF_SYMMETRY: Final = frozenset({"symmetry", "incomplete", "overlapping-sites"})
"""Codes of what another setting can be the cause of."""


class Full(NamedTuple):
    """All atoms of the cell, and what should be known of them."""

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
    """All atoms that the group makes of the ``sites`` in the cell ``lattice`` (3, 3) of ``volume`` Å³.

    ``spacing`` is the least distance in Å between opposite faces of the cell, ``least`` that between the
    atoms of two elements; ``stated`` is what the file says of the atoms.

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
    check_filled(volume, len(numbers))

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
    """Whether sites are said to have hydrogen that is not among the atoms ``numbers``, and no formula told."""
    told = sites.attached or any(z == 1 for z, _ in stated.counts)
    if stated.amounts:
        return told and 1 not in numbers
    return sites.attached or (1 not in numbers and (told or any(map(names_hydrogen, sites.labels))))


def _check_counted(
    symmetry: StatedGroup, found: tuple[str, ...], stated: Claims, multiplicities: Sequence[str]
) -> None:
    """Hold a group beside which another setting is stated to all that tells how many atoms there are.

    Raises:
        Rejected: ``symmetry``, where that is nothing, or a part of it (in the remarks ``found``) disagrees.
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
    """Of several settings, the one whose crystal agrees with the file, or any where they make the same atoms.

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
    """Whether two lists of atoms of one cell are the same but for their order."""
    if len(one.numbers) != len(other.numbers):
        return False
    for site, number in zip(one.frac, one.numbers, strict=True):
        apart = other.frac - site
        apart -= np.rint(apart)
        if not ((np.abs(apart).max(axis=1) < _SAME_SITE) & (other.numbers == number)).any():
            return False
    return True
