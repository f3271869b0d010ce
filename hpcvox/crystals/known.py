"""Finds which known crystal a generated or relaxed crystal is the same as (Court et al. 2020, Tables 2 and 4)."""

import math
import warnings
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal
from hpcvox.crystals.sources.source import open_source

SYMMETRY_TOLERANCE_A = 0.1
"""Symmetry tolerance in Å of the conventional cells whose lengths are compared; relaxed crystals are not exact."""


class Match(NamedTuple):
    """A known crystal that is the same as another one, and its distance from it."""

    crystal: Crystal
    rms: float  # root mean square of the sites' distances, in units of (volume/site)^(1/3)

    @property
    def id(self) -> str:
        """The id of the known crystal."""
        return self.crystal.id


class Known:
    """Known crystals, grouped by formula; only crystals of the same formula can match."""

    def __init__(self, crystals: Iterable[Crystal]) -> None:
        self._crystals: dict[str, list[_Compared]] = defaultdict(list)
        for crystal in crystals:
            self.add(crystal)

    @classmethod
    def of_source(cls, source: Path, formulas: Collection[str]) -> "Known":
        """Read the crystals of ``source`` whose formula is one of ``formulas``; others are not kept in memory."""
        if not formulas:
            return cls(())
        found = (crystal for entry in open_source(source, targets=[]) for crystal in parse(entry))
        return cls(each for each in found if isinstance(each, Crystal) and each.formula in formulas)

    def add(self, crystal: Crystal) -> None:
        """Add a known crystal."""
        self._crystals[crystal.formula].append(_compared(crystal))

    def has(self, formula: str) -> bool:
        """Whether there is a crystal of this reduced formula."""
        return bool(self._crystals.get(formula))

    def of_formula(self, formula: str) -> list[Crystal]:
        """The crystals of this reduced formula."""
        return [one.crystal for one in self._crystals.get(formula, ())]

    def match(self, crystal: Crystal) -> Match | None:
        """The nearest known crystal that matches; None if none does.

        pymatgen's ``StructureMatcher`` decides, with its defaults: it compares primitive cells scaled to the same
        volume; lengths may differ by 20 %, angles by 5°, sites by 0.3 (volume/site)^(1/3).
        """
        best: Match | None = None
        ours = _compared(crystal)
        for theirs in self._crystals.get(crystal.formula, ()):
            rms = _rms(ours, theirs)
            if rms is not None and (best is None or rms < best.rms):
                best = Match(theirs.crystal, rms)
        return best


class _Compared:
    """A crystal with its reduced cell, which is made when it is first compared: that takes longer than a comparison."""

    def __init__(self, crystal: Crystal) -> None:
        self.crystal = crystal

    @cached_property
    def reduced(self) -> Any:
        """The cell that pymatgen's ``StructureMatcher`` compares: primitive and reduced (Niggli)."""
        matcher = _matcher()
        (plain,) = matcher._process_species([structure(self.crystal)])
        return matcher._get_reduced_structure(plain, matcher._primitive_cell, niggli=True)


@lru_cache(maxsize=64)
def _compared(crystal: Crystal) -> _Compared:
    """The same object for the same crystal, which is compared with several sets and then added to one of them."""
    return _Compared(crystal)


@cache
def _matcher() -> Any:
    """pymatgen's matcher, which passes over lattices that no sites can match in, before it makes them.

    Of the 48 ways in which a cube is mapped on another, most bring unlike atoms together.
    """
    from pymatgen.analysis.structure_matcher import StructureMatcher
    from pymatgen.core.lattice import Lattice
    from pymatgen.util.coord import is_coord_subset_pbc

    base: Any = StructureMatcher
    are_near: Any = is_coord_subset_pbc

    class Matcher(base):  # type: ignore[misc] # some of pymatgen's methods have no types
        def _get_supercells(self, struct1: Any, struct2: Any, fu: int, s1_supercell: bool) -> Iterator[Any]:
            assert fu == 1, "supercells are not asked for"
            mask, starts, end = self._get_mask(struct1, struct2, fu, s1_supercell)
            places, theirs = np.array(struct1.cart_coords), np.array(struct2.frac_coords)
            parameters = np.array(struct2.lattice.parameters)
            for lattice, mapping in self._get_lattices(struct2.lattice, struct1, fu):
                ours = lattice.get_fractional_coords(places)
                ours -= np.floor(ours)
                reach = SLACK * _reach(lattice.matrix, parameters, len(ours), self.stol)
                if any(are_near(theirs + (ours[i] - theirs[end]), ours, reach, mask) for i in starts):
                    mean = (np.array(lattice.parameters) + parameters) / 2
                    yield ours, theirs, Lattice.from_parameters(*mean), mapping

    return Matcher()


