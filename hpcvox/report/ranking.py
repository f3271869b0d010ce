"""Which candidates are the best, by one rule that the page says in words; and what is known of each."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from hpcvox.crystals.sources.cif_set import Cif, CifSet
from hpcvox.generation.candidates import CIFS
from hpcvox.generation.judging.summary import TABLE as JUDGED
from hpcvox.generation.judging.summary import Column as Judged
from hpcvox.relaxation.summary import TABLE as RELAXED
from hpcvox.relaxation.summary import Column as Relaxed
from hpcvox.report.reading import ID, number, read_rows
from hpcvox.report.run import Folder, Run
from hpcvox.screening.summary import PROPERTIES, std_column
from hpcvox.screening.summary import Column as Screened
from hpcvox.stability.summary import TABLE as HULL
from hpcvox.stability.summary import Column as OnHull

Row = Mapping[str, str]

ENERGY: Final = "energy"
"""A predicted property whose name has this is the better the lower it is."""


@dataclass(frozen=True)
class Candidate:
    """A candidate that ``judge`` left, with its rows of the later steps; empty where there is none."""

    id: str
    judged: Row
    screened: Row
    relaxed: Row
    hull: Row
    cif: Cif | None
    relaxed_cif: Cif | None

    @property
    def known(self) -> str:
        """The known crystal that it relaxes to; empty where it is none, or that was not asked."""
        found_again = self.hull.get(OnHull.MATCH, "") if self.hull.get(OnHull.NOVEL) == "0" else ""
        return self.relaxed.get(Relaxed.MATCH, "") or found_again

    @property
    def failed(self) -> str:
        """Why it could not be relaxed."""
        return self.relaxed.get(Relaxed.CODE, "")


@dataclass(frozen=True)
class Rule:
    """By what candidates are sorted: a column of a step's table."""

    words: str
    step: str = ""
    column: str = ""
    descending: bool = False

    def value(self, candidate: Candidate) -> float | None:
        """What decides on the place of a candidate; None where that is not known."""
        row: Row = getattr(candidate, self.step) if self.step else {}
        return number(row.get(self.column, ""))


@dataclass(frozen=True)
class Ranking:
    """The candidates, the best first, and the rule."""

    candidates: Sequence[Candidate]
    rule: Rule
    properties: Sequence[str]
    """Predicted columns."""

    @property
    def words(self) -> str:
        """The rule as a sentence."""
        relaxed = any(one.relaxed for one in self.candidates)
        last = "; those that relax to a known crystal, or could not be relaxed, come last" if relaxed else ""
        return f"Best is {self.rule.words}{last}."


def ranking(run: Run) -> Ranking:
    """The candidates that ``judge`` left, the best first; none where nothing was judged."""
    left = [row for row in _rows(run.judged, JUDGED) if not row.get(Judged.LOST)]
    screened = {row.get(ID, ""): row for row in _rows(run.screened, PROPERTIES)}
    relaxed = {row.get(ID, ""): row for row in _rows(run.relaxed, RELAXED)}
    hull = {row.get(ID, ""): row for row in _rows(run.hull, HULL)}
    cifs, relaxed_cifs = (_cifs(folder) for folder in (run.judged, run.relaxed))
    found = [
        Candidate(
            row.get(ID, ""),
            row,
            screened.get(row.get(ID, ""), {}),
            relaxed.get(row.get(ID, ""), {}),
            hull.get(row.get(ID, ""), {}),
            cifs.get(Path(row.get(Judged.CIF, "")).name),
            relaxed_cifs.get(Path(relaxed.get(row.get(ID, ""), {}).get(Relaxed.CIF, "")).name),
        )
        for row in left
    ]
    properties = [] if run.screened.summary is None else list(run.screened.summary.targets)
    rule = next(rule for rule in _rules(run, properties) if not rule.step or _told(found, rule))
    return Ranking(sorted(found, key=lambda one: _place(one, rule)), rule, properties)


def _rules(run: Run, properties: Sequence[str]) -> Iterable[Rule]:
    """The rules, the one that says most first; the first that there are values for counts."""
    summary = run.screened.summary
    if summary is not None and summary.rank is not None:
        which = "highest" if summary.descending else "lowest"
        yield Rule(
            f"what screen.rank asked for: {which} {summary.rank} first",
            "screened",
            summary.rank,
            summary.descending,
        )
    yield Rule("the lowest energy above the hull after relaxation", "hull", OnHull.ABOVE)
    yield Rule("the lowest predicted energy above the hull", "screened", Screened.HULL)
    yield Rule("the lowest formation energy after relaxation", "relaxed", Relaxed.FORMATION)
    for column in properties:
        if ENERGY in column:
            words = column.replace("_", " ")
            yield Rule(f"the lowest {words} that the network predicts", "screened", column)
    yield Rule("what relaxation moves least", "relaxed", Relaxed.BOND_CHANGE)
    yield Rule("not decided: no energy is known, and candidates stand as they were generated")


class Placed(NamedTuple):
    """A relaxed crystal that has its place on the hull of every potential; its CIF where that is at hand."""

    id: str
    above: float
    """eV/atom, the highest of all potentials'."""
    row: Row
    cif: Cif | None

    @property
    def key(self) -> str:
        """What the page calls it, to turn and to download."""
        return f"relaxed/{self.id}"


def placed(run: Run) -> list[Placed]:
    """The relaxed crystals that every potential has placed, the lowest above the hull first."""
    cifs = _cifs(run.relaxed)
    found = [
        Placed(row.get(ID, ""), above, row, cifs.get(Path(row.get(OnHull.CIF, "")).name))
        for row in _rows(run.hull, HULL)
        if row.get(OnHull.VERDICT) and (above := number(row.get(OnHull.ABOVE, ""))) is not None
    ]
    return sorted(found, key=lambda one: one.above)


def _told(candidates: Iterable[Candidate], rule: Rule) -> bool:
    return any(rule.value(one) is not None for one in candidates)


def _place(one: Candidate, rule: Rule) -> tuple[bool, bool, bool, float]:
    value = rule.value(one)
    order = math.inf if value is None else -value if rule.descending else value
    return bool(one.failed), bool(one.known), value is None, order


def _rows(folder: Folder[Any], table: str) -> list[dict[str, str]]:
    file = folder.file(table)
    return [] if file is None else list(read_rows(file))


def _cifs(folder: Folder[Any]) -> Mapping[str, Cif]:
    return {} if folder.path is None or folder.problem else CifSet(folder.path / CIFS).files()


def deviation(candidate: Candidate, column: str) -> float | None:
    """The standard deviation of the networks that predicted ``column``; None of one network."""
    return number(candidate.screened.get(std_column(column), ""))
