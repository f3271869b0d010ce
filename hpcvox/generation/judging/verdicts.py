"""Judges valid candidates: which stage loses each of them, and what it is the same as.

Only candidates of one formula are compared with each other and with known crystals, so that formulas can be judged in
different processes.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from hpcvox.actors.campaign import Part
from hpcvox.actors.groups import rows_of
from hpcvox.crystals.formats.cif.writing import cif_text
from hpcvox.crystals.known import Known, Match
from hpcvox.crystals.record import Crystal
from hpcvox.generation.judging.plausible import plausibility
from hpcvox.generation.judging.summary import Column, Stage
from hpcvox.generation.judging.symmetrise import symmetrised


class Judged(NamedTuple):
    """What is found out about one candidate."""

    row: dict[str, Any]
    """Its columns of ``judged.csv``; an empty ``lost`` says that no stage loses it."""
    ideal: str
    """The CIF of the exactly symmetric crystal of a candidate that is left; empty if it has none."""


class Asked(NamedTuple):
    """What the run asks of candidates."""

    implausible: frozenset[str]
    """The reasons that lose a candidate as implausible."""
    anonymous: str | None
    """The anonymous formula that candidates must have; None: any."""
    symprec: float
    """Tolerance in Å of the symmetry that crystals are given exactly."""


class _Candidate(NamedTuple):
    """A candidate with the crystals of its formula that it is compared with, by the stage that these lose it at."""

    crystal: Crystal
    there: tuple[tuple[Stage, tuple[Crystal, ...]], ...]


def judged(
    crystals: Sequence[Crystal], there: Sequence[tuple[Stage, Known]], asked: Asked, actors: int
) -> Mapping[str, Judged]:
    """Judge candidates, by their ids.

    Args:
        crystals: the valid candidates, in their order: of two that match, the second is lost.
        there: crystals that candidates must not match, each set with the stage that it loses them at.
        asked: what the run asks for.
        actors: processes, if there are many candidates; 0: one for each CPU.

    Raises:
        PartError: a process dies each time, but not on any single candidate.
        ClusterError: Ray cannot be started or reached.
    """
    by_formula: dict[str, list[Crystal]] = {}
    for crystal in crystals:
        by_formula.setdefault(crystal.formula, []).append(crystal)
    groups = (
        # the same object for all of a formula, which is sent once
        [_Candidate(crystal, known) for crystal in group]
        for formula, group in by_formula.items()
        for known in [tuple((stage, tuple(one.of_formula(formula))) for stage, one in there)]
    )
    rows = rows_of(groups, _Worker(asked), "judge", "candidates", actors)
    return {row.row[Column.ID]: row for row in rows}


class _Worker:
    """Makes the function that judges a part; it can be sent to another process."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked

    def __call__(self) -> Callable[[Part[_Candidate]], list[Judged]]:
        return self.judge

    def judge(self, part: Part[_Candidate]) -> list[Judged]:
        """The verdicts on the candidates of a part."""
        found: list[Judged] = []
        numbered = groupby(enumerate(part.items), key=lambda one: one[1].crystal.formula)
        for _, group in numbered:
            judge: _Formula | None = None
            for place, candidate in group:
                judge = judge or _Formula(self.asked, candidate.there)
                if place in part.fatal:
                    row: dict[str, Any] = {
                        Column.LOST: Stage.VALID,
                        Column.CODE: "worker-died",
                        Column.MESSAGE: part.fatal[place],
                    }
                else:
                    row = judge.verdict(candidate.crystal)
                found.append(self._whole(candidate.crystal, row))
        return found

    def _whole(self, crystal: Crystal, row: dict[str, Any]) -> Judged:
        row[Column.ID] = crystal.id
        one = None if row[Column.LOST] else symmetrised(crystal, self.asked.symprec)
        if one is None:
            return Judged(row, "")
        return Judged(row | {Column.SPACEGROUP: one.group, Column.SYMBOL: one.symbol}, cif_text(one.crystal))


class _Formula:
    """Judges the candidates of one formula one after the other; remembers the distinct ones, to find duplicates.

    A candidate is compared with distinct candidates, never with duplicates, as in pymatgen's
    ``StructureMatcher.group_structures``.  So n candidates of which d are distinct cost at most n·d comparisons.
    """

    def __init__(self, asked: Asked, there: Collection[tuple[Stage, Sequence[Crystal]]]) -> None:
        self.asked = asked
        self.seen = Known(())
        self.sets = [(Stage.DISTINCT, self.seen), *((stage, Known(crystals)) for stage, crystals in there)]
        self.first = ""
        """The id of the first one that is left."""

    def verdict(self, crystal: Crystal) -> dict[str, Any]:
        """The columns of the verdict: the stage that loses the candidate (empty: none), and what it is the same as."""
        found = plausibility(crystal)
        measured: dict[str, Any] = {
            Column.DENSITY: f"{found.density:.4g}",
            Column.VOLUME: "" if found.volume is None else f"{found.volume:.4g}",
        }
        why = next((reason for reason in found.faults if reason in self.asked.implausible), None)
        measured[Column.REMARKS] = " ".join(reason for reason in found.faults if reason != why)
        if why is not None:
            return measured | {
                Column.LOST: Stage.PLAUSIBLE,
                Column.CODE: why,
                Column.MESSAGE: found.faults[why],
            }
        return measured | self._compared(crystal)

    def _compared(self, crystal: Crystal) -> dict[str, Any]:
        """The verdict on a plausible candidate: which of the later stages loses it, if any."""
        if self.asked.anonymous is not None and anonymous(crystal.formula) != self.asked.anonymous:
            return {Column.LOST: Stage.ANONYMOUS}
        found = self._there_already(crystal)
        if found is None or found[0] != Stage.DISTINCT:
            self.seen.add(crystal)
        if found is not None:
            stage, match = found
            return {Column.LOST: stage, Column.MATCH: match.id, Column.RMS: round(match.rms, 6)}
        if self.first:
            return {Column.LOST: Stage.COMPOSITION, Column.MATCH: self.first}
        self.first = crystal.id
        return {Column.LOST: ""}

    def _there_already(self, crystal: Crystal) -> tuple[Stage, Match] | None:
        for stage, known in self.sets:
            if (match := known.match(crystal)) is not None:
                return stage, match
        return None


def anonymous(formula: str) -> str:
    """The formula with letters for elements, such as ABC3."""
    from pymatgen.core.composition import Composition

    found: str = Composition(formula).anonymized_formula
    return found
