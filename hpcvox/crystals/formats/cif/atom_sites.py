"""The atom sites of a CIF block: their elements, coordinates and occupancies, as listed."""

from functools import lru_cache
from typing import NamedTuple

import gemmi
import numpy as np
from numpy.typing import NDArray

from hpcvox.crystals.checks import check_occupancy, inside_cell
from hpcvox.crystals.formats.cif import blocks
from hpcvox.crystals.formats.cif.elements.labels import number_of_label, told
from hpcvox.crystals.formats.cif.elements.stated import stated_elements
from hpcvox.crystals.formats.cif.elements.symbols import number_of_type
from hpcvox.crystals.formats.cif.numbers import numbers
from hpcvox.crystals.limits import MAX_SITES
from hpcvox.crystals.occupancy import FULL
from hpcvox.errors import Rejected


class _LoopPlaces(NamedTuple):
    """Where an atom-site loop keeps what; -1 where it does not."""

    x: int
    y: int
    z: int
    symbol: int
    label: int
    occupancy: int
    flag: int
    multiplicity: int


_NAMES = ("fract_x", "fract_y", "fract_z", "type_symbol", "label", "occupancy", "calc_flag")


_MULTIPLICITY = ("_atom_site_site_symmetry_multiplicity", "_atom_site_symmetry_multiplicity")


@lru_cache(maxsize=4096)
def _loop_places(tags: tuple[str, ...]) -> _LoopPlaces:
    index = {tag.lower().replace(".", "_"): i for i, tag in enumerate(tags)}
    places = [index.get(f"_atom_site_{name}", -1) for name in _NAMES]
    multiplicity = [place for name in _MULTIPLICITY if (place := index.get(name, -1)) >= 0]
    return _LoopPlaces._make((*places, *(multiplicity or [-1])[:1]))


class Atoms(NamedTuple):
    """The raw values of an atom-site loop."""

    values: list[str]  # row by row
    width: int
    columns: _LoopPlaces


def atoms_of(block: gemmi.cif.Block) -> Atoms | None:
    """The atom sites of the block with fractional coordinates; None where it has none."""
    for tag in ("_atom_site_fract_x", "_atom_site.fract_x"):
        loop = blocks.loop(block, tag)
        if loop is not None:
            tags = tuple(loop.tags)
            return Atoms(loop.values, len(tags), _loop_places(tags))
        if blocks.value(block, tag) is not None:  # one atom, written without a loop
            stem = tag.removesuffix("fract_x")
            pairs = [
                (stem + n, value) for n in _NAMES if (value := blocks.value(block, stem + n)) is not None
            ]
            return Atoms([value for _, value in pairs], len(pairs), _loop_places(tuple(t for t, _ in pairs)))
    return None


class Sites(NamedTuple):
    """The sites that a block lists."""

    frac: NDArray[np.float64]  # (n, 3)
    numbers: NDArray[np.uint8]  # (n,)
    occupancy: NDArray[np.float64] | None  # (n,) | None: all whole
    labels: list[str]  # empty where there are none
    multiplicities: list[str]  # as stated; empty where they are not


def sites_of(atoms: Atoms, block: gemmi.cif.Block) -> Sites:
    """The sites that hold an atom.

    Raises:
        Rejected: ``too-many-sites``, ``no-structure``, ``occupancy``, and those of elements and coordinates:
            ``element``, ``disordered``, ``incomplete``, ``coordinates``.
    """
    if len(atoms.values) > MAX_SITES * atoms.width:
        raise Rejected("too-many-sites", f"more than {MAX_SITES} sites are listed")
    occupancy = _occupancy(atoms)
    if occupancy is not None or atoms.columns.flag >= 0:
        atoms, occupancy = _held(atoms, occupancy)
    numbers = _numbers(atoms, block)
    values, width, columns = atoms
    multiplicities = values[columns.multiplicity :: width] if columns.multiplicity >= 0 else []
    return Sites(_frac(atoms), numbers, occupancy, _labels(atoms), multiplicities)


def _held(atoms: Atoms, occupancy: NDArray[np.float64] | None) -> tuple[Atoms, NDArray[np.float64] | None]:
    """The sites that hold an atom: neither dummy atoms, which mark centroids and the like, nor empty sites."""
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
    """Atomic numbers (n,) uint8, by type symbol where there is one, else by label."""
    values, width, columns = atoms
    if columns.symbol < 0 and columns.label < 0:
        raise Rejected("element", "the atom sites have neither a type symbol nor a label")
    symbols = values[columns.symbol :: width] if columns.symbol >= 0 else []
    found = list(map(number_of_type, symbols)) or list(map(number_of_label, _labels(atoms)))
    if 0 in found:  # there is no type symbol, or what is there can mean several elements
        found = told(symbols, _labels(atoms), stated_elements(block))
    return np.array(found, dtype=np.uint8)


def _labels(atoms: Atoms) -> list[str]:
    """Labels of the sites; empty where they have none."""
    return atoms.values[atoms.columns.label :: atoms.width] if atoms.columns.label >= 0 else []


def _frac(atoms: Atoms) -> NDArray[np.float64]:
    """Fractional coordinates (n, 3) in [0, 1)."""
    values, width, columns = atoms
    if columns.y < 0 or columns.z < 0:
        raise Rejected("coordinates", "the atom sites have no fract_y or no fract_z")
    xs, ys, zs = values[columns.x :: width], values[columns.y :: width], values[columns.z :: width]
    return inside_cell(np.array(numbers([*xs, *ys, *zs])), lambda k: f"{xs[k]}, {ys[k]}, {zs[k]}")


def _occupancy(atoms: Atoms) -> NDArray[np.float64] | None:
    """Occupancies (n,), or None where every site is fully occupied or none is stated; 0 is an empty site."""
    values, width, columns = atoms
    if columns.occupancy < 0:
        return None
    written = values[columns.occupancy :: width]
    if FULL.issuperset(written):
        return None
    occupancy = np.array(numbers(["1" if v in FULL else v for v in written]))
    check_occupancy(occupancy, written)
    return occupancy
