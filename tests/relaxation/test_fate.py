"""What became of a crystal, of crystals whose fate is known."""

import numpy as np
import pytest
from numpy.typing import NDArray

from hpcvox.crystals.record import Crystal
from hpcvox.relaxation.fate import Fate, fate, of_failure

SITES = np.array([[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
CUBE = 3.9 * np.eye(3)


def crystal(lattice: NDArray[np.float64] = CUBE, frac: NDArray[np.float64] = SITES) -> Crystal:
    return Crystal("a", "test", lattice, frac, np.array([38, 22, 8, 8, 8], np.uint8), {})


def moved(site: int, by: tuple[float, float, float]) -> NDArray[np.float64]:
    frac = SITES.copy()
    frac[site] += by
    return frac


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (crystal(1.03 * CUBE), Fate.RELAXED),
        (crystal(CUBE, SITES + 5.25), Fate.RELAXED),
        # titanium off its centre: a ferroelectric, of lower symmetry
        (crystal(CUBE, moved(1, (0.0, 0.0, 0.04))), Fate.SYMMETRY),
        (crystal(CUBE @ np.diag([1, 1, 1.06])), Fate.SYMMETRY),
        # an oxygen on the other side of the cell
        (crystal(CUBE, moved(2, (-0.35, -0.3, 0.3))), Fate.STRUCTURE),
        (crystal(CUBE @ np.diag([1.25, 1.25, 0.7])), Fate.STRUCTURE),
        (crystal(1.3 * CUBE), Fate.EXPLODED),
        (crystal(0.75 * CUBE), Fate.EXPLODED),
    ],
)
def test_crystals_are_told_apart_by_what_became_of_them(after: Crystal, expected: Fate) -> None:
    assert fate(crystal(), after, converged=True, force=0.01, symprec=0.0) == expected


def test_sites_that_change_places_with_their_like_are_the_same_crystal() -> None:
    """Where the atoms went is not asked, but what they are together."""
    turned = SITES.copy()
    turned[[2, 3]] = turned[[3, 2]]
    assert fate(crystal(), crystal(CUBE, turned), converged=True, force=0.01, symprec=0.0) == Fate.RELAXED


def test_forces_and_steps_count_where_the_crystal_is_what_it_was() -> None:
    assert fate(crystal(), crystal(), converged=False, force=0.3, symprec=0.0) == Fate.UNCONVERGED
    assert fate(crystal(), crystal(), converged=False, force=50.0, symprec=0.0) == Fate.EXPLODED
    # symprec has made it cubic before it was relaxed
    off = crystal(CUBE, moved(1, (0.0, 0.0, 0.03)))
    assert fate(off, crystal(), converged=True, force=0.01, symprec=0.3) == Fate.RELAXED


def test_what_never_ended_failed_and_what_lost_its_cell_exploded() -> None:
    assert [of_failure(code) for code in ("timeout", "cell-lost", "not-finite", "cif-syntax")] == [
        *(Fate.FAILED, Fate.EXPLODED, Fate.EXPLODED, Fate.FAILED),
    ]
