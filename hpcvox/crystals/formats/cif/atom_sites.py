"""Reads the atom sites that a CIF block lists: their elements, coordinates and occupancies."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import gemmi
import numpy as np
from numpy.typing import NDArray

from hpcvox.crystals.checks import FAR, check_occupancy, inside_cell
from hpcvox.crystals.formats.cif import blocks
from hpcvox.crystals.formats.cif.elements.labels import number_of_label, told
from hpcvox.crystals.formats.cif.elements.stated import stated_elements
from hpcvox.crystals.formats.cif.elements.symbols import number_of_type
from hpcvox.crystals.formats.cif.numbers import numbers
from hpcvox.crystals.limits import MAX_SITES
from hpcvox.crystals.occupancy import FULL
from hpcvox.errors import Rejected


class _LoopPlaces(NamedTuple):
    """The columns of an atom-site loop; -1 for a column that it lacks."""

    x: int
    y: int
    z: int
    symbol: int
    label: int
    occupancy: int
    flag: int
    attached: int
    assembly: int
    group: int
    multiplicity: int


_NAMES: Final = (
    *("fract_x", "fract_y", "fract_z", "type_symbol", "label", "occupancy", "calc_flag"),
    *("attached_hydrogens", "disorder_assembly", "disorder_group"),
)
_MULTIPLICITY: Final = ("site_symmetry_multiplicity", "symmetry_multiplicity", "site_symmetry_order")
"""SHELXL has written the last as the one before it."""

_OCCUPANCY: Final = re.compile(r"_atom_site_(?:site_)?occ(?:upanc(?:y|ies)|upation)?(?:_factor)?")
"""Names that programs have for it beside the dictionary's."""

_WHOLE: Final = re.compile(r"['\"]?(\d{1,6})(?:\.0*)?['\"]?", re.ASCII)
_NO_GROUP: Final = frozenset({".", "?", "0", ""})


@lru_cache(maxsize=4096)
def _loop_places(tags: tuple[str, ...]) -> _LoopPlaces:
    index = {tag.lower().replace(".", "_"): i for i, tag in enumerate(tags)}
    places = [index.get(f"_atom_site_{name}", -1) for name in _NAMES]
    if places[5] < 0:
        places[5] = next((place for tag, place in index.items() if _OCCUPANCY.fullmatch(tag)), -1)
    multiplicity = [place for name in _MULTIPLICITY if (place := index.get(f"_atom_site_{name}", -1)) >= 0]
    return _LoopPlaces._make((*places, *(multiplicity or [-1])[:1]))


class Atoms(NamedTuple):
    """The raw values of an atom-site loop."""

    values: list[str]  # row by row
    width: int
    columns: _LoopPlaces


def atoms_of(block: gemmi.cif.Block) -> Atoms | None:
    """The atom sites of the block, with fractional coordinates; None if it has none."""
    for tag in ("_atom_site_fract_x", "_atom_site.fract_x"):
        loop = blocks.loop(block, tag)
        if loop is not None:
            tags = tuple(loop.tags)
            return Atoms(loop.values, len(tags), _loop_places(tags))
        if blocks.value(block, tag) is not None:  # one atom, written without a loop
            stem = tag.removesuffix("fract_x")
            pairs = [
                (stem + n, value)
                for n in (*_NAMES, *_MULTIPLICITY)
                if (value := blocks.value(block, stem + n)) is not None
            ]
            return Atoms([value for _, value in pairs], len(pairs), _loop_places(tuple(t for t, _ in pairs)))
    return None


class Sites(NamedTuple):
    """The sites that a block lists."""

    frac: NDArray[np.float64]  # (n, 3)
    numbers: NDArray[np.uint8]  # (n,)
    occupancy: NDArray[np.float64] | None  # (n,) | None: every site is fully occupied
    labels: list[str]  # empty if there are none
    multiplicities: list[str]  # as stated; empty if not stated
    attached: bool  # whether hydrogen without coordinates is stated to be bound to a site
    alternatives: bool  # whether the list has fully occupied sites that exclude each other
    far: str  # a sentence about the first atom that is far from the cell; empty if there is none


def sites_of(atoms: Atoms, block: gemmi.cif.Block) -> Sites:
    """Read the sites that hold an atom.

    Raises:
        Rejected: ``too-many-sites``, ``no-structure``, ``occupancy``, ``cif-syntax`` (columns in two loops),
            ``element``, ``disordered``, ``incomplete``, ``coordinates``.
    """
    if atoms.columns.symbol < 0 or atoms.columns.occupancy < 0:
        _refuse_elsewhere(atoms.columns, block)
    if len(atoms.values) > MAX_SITES * atoms.width:
        raise Rejected("too-many-sites", f"more than {MAX_SITES} sites are listed")
    occupancy = _occupancy(atoms)
    if occupancy is not None or atoms.columns.flag >= 0:
        atoms, occupancy = _held(atoms, occupancy)
    numbers = _numbers(atoms, block)
    values, width, columns = atoms
    attached = columns.attached >= 0 and any(
        count.isdecimal() and count != "0" for count in values[columns.attached :: width]
    )
    multiplicities = values[columns.multiplicity :: width] if columns.multiplicity >= 0 else []
    frac, far = _frac(atoms)
    alternatives = occupancy is None and columns.group >= 0 and _alternatives(atoms)
    return Sites(frac, numbers, occupancy, _labels(atoms), multiplicities, attached, alternatives, far)


