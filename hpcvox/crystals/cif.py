"""From the text of a CIF to crystals: gemmi first, pymatgen where gemmi refuses the syntax.

:func:`parse` never raises for bad input: what cannot be used comes back as a rejection.
"""

from functools import lru_cache
from typing import NamedTuple

import gemmi
import numpy as np
from numpy.typing import NDArray

from hpcvox.crystals import blocks, formulas
from hpcvox.crystals.cells import lattice_from_parameters
from hpcvox.crystals.checks import MAX_LENGTH_A
from hpcvox.crystals.decimals import decimal, decimals
from hpcvox.crystals.labels import number_of_label, told
from hpcvox.crystals.occupancy import FULL, settled
from hpcvox.crystals.overlap import (
    LEAST_DISTANCES_A,
    LEAST_OF_CANDIDATES_A,
    MIN_DISTANCE_A,
    overlapping,
    plane_spacings,
    wrap_columns,
)
from hpcvox.crystals.record import Crystal, Entry, Rejection
from hpcvox.crystals.stated import stated_elements
from hpcvox.crystals.symbols import number_of_type
from hpcvox.crystals.symmetry import MAX_SITES, expand, operations
from hpcvox.errors import Rejected

MAX_BYTES = 16 * 1024 * 1024
"""A CIF longer than this is not read (the largest of real databases are a few megabytes)."""

CANDIDATE = "cif-candidate"
"""Format of the CIF of a generated crystal: its atoms may be nearer than those of a real one."""

_CELL_TAGS = tuple(
    (f"_cell_{name}", f"_cell.{name}")
    for name in ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
)
_RIGHT_ANGLES = (90.0, 90.0, 90.0)


def parse(entry: Entry) -> list[Crystal | Rejection]:
    """The crystals of one entry, or why there is none.

    One crystal per data block with atom sites; where there are several their ids are
    ``id#block``.  Full, ordered cells only: symmetry is expanded to P1.

    Codes of rejections: ``empty``, ``too-large``, ``cif-syntax``, ``no-structure``, ``cell``,
    ``symmetry``, ``coordinates``, ``element``, ``occupancy``, ``disordered``, ``incomplete``,
    ``overlapping-sites``, ``too-many-sites``, ``unreadable``, and the codes of sources.
    """
    if entry.fault is not None:
        return [Rejection(entry.id, entry.origin, entry.fault.code, entry.fault.message)]
    try:
        return _parse(entry)
    except Rejected as reason:
        return [Rejection(entry.id, entry.origin, reason.code, str(reason))]
    except Exception as error:  # a stranger's bytes may upset a library in any way
        return [Rejection(entry.id, entry.origin, "unreadable", f"{type(error).__name__}: {error}")]


def _parse(entry: Entry) -> list[Crystal | Rejection]:
    if not entry.text or entry.text.isspace():
        raise Rejected("empty", "the CIF is empty")
    if len(entry.text) > MAX_BYTES:
        raise Rejected("too-large", f"the CIF is longer than {MAX_BYTES // 1024**2} MiB")
    complaint = ""
    try:
        document = gemmi.cif.read_string(entry.text)
    except (ValueError, RuntimeError) as error:
        from hpcvox.crystals import lenient

        complaint = f"not a valid CIF: {_first_line(error)}"
        document = lenient.read(entry.text, complaint)
    found = [(block, atoms) for block in document if (atoms := _atoms(block)) is not None]
    if not found:
        raise _rejected("no-structure", "no data block has atom sites with fractional coordinates", complaint)
    results: list[Crystal | Rejection] = []
    for block, atoms in found:
        name = entry.id if len(found) == 1 else f"{entry.id}#{block.name}"
        try:
            results.append(_crystal(entry, name, block, atoms))
        except Rejected as reason:
            reason = _rejected(reason.code, str(reason), complaint)
            results.append(Rejection(name, entry.origin, reason.code, str(reason)))
    return results


