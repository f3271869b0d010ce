"""Reads the crystals in the text of a CIF: with gemmi, or with pymatgen if gemmi refuses the syntax."""

import math
import re
from dataclasses import replace
from typing import Final

import gemmi

from hpcvox.crystals.cells import lattice_from_parameters
from hpcvox.crystals.checks import check_length, check_spacing
from hpcvox.crystals.formats.cif import blocks
from hpcvox.crystals.formats.cif.agreement import check_volume
from hpcvox.crystals.formats.cif.atom_sites import Atoms, atoms_of, sites_of
from hpcvox.crystals.formats.cif.claims import claims
from hpcvox.crystals.formats.cif.doubled import settle
from hpcvox.crystals.formats.cif.filling import Full, filled, one_of
from hpcvox.crystals.formats.cif.numbers import number
from hpcvox.crystals.formats.cif.plain import plain_crystal
from hpcvox.crystals.formats.cif.symmetry.beside import StatedGroup
from hpcvox.crystals.formats.cif.symmetry.groups import right_angles
from hpcvox.crystals.formats.cif.symmetry.modulated import check_periodic
from hpcvox.crystals.formats.cif.symmetry.stated import NotOfTheCell, stated_groups
from hpcvox.crystals.formats.cif.unusual import Unusual, unusual
from hpcvox.crystals.overlap import LEAST_DISTANCES_A, LEAST_OF_CANDIDATES_A, plane_spacings
from hpcvox.crystals.record import CANDIDATE, Crystal, Entry, Reject
from hpcvox.crystals.text import usable
from hpcvox.errors import Rejected

_GLOBAL: Final = re.compile(rb"^[ \t]*global_\s", re.MULTILINE | re.IGNORECASE)
_CELL_TAGS = tuple(
    (f"_cell_{name}", f"_cell.{name}")
    for name in ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
)
_PLAIN_CELL_TAGS = tuple(tag for tag, _ in _CELL_TAGS)


def read(entry: Entry) -> list[Crystal | Reject]:
    """Read the crystals of one entry.

    Each data block with atom sites gives a crystal or a reject.  If there are several, their ids are ``id#block``, and
    ``id#block~2`` and so on for further blocks of the same name.  Crystals are ordered, and hold all atoms of the cell:
    symmetry is expanded to P1.

    Codes of rejects: ``empty``, ``too-large``, ``cif-syntax``, ``no-structure``, ``cell``,
    ``symmetry``, ``modulated``, ``coordinates``, ``element``, ``occupancy``, ``disordered``, ``incomplete``,
    ``overlapping-sites``, ``too-many-sites``.

    Raises:
        Rejected: no block can be read.
        Exception: a library may raise anything.
    """
    plainest = plain_crystal(entry)
    if plainest is not None:
        return [plainest]
    text = usable(entry.text, "CIF", "the CIF is empty")
    complaint, check, stray = "", None, False
    try:
        document = gemmi.cif.read_string(text)
    except (ValueError, RuntimeError):
        from hpcvox.crystals.formats.cif import lenient

        reading = lenient.reread(text)
        document, complaint, check, stray = reading.document, reading.complaint, reading.check, reading.stray
    every = blocks.of(document)
    if len(every) > 1 and any(not block.name for block in every) and _GLOBAL.search(text):
        raise Rejected(
            "cif-syntax", "global_ is no word of CIF: write what it holds into each of the data blocks"
        )
    found = [(block, atoms) for block in every if (atoms := atoms_of(block)) is not None]
    if not found:
        raise _rejected("no-structure", "no data block has atom sites with fractional coordinates", complaint)
    ids = [entry.id] if len(found) == 1 else blocks.ids(entry.id, [block.name.strip() for block, _ in found])
    few = unusual(text, found)
    results: list[Crystal | Reject] = []
    for name, (block, atoms) in zip(ids, found, strict=True):
        try:
            if check is not None:
                check(block)
            elif few is not None and few.dotted:
                settle(block)
            crystal = _crystal(entry, few, name, block, atoms)
            results.append(
                replace(crystal, remarks=(*crystal.remarks, "faulty-syntax")) if stray else crystal
            )
        except Rejected as reason:
            reason = _rejected(reason.code, str(reason), complaint)
            results.append(Reject(name, entry.origin, reason.code, str(reason)))
    return results


