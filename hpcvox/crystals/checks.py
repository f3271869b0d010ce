"""The checks of every crystal that is read: a cell with volume, known elements, usable coordinates, whole sites."""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hpcvox.crystals.decimals import decimals
from hpcvox.crystals.elements import ATOMIC_NUMBERS
from hpcvox.crystals.limits import MAX_LENGTH_A, MAX_SITES, MAX_VOLUME_A3, MIN_VOLUME_A3
from hpcvox.crystals.occupancy import whole_sites
from hpcvox.crystals.overlap import (
    MIN_DISTANCE_A,
    plane_spacings,
    wrap_columns,
)
from hpcvox.crystals.record import Crystal, Entry
from hpcvox.errors import Rejected

FAR: Final = 2.0
"""Greater fractional coordinates, of either sign, are rare; usually they are in Å, or in thousandths."""

_ISOTOPES: Final = {"D": "H", "T": "H"}


class StatedCell(NamedTuple):
    """A full cell as a file states it, not yet checked."""

    lattice: NDArray[np.float64]  # (3, 3) | rows are the cell vectors in Å
    frac: NDArray[np.float64]  # (n, 3)
    numbers: NDArray[np.uint8]  # (n,) | atomic numbers
    occupancy: NDArray[np.float64] | None = None  # (n,) | None: every site is fully occupied
    far: bool = False  # whether the file calls coordinates fractions that may be something else


def checked(entry: Entry, cell: StatedCell) -> Crystal:
    """Check ``cell`` and return its crystal, rotated so that a lies along x and b in the xy plane, as in CIFs.

    A left-handed cell is inverted together with its coordinates, which gives the same crystal.

    Raises:
        Rejected: ``no-structure``, ``too-many-sites``, ``cell``, ``coordinates``, ``occupancy``,
            ``disordered``, ``overlapping-sites``.
    """
    if not len(cell.numbers):
        raise Rejected("no-structure", "there are no atoms")
    check_count(len(cell.numbers))
    lattice = oriented(cell.lattice)
    coordinates = -cell.frac if np.linalg.det(cell.lattice) < 0 else cell.frac
    try:
        frac, numbers = sites(lattice, coordinates, cell.numbers, cell.occupancy)
    except Rejected as reason:
        if cell.far and reason.code == "overlapping-sites":
            raise Rejected(
                "coordinates", f"the coordinates are to be fractions: are they Å? As such, {reason}"
            ) from None
        raise
    remarks = ("far-coordinates",) if cell.far else ()
    return Crystal(entry.id, entry.origin, lattice, frac, numbers, entry.targets, remarks=remarks)