def _rejected(code: str, message: str, complaint: str) -> Rejected:
    """The reason of a rejection; in a CIF with faulty syntax that is the syntax."""
    if complaint:
        return Rejected("cif-syntax", f"{complaint}; of what can be read, {message}")
    return Rejected(code, message)


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__


class _Columns(NamedTuple):
    """Where an atom-site loop keeps what; -1 where it does not."""

    x: int
    y: int
    z: int
    symbol: int
    label: int
    occupancy: int
    flag: int


@lru_cache(maxsize=4096)
def _columns(tags: tuple[str, ...]) -> _Columns:
    index = {tag.lower().replace(".", "_"): i for i, tag in enumerate(tags)}
    names = ("fract_x", "fract_y", "fract_z", "type_symbol", "label", "occupancy", "calc_flag")
    return _Columns(*(index.get(f"_atom_site_{name}", -1) for name in names))


class _Atoms(NamedTuple):
    values: list[str]  # row by row
    width: int
    columns: _Columns


def _atoms(block: gemmi.cif.Block) -> _Atoms | None:
    for tag in ("_atom_site_fract_x", "_atom_site.fract_x"):
        loop = blocks.loop(block, tag)
        if loop is not None:
            tags = tuple(loop.tags)
            return _Atoms(loop.values, len(tags), _columns(tags))
        if blocks.value(block, tag) is not None:  # one atom, written without a loop
            stem = tag.removesuffix("fract_x")
            names = ("fract_x", "fract_y", "fract_z", "type_symbol", "label", "occupancy", "calc_flag")
            pairs = [(stem + n, value) for n in names if (value := blocks.value(block, stem + n)) is not None]
            return _Atoms([value for _, value in pairs], len(pairs), _columns(tuple(t for t, _ in pairs)))
    return None


def _crystal(entry: Entry, name: str, block: gemmi.cif.Block, atoms: _Atoms) -> Crystal:
    if len(atoms.values) > MAX_SITES * atoms.width:
        raise Rejected("too-many-sites", f"more than {MAX_SITES} sites are listed")
    cell = _cell(block)
    occupancy = _occupancy(atoms)
    if occupancy is not None or atoms.columns.flag >= 0:
        atoms, occupancy = _held(atoms, occupancy)
    numbers = _numbers(atoms, block)
    frac = _frac(atoms)
    try:
        lattice = lattice_from_parameters(*cell)
    except ValueError as error:
        raise Rejected("cell", str(error)) from None
    orthogonal = cell[3:] == _RIGHT_ANGLES
    spacing = float(min(cell[:3]) if orthogonal else plane_spacings(lattice).min())
    if spacing < MIN_DISTANCE_A:
        raise Rejected("cell", f"the cell is thinner than {MIN_DISTANCE_A} Å")
    if max(cell[:3]) > MAX_LENGTH_A:
        raise Rejected("cell", f"the cell is longer than {MAX_LENGTH_A:g} Å")
    symmetry = operations(block, cell)
    owner = None
    if symmetry is not None:
        frac, owner = expand(symmetry, lattice, frac)
        numbers = numbers[owner]
        occupancy = None if occupancy is None else occupancy[owner]
    if len(numbers) > MAX_SITES:
        raise Rejected("too-many-sites", f"the cell has {len(numbers)} sites, more than {MAX_SITES}")
    least = LEAST_OF_CANDIDATES_A if entry.format == CANDIDATE else LEAST_DISTANCES_A
    if occupancy is not None or overlapping(lattice, frac, numbers, spacing, least) is not None:
        labels = _labels(atoms)
        if labels and owner is not None:
            labels = [labels[k] for k in owner]
        frac, numbers = settled(lattice, frac, numbers, occupancy, spacing, labels, least)
    if symmetry is None:
        stated = blocks.value(block, "_chemical_formula_sum")
        if stated is not None:
            formulas.check_complete(stated, numbers.tobytes())
    return Crystal(name, entry.origin, lattice, frac, numbers, entry.targets)