def _rejected(code: str, message: str, complaint: str) -> Rejected:
    """The rejection with this code; if the CIF has faulty syntax, that is the reason instead."""
    if complaint:
        return Rejected("cif-syntax", f"{complaint}; of what can be read, {message}")
    return Rejected(code, message)


def _crystal(entry: Entry, few: Unusual | None, name: str, block: gemmi.cif.Block, atoms: Atoms) -> Crystal:
    if few is not None and few.modulated:
        check_periodic(block)
    cell, absent = _cell(block)
    sites = sites_of(atoms, block)
    try:
        lattice = lattice_from_parameters(*cell)
    except ValueError as error:
        raise Rejected("cell", str(error)) from None
    a, b, c, alpha, beta, gamma = cell
    orthogonal = alpha == beta == gamma == 90.0
    spacing = min(a, b, c) if orthogonal else float(plane_spacings(lattice).min())
    check_spacing(spacing)
    check_length(max(a, b, c))
    stated = claims(block, few is not None and few.dotted)
    volume = a * b * c if orthogonal else float(lattice[0, 0] * lattice[1, 1] * lattice[2, 2])
    check_volume(stated, volume)
    meant = _symmetry(block, cell, absent, few)
    least = LEAST_OF_CANDIDATES_A if entry.format == CANDIDATE else LEAST_DISTANCES_A

    def fill(symmetry: StatedGroup) -> Full:
        return filled(symmetry, sites, lattice, spacing, stated, volume, least)

    full = fill(meant[0]) if len(meant) == 1 else one_of(meant, fill)
    return Crystal(name, entry.origin, lattice, full.frac, full.numbers, entry.targets, remarks=full.remarks)


def _symmetry(
    block: gemmi.cif.Block, cell: tuple[float, ...], absent: tuple[int, ...], few: Unusual | None
) -> tuple[StatedGroup, ...]:
    """The space groups that the block may mean; they must force 90° for the angles that are ``absent`` in the cell."""
    if not absent:
        return stated_groups(block, cell, few)
    lacking = " and ".join(_CELL_TAGS[k][0] for k in absent) + (" is" if len(absent) == 1 else " are")
    try:
        meant = stated_groups(block, cell, few)
    except NotOfTheCell as reason:
        raise Rejected("cell", f"{lacking} missing, and with 90° {reason}") from None
    if not all(right_angles(symmetry.group, absent) for symmetry in meant):
        raise Rejected("cell", f"{lacking} missing, and the symmetry stated does not make it 90°")
    return meant


_Parameters = tuple[float, float, float, float, float, float]


def _cell(block: gemmi.cif.Block) -> tuple[_Parameters, tuple[int, ...]]:
    """The cell's parameters in Å and degrees, and which of the six are absent angles: 90° by the CIF dictionary."""
    find = blocks.finder(block)
    written = [value for tag in _PLAIN_CELL_TAGS if (value := find(tag)) is not None]
    if len(written) == len(_CELL_TAGS):
        a, b, c, alpha, beta, gamma = map(gemmi.cif.as_number, written)
        if a + b + c + alpha + beta + gamma < math.inf:  # nan is not
            return (a, b, c, alpha, beta, gamma), ()
    parameters: list[float] = []
    absent: tuple[int, ...] = ()
    for tag, dotted in _CELL_TAGS:
        value = find(tag) or find(dotted)
        if value is None or value in ("?", "."):
            if "_angle_" not in tag:
                raise Rejected("cell", f"{tag} is missing")
            absent = (*absent, len(parameters))
            parameters.append(90.0)
            continue
        try:
            parameters.append(number(value))
        except ValueError:
            raise Rejected("cell", f"{tag} is {value}, not a number") from None
    a, b, c, alpha, beta, gamma = parameters
    return (a, b, c, alpha, beta, gamma), absent
