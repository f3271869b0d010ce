"""Finds which known crystal a generated or relaxed crystal is the same as (Court et al. 2020, Tables 2 and 4)."""

import warnings
from collections import defaultdict
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal
from hpcvox.crystals.sources.source import open_source

SYMMETRY_TOLERANCE_A = 0.1
"""Symmetry tolerance in Å of the conventional cells whose lengths are compared; relaxed crystals are not exact."""


class Match(NamedTuple):
    """A known crystal, and its distance from the other crystal."""

    id: str
    rms: float  # root mean square of the sites' distances, in units of (volume/site)^(1/3)
    lengths: tuple[float, float, float] | None
    """|Δa|, |Δb|, |Δc| in Å of the conventional cells, as in Table 4; None if the space groups differ."""


class Known:
    """Known crystals, grouped by formula; only crystals of the same formula can match."""

    def __init__(self, crystals: Iterable[Crystal]) -> None:
        self._crystals: dict[str, list[Crystal]] = defaultdict(list)
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
        self._crystals[crystal.formula].append(crystal)

    def has(self, formula: str) -> bool:
        """Whether there is a crystal of this reduced formula."""
        return bool(self._crystals.get(formula))

    def match(self, crystal: Crystal) -> Match | None:
        """The nearest known crystal that matches; None if none does.

        pymatgen's ``StructureMatcher`` decides, with its defaults: it compares primitive cells scaled to the same
        volume; lengths may differ by 20 %, angles by 5°, sites by 0.3 (volume/site)^(1/3).
        """
        from pymatgen.analysis.structure_matcher import StructureMatcher

        matcher = StructureMatcher()
        ours = structure(crystal)
        best: tuple[float, str, Any] | None = None
        for known in self._crystals.get(crystal.formula, ()):
            theirs = structure(known)
            distances = matcher.get_rms_dist(ours, theirs)  # type: ignore[no-untyped-call]
            if distances is not None and (best is None or distances[0] < best[0]):
                best = float(distances[0]), known.id, theirs
        if best is None:
            return None
        rms, name, theirs = best
        return Match(name, rms, _lengths(ours, theirs))


def structure(crystal: Crystal) -> Any:
    """The crystal as pymatgen's ``Structure``."""
    from pymatgen.core.structure import Structure

    return Structure(crystal.lattice, crystal.numbers.astype(int).tolist(), crystal.frac)


def _lengths(ours: Any, theirs: Any) -> tuple[float, float, float] | None:
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

    cells = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for one in (ours, theirs):
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