SLACK: Final = 1 + 1e-6
"""For the rounding of what is computed in another way than pymatgen does."""


def _reach(
    matrix: NDArray[np.float64], parameters: NDArray[np.float64], sites: int, tolerance: float
) -> NDArray[np.float64]:
    """How far sites may be apart along each vector of the mean of two lattices, in fractions of these, (3,).

    Args:
        matrix: rows of the first lattice in Å, (3, 3).
        parameters: a, b, c in Å and α, β, γ in degrees of the second one, (6,).
        sites: in the cell.
        tolerance: in units of (volume/site)^(1/3).
    """
    (aa, ab, ac), (_, bb, bc), (_, _, cc) = (matrix @ matrix.T).tolist()
    a, b, c = math.sqrt(aa), math.sqrt(bb), math.sqrt(cc)
    their_a, their_b, their_c, *their_angles = parameters.tolist()
    cosines = (max(-1.0, min(1.0, x)) for x in (bc / (b * c), ac / (a * c), ab / (a * b)))
    angles = [
        (math.acos(cosine) + math.radians(theirs)) / 2
        for cosine, theirs in zip(cosines, their_angles, strict=True)
    ]
    a, b, c = (a + their_a) / 2, (b + their_b) / 2, (c + their_c) / 2
    u, v, w = map(math.cos, angles)
    squared = 1 - u * u - v * v - w * w + 2 * u * v * w
    if squared < 1e-9:
        return np.full(3, np.inf)
    volume = a * b * c * math.sqrt(squared)
    factor = 2 * tolerance * (volume / sites) ** (1 / 3) / volume
    x, y, z = map(math.sin, angles)
    return np.array([b * c * x * factor, a * c * y * factor, a * b * z * factor])


def _rms(ours: _Compared, theirs: _Compared) -> float | None:
    """``StructureMatcher.get_rms_dist``, of cells that are reduced already; None: they do not match."""
    if len(ours.reduced) != len(theirs.reduced):
        return None
    matcher = _matcher()
    cells = matcher._preprocess(ours.reduced, theirs.reduced, skip_structure_reduction=True)
    found = matcher._match(*cells, use_rms=True, break_on_match=False)
    return None if found is None else float(found[0])


def structure(crystal: Crystal) -> Any:
    """The crystal as pymatgen's ``Structure``."""
    from pymatgen.core.structure import Structure

    return Structure(crystal.lattice, crystal.numbers.astype(int).tolist(), crystal.frac)


def cell_differences(ours: Crystal, theirs: Crystal) -> tuple[float, float, float] | None:
    """|Δa|, |Δb|, |Δc| in Å of the conventional cells, as in Table 4; None if the space groups differ."""
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

    cells = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for one in (structure(ours), structure(theirs)):
            try:
                symmetry = SpacegroupAnalyzer(one, symprec=SYMMETRY_TOLERANCE_A)
                group = symmetry.get_space_group_number()
                cells.append((group, symmetry.get_conventional_standard_structure().lattice.abc))
            except Exception:  # if spglib finds no group, pymatgen may raise anything
                return None
    (group, abc), (their_group, their_abc) = cells
    if group != their_group:
        return None
    a, b, c = np.abs(np.subtract(abc, their_abc)).tolist()
    return a, b, c
