"""Joins split and repeated sites that mean one atom, and rejects partly occupied sites."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hpcvox.crystals.elements import SYMBOLS
from hpcvox.crystals.overlap import LEAST_DISTANCES_A, PART_TOLERANCE, Near, join, overlapping
from hpcvox.errors import Rejected

FULL: Final = frozenset({"1", "1.", "1.0", "1.00", "1.000", "1.0000", "1.00000", ".", "?"})
"""Spellings of full occupancy; unknown and default mean full, too (CIF core dictionary)."""


def whole_sites(
    lattice: NDArray[np.float64],
    frac: NDArray[np.float64],
    numbers: NDArray[np.uint8],
    occupancy: NDArray[np.float64] | None,
    spacing: float,
    label: Callable[[int], str] | None = None,
    least: NDArray[np.float64] = LEAST_DISTANCES_A,
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Fractional coordinates (n, 3) and atomic numbers (n,) with exactly one atom on each site.

    Several entries of one element on one site are one atom if they are repeated (0 and 1 are the same place), or if
    their occupancies add up to one.

    Args:
        lattice: (3, 3) rows in Å.
        frac: fractional coordinates, (m, 3).
        numbers: atomic numbers, (m,).
        occupancy: occupancies, (m,) | None: every site is fully occupied.
        spacing: least distance in Å between opposite faces of the cell.
        label: returns the label of a site by its index, for messages; None if there are no labels.
        least: least distance in Å of two atoms, by their atomic numbers, (119, 119).

    Raises:
        Rejected: ``disordered`` (a site is shared or partly empty), ``occupancy`` (more than one atom on a site),
            ``overlapping-sites`` (two atoms are nearer than atoms of their elements can be).
    """
    if occupancy is None and overlapping(lattice, frac, numbers, spacing, least) is None:
        return frac, numbers
    parts = np.ones(len(numbers)) if occupancy is None else occupancy.copy()
    kept = np.ones(len(numbers), dtype=bool)
    join(lattice, frac, numbers, parts, kept)
    frac, numbers, parts = frac[kept], numbers[kept], parts[kept]
    if (parts > 1 + PART_TOLERANCE).any():
        raise Rejected("occupancy", f"a site is occupied {parts.max():.3g} times")
    if (parts < 1 - PART_TOLERANCE).any():
        count = int((parts < 1 - PART_TOLERANCE).sum())
        raise Rejected(
            "disordered", f"{count} of {len(parts)} sites are partly occupied (least {parts.min():.3g})"
        )
    near = overlapping(lattice, frac, numbers, spacing, least)
    if near is not None:
        raise _too_near(near, numbers, np.flatnonzero(kept), label)
    return frac, numbers


def _too_near(
    near: Near, numbers: NDArray[np.uint8], places: NDArray[np.intp], label: Callable[[int], str] | None
) -> Rejected:
    symbols = [SYMBOLS[numbers[k]] for k in near[:2]]
    names = [
        f"{places[k] + 1} ({symbol}{f', {label(int(places[k]))}' if label else ''})"
        for k, symbol in zip(near[:2], symbols, strict=True)
    ]
    where = (
        f"site {names[0]} and its image in the next cell"
        if near.first == near.second
        else f"sites {names[0]} and {names[1]}"
    )
    pair = f"2 {symbols[0]} atoms" if symbols[0] == symbols[1] else f"{symbols[0]} and {symbols[1]} atoms"
    return Rejected(
        "overlapping-sites",
        f"{where} are {near.distance:.3f} Å apart; {pair} come no nearer than {near.least:.2f} Å: "
        "look at the coordinates, the unit of the cell, and for disorder that is written without occupancies",
    )
