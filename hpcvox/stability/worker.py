"""Places relaxed crystals on hulls and tells which are new: the part of ``hull`` that many processes can do.

Crystals of one chemical system are in one part: its hull is made once, and only those of one formula can match.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from hpcvox.actors.campaign import Part
from hpcvox.actors.groups import rows_of
from hpcvox.crystals.known import Known
from hpcvox.crystals.record import Crystal
from hpcvox.relaxation.summary import Column as Relaxed
from hpcvox.stability.novelty import Novelty, crystals
from hpcvox.stability.settings import HullSettings
from hpcvox.stability.summary import Column
from hpcvox.stability.tables import Row, Used, lost, placed, system


class _Relaxed(NamedTuple):
    """A row of ``relaxed.csv``, and the known crystals of its formula, of each source."""

    line: Mapping[str, str]
    known: tuple[tuple[Crystal, ...], ...]


def rows(
    given: Sequence[Mapping[str, str]],
    known: Sequence[Known],
    potentials: Mapping[str, Used],
    settings: HullSettings,
) -> list[Row]:
    """Put each crystal on the hull of each potential, and compare it with known ones, if there are any.

    Args:
        given: the rows of ``relaxed.csv``.
        known: the known crystals, of each source.
        potentials: the calculators, by their names.
        settings: those of the job.

    Returns:
        The rows of ``hull.csv``, in the order of ``given``.

    Raises:
        SourceError: the file of a relaxed crystal is gone.
        PartError: a process dies each time, but not on any single crystal.
        ClusterError: Ray cannot be started or reached.
    """
    systems = [system(line) for line in given]
    order = sorted(range(len(given)), key=lambda i: systems[i])
    groups = ([given[i] for i in group] for _, group in groupby(order, key=lambda i: systems[i]))
    found = rows_of(
        (list(_with_known(group, known)) for group in groups),
        _Worker(potentials, settings),
        "hull",
        "crystals",
        settings.actors,
    )
    placed_at = dict(zip(order, found, strict=True))
    return [placed_at[i] for i in range(len(given))]


def _with_known(group: Sequence[Mapping[str, str]], known: Sequence[Known]) -> Iterator[_Relaxed]:
    # the same object for all of a formula, which is sent once
    of_formula: dict[str, tuple[tuple[Crystal, ...], ...]] = {}
    for line in group:
        formula = line[Relaxed.FORMULA]
        if formula not in of_formula:
            of_formula[formula] = tuple(tuple(one.of_formula(formula)) for one in known)
        yield _Relaxed(line, of_formula[formula])


@dataclass(frozen=True)
class _Worker:
    """Makes the function that places a part; it can be sent to another process."""

    potentials: Mapping[str, Used]
    settings: HullSettings

    def __call__(self) -> Callable[[Part[_Relaxed]], list[Row]]:
        return self.place

    def place(self, part: Part[_Relaxed]) -> list[Row]:
        """The rows of the crystals of a part."""
        rows = [
            lost(one.line, "worker-died", part.fatal[i])
            if i in part.fatal
            else placed(one.line, self.potentials, self.settings)
            for i, one in enumerate(part.items)
        ]
        if self.settings.known:
            known = {one.line[Relaxed.FORMULA]: one.known for one in part.items}
            told = {formula: Novelty(crystals) for formula, crystals in known.items()}
            chosen = [row for row in rows if row[Column.VERDICT]]
            for row, crystal in crystals(chosen, self.settings.relaxed):
                row.update(told[row[Column.FORMULA]].columns(crystal))
        return rows