def sites(
    lattice: NDArray[np.float64],
    coordinates: NDArray[np.float64],
    numbers: NDArray[np.uint8],
    occupancy: NDArray[np.float64] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Check sites, and return fractional coordinates (n, 3) in [0, 1) and atomic numbers (n,), one atom for each site.

    Sites with occupancy 0 hold no atom and are left out.

    Args:
        lattice: (3, 3) rows in Å, of a cell with volume.
        coordinates: fractional, (m, 3), not yet moved into the cell.
        numbers: atomic numbers, (m,).
        occupancy: (m,) | None: every site is fully occupied.

    Raises:
        Rejected: ``no-structure``, ``cell``, ``coordinates``, ``occupancy``, ``disordered``, ``overlapping-sites``.
    """
    spacing = float(plane_spacings(lattice).min())
    check_spacing(spacing)
    check_filled(abs(float(np.linalg.det(lattice))), len(numbers), len(numbers))
    frac = inside_cell(
        np.ascontiguousarray(coordinates.T).reshape(-1),
        lambda k: ", ".join(f"{value:g}" for value in coordinates[k]),
    )
    if occupancy is not None:
        check_occupancy(occupancy)
        if not occupancy.all():
            frac, numbers, occupancy = frac[occupancy > 0], numbers[occupancy > 0], occupancy[occupancy > 0]
            if not len(numbers):
                raise Rejected("no-structure", "there are no atoms: every site has occupancy 0")
        occupancy = None if (occupancy == 1.0).all() else occupancy
    return whole_sites(lattice, frac, numbers, occupancy, spacing)


def inside_cell(columns: NDArray[np.float64], written: Callable[[int], str]) -> NDArray[np.float64]:
    """Fractional coordinates (n, 3) in [0, 1) from ``columns`` (3n,): all x, then all y, then all z.

    Raises:
        Rejected: ``coordinates``, with the text ``written(k)`` of the first atom whose coordinates cannot be used.
    """
    frac = np.empty((len(columns) // 3, 3))
    bad = wrap_columns(columns, frac)
    if bad >= 0:
        if np.isfinite(columns[bad :: len(frac)]).all():
            raise Rejected("coordinates", f"atom {bad + 1} is 1000 cells away or more ({written(bad)})")
        raise Rejected("coordinates", f"atom {bad + 1} has no usable coordinates ({written(bad)})")
    return frac


def check_occupancy(occupancy: NDArray[np.float64], written: Sequence[str] = ()) -> None:
    """Raise ``Rejected("occupancy")`` if a value is no share of an atom; the message quotes it from ``written``."""
    usable = (occupancy >= 0) & (occupancy < 100)
    if not usable.all():
        k = int(np.argmin(usable))
        raise Rejected(
            "occupancy", f"atom {k + 1} has occupancy {written[k] if written else f'{occupancy[k]:g}'}"
        )


def check_spacing(spacing: float) -> None:
    """Raise ``Rejected("cell")`` if opposite faces of the cell, ``spacing`` Å apart, are nearer than two atoms."""
    if not spacing >= MIN_DISTANCE_A:
        raise Rejected("cell", f"the cell is thinner than {MIN_DISTANCE_A} Å")


def check_filled(volume: float, atoms: int, listed: int) -> None:
    """Raise ``Rejected("cell")`` if a cell of ``volume`` Å³ is too large for its atoms, or too small for those listed.

    Symmetry that is wrong makes too many atoms, which is no fault of the cell.
    """
    if volume > MAX_VOLUME_A3 * atoms > 0:
        raise Rejected(
            "cell",
            f"the cell has {volume / atoms:.3g} Å³ for each of its {atoms} atoms: are its lengths in pm?",
        )
    if volume < MIN_VOLUME_A3 * listed:
        raise Rejected(
            "cell",
            f"the cell has {volume / listed:.3g} Å³ for each of {listed} listed atoms: are its lengths in nm?",
        )


def check_length(longest: float) -> None:
    """Raise ``Rejected("cell")`` if the longest cell vector, in Å, is longer than that of any crystal."""
    if not longest <= MAX_LENGTH_A:
        raise Rejected("cell", f"the cell is longer than {MAX_LENGTH_A:g} Å")


def oriented(lattice: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotate cell vectors, (3, 3) rows, so that a lies along x and b in the xy plane.

    Raises:
        Rejected: ``cell``, if they are not three finite vectors that span a volume.
    """
    longest = float(np.linalg.norm(lattice, axis=1).max())
    if not np.isfinite(lattice).all():
        raise Rejected("cell", "the cell vectors are not all finite numbers")
    check_length(longest)
    try:
        return np.asarray(np.linalg.cholesky(lattice @ lattice.T), dtype=np.float64)
    except np.linalg.LinAlgError:
        raise Rejected("cell", "the cell vectors do not span a volume") from None


def check_count(n_sites: int) -> None:
    """Raise ``Rejected("too-many-sites")`` if a cell has more sites than are allowed."""
    if n_sites > MAX_SITES:
        raise Rejected("too-many-sites", f"the cell has {n_sites} sites, more than {MAX_SITES}")


def refuse_many_sites(crystal: Crystal, most: int) -> None:
    """Raises ``Rejected("too-many-sites")`` where a cell has more sites than the setting ``max_sites``, ``most``."""
    if crystal.n_sites > most:
        raise Rejected("too-many-sites", f"{crystal.n_sites} sites in the cell, max_sites={most}")


def check_periodic(pbc: Sequence[Any]) -> None:
    """Raise ``Rejected("cell")`` unless the crystal is periodic along all of its cell vectors."""
    if not all(pbc):
        raise Rejected(
            "cell", "it is not periodic in all three directions: a molecule or slab, not a crystal"
        )


def element(symbol: object) -> int:
    """The atomic number of an element, from its exact symbol; D and T are hydrogen.

    Raises:
        Rejected: ``element``.
    """
    if isinstance(symbol, str):
        number = ATOMIC_NUMBERS.get(_ISOTOPES.get(symbol, symbol))
        if number is not None:
            return number
    raise Rejected("element", f"{str(symbol)[:40]!r} is not a chemical element")


def fractional(cartesian: NDArray[np.float64], lattice: NDArray[np.float64]) -> NDArray[np.float64]:
    """Convert positions (n, 3) in Å to fractional coordinates (n, 3) in the cell (3, 3).

    Raises:
        Rejected: ``cell``, if the vectors span no volume.
    """
    try:
        return np.asarray(cartesian @ np.linalg.inv(lattice))
    except np.linalg.LinAlgError:
        raise Rejected("cell", "the cell vectors do not span a volume") from None


def array(value: object, columns: int, code: str, what: str) -> NDArray[np.float64]:
    """Convert ``value``, whose numbers may be text, to an array (n, columns) float64.

    Raises:
        Rejected: with ``code``; the message says that ``what`` is no such array.
    """
    fault = ""
    try:
        numbers = np.array(value)
        if numbers.dtype.kind == "U":
            numbers = np.array(decimals(numbers.ravel().tolist())).reshape(numbers.shape)
        numbers = numbers.astype(np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        fault = f": {error}" if "is not a number" in str(error) else ""
        numbers = np.empty(0)
    if numbers.ndim != 2 or numbers.shape[1] != columns:
        raise Rejected(code, f"{what} must be {columns} numbers a row{fault}")
    return numbers