def _refuse_elsewhere(columns: _LoopPlaces, block: gemmi.cif.Block) -> None:
    """Raise ``Rejected`` if a second loop has columns that the loop of the sites lacks, because only one is read."""
    for name, place in (("type_symbol", columns.symbol), ("occupancy", columns.occupancy)):
        if place < 0:
            for tag in (f"_atom_site_{name}", f"_atom_site.{name}"):
                if block.find_values(tag):
                    raise Rejected(
                        "cif-syntax", f"{tag} is in a second loop of atom sites: put it into the first"
                    )


def _alternatives(atoms: Atoms) -> bool:
    """Whether there are groups of disordered atoms that exclude each other."""
    values, width, columns = atoms
    groups = [group.strip("'\"") for group in values[columns.group :: width]]
    if _NO_GROUP.issuperset(groups):
        return False
    assemblies = values[columns.assembly :: width] if columns.assembly >= 0 else ["."] * len(groups)
    pairs = {pair for pair in zip(assemblies, groups, strict=True) if pair[1] not in _NO_GROUP}
    # -1: around a special position, where an atom and its image exclude each other
    return len({assembly for assembly, _ in pairs}) < len(pairs) or any(group[0] == "-" for _, group in pairs)


@lru_cache(maxsize=1024)
def multiplicity(text: str) -> int:
    """The multiplicity in ``text`` (``4``, ``4.0``, ``'4'``); 0 if it is none."""
    match = _WHOLE.fullmatch(text)
    return int(match[1]) if match else 0


def _held(atoms: Atoms, occupancy: NDArray[np.float64] | None) -> tuple[Atoms, NDArray[np.float64] | None]:
    """The sites that hold an atom, without dummy atoms (which mark centroids and the like) and empty sites."""
    values, width, columns = atoms
    held = np.ones(len(values) // width, dtype=bool) if occupancy is None else occupancy > 0
    if columns.flag >= 0:
        held &= [flag.strip("'\"").lower() != "dum" for flag in values[columns.flag :: width]]
    if held.all():
        return atoms, occupancy
    if not held.any():
        raise Rejected("no-structure", "there are no atoms: every site is a dummy or has occupancy 0")
    rows = [values[k * width : (k + 1) * width] for k in np.flatnonzero(held)]
    occupancy = None if occupancy is None or (occupancy[held] == 1).all() else occupancy[held]
    return Atoms([value for row in rows for value in row], width, columns), occupancy


def _numbers(atoms: Atoms, block: gemmi.cif.Block) -> NDArray[np.uint8]:
    """Atomic numbers (n,) uint8, from the type symbol if there is one, else from the label."""
    values, width, columns = atoms
    if columns.symbol < 0 and columns.label < 0:
        raise Rejected("element", "the atom sites have neither a type symbol nor a label")
    symbols = values[columns.symbol :: width] if columns.symbol >= 0 else []
    found = list(map(number_of_type, symbols)) or list(map(number_of_label, _labels(atoms)))
    if 0 in found:  # a type symbol is missing, or can mean several elements
        found = told(symbols, _labels(atoms), stated_elements(block))
    return np.frombuffer(bytearray(found), np.uint8)  # in a third of the time of np.array


def _labels(atoms: Atoms) -> list[str]:
    """Labels of the sites; empty if they have none."""
    return atoms.values[atoms.columns.label :: atoms.width] if atoms.columns.label >= 0 else []


def _frac(atoms: Atoms) -> tuple[NDArray[np.float64], str]:
    """Fractional coordinates (n, 3) in [0, 1), and :attr:`Sites.far`."""
    values, width, columns = atoms
    if columns.y < 0 or columns.z < 0:
        raise Rejected("coordinates", "the atom sites have no fract_y or no fract_z")
    xs, ys, zs = values[columns.x :: width], values[columns.y :: width], values[columns.z :: width]
    found = numbers(xs + ys + zs)
    frac = inside_cell(np.array(found), lambda k: f"{xs[k]}, {ys[k]}, {zs[k]}")
    far = found and (max(found) > FAR or min(found) < -FAR)
    return frac, _far(found, (xs, ys, zs)) if far else ""


def _far(found: Sequence[float], written: tuple[list[str], ...]) -> str:
    k = next(k for k, value in enumerate(found) if abs(value) > FAR) % len(written[0])
    return (
        f"atom {k + 1} is at {', '.join(column[k] for column in written)}, which are to be fractions of the cell's "
        "edges: are they Å or thousandths?"
    )


def _occupancy(atoms: Atoms) -> NDArray[np.float64] | None:
    """Occupancies (n,); None if every site is fully occupied or none is stated; 0 for an empty site."""
    values, width, columns = atoms
    if columns.occupancy < 0:
        return None
    written = values[columns.occupancy :: width]
    if FULL.issuperset(written):
        return None
    occupancy = np.array(numbers(["1" if v in FULL else v for v in written]))
    check_occupancy(occupancy, written)
    return occupancy