def _cell(block: gemmi.cif.Block) -> tuple[float, float, float, float, float, float]:
    parameters = []
    for tag, dotted in _CELL_TAGS:
        value = blocks.value(block, tag) or blocks.value(block, dotted)
        if value is None:
            raise Rejected("cell", f"{tag} is missing")
        try:
            parameters.append(decimal(value))
        except ValueError:
            number = gemmi.cif.as_number(value)  # understands 4.05(2); nan for ? and text
            if number != number:
                raise Rejected("cell", f"{tag} is {value}, not a number") from None
            parameters.append(number)
    a, b, c, alpha, beta, gamma = parameters
    return a, b, c, alpha, beta, gamma


def _held(atoms: _Atoms, occupancy: NDArray[np.float64] | None) -> tuple[_Atoms, NDArray[np.float64] | None]:
    """The sites that hold an atom: neither dummy atoms, which mark centroids and the like, nor empty sites."""
    values, width, columns = atoms
    held = np.ones(len(values) // width, dtype=bool) if occupancy is None else occupancy > 0
    if columns.flag >= 0:
        held &= [flag != "dum" for flag in values[columns.flag :: width]]
    if held.all():
        return atoms, occupancy
    if not held.any():
        raise Rejected("no-structure", "there are no atoms: every site is a dummy or has occupancy 0")
    rows = [values[k * width : (k + 1) * width] for k in np.flatnonzero(held)]
    occupancy = None if occupancy is None or (occupancy[held] == 1).all() else occupancy[held]
    return _Atoms([value for row in rows for value in row], width, columns), occupancy


def _numbers(atoms: _Atoms, block: gemmi.cif.Block) -> NDArray[np.uint8]:
    """Atomic numbers (n,) uint8, by type symbol where there is one, else by label."""
    values, width, columns = atoms
    if columns.symbol < 0 and columns.label < 0:
        raise Rejected("element", "the atom sites have neither a type symbol nor a label")
    symbols = values[columns.symbol :: width] if columns.symbol >= 0 else []
    found = list(map(number_of_type, symbols)) or list(map(number_of_label, _labels(atoms)))
    if 0 in found:  # there is no type symbol, or what is there can mean several elements
        found = told(symbols, _labels(atoms), stated_elements(block))
    return np.array(found, dtype=np.uint8)


def _labels(atoms: _Atoms) -> list[str]:
    """Labels of the sites; empty where they have none."""
    return atoms.values[atoms.columns.label :: atoms.width] if atoms.columns.label >= 0 else []


def _frac(atoms: _Atoms) -> NDArray[np.float64]:
    """Fractional coordinates (n, 3) in [0, 1)."""
    values, width, columns = atoms
    if min(columns.y, columns.z) < 0:
        raise Rejected("coordinates", "the atom sites have no fract_y or no fract_z")
    xs, ys, zs = values[columns.x :: width], values[columns.y :: width], values[columns.z :: width]
    try:
        written = np.array(decimals([*xs, *ys, *zs]))
    except ValueError:  # 0.25(3), or no number at all, which is nan
        written = np.array([gemmi.cif.as_number(value) for value in (*xs, *ys, *zs)])
    frac = np.empty((len(xs), 3))
    bad = wrap_columns(written, frac)
    if bad >= 0:
        given = f"{xs[bad]}, {ys[bad]}, {zs[bad]}"
        raise Rejected("coordinates", f"atom {bad + 1} has no usable coordinates ({given})")
    return frac


def _occupancy(atoms: _Atoms) -> NDArray[np.float64] | None:
    """Occupancies (n,), or None where every site is fully occupied or none is stated; 0 is an empty site."""
    values, width, columns = atoms
    if columns.occupancy < 0:
        return None
    written = values[columns.occupancy :: width]
    if FULL.issuperset(written):
        return None
    occupancy = np.array([1.0 if v in FULL else gemmi.cif.as_number(v) for v in written])
    if not ((occupancy >= 0) & (occupancy < 100)).all():
        k = int(np.argmin((occupancy >= 0) & (occupancy < 100)))
        raise Rejected("occupancy", f"atom {k + 1} has occupancy {written[k]}")
    return occupancy
