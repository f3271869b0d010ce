"""Writes the files of ``screen`` row by row, so that the number of crystals is not limited by the memory."""

import csv
import io
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from hpcvox.crystals.formats.cif.writing import cif_text
from hpcvox.crystals.names import file_stem
from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal, Entry
from hpcvox.crystals.sources.cif_set import CifSet, Form
from hpcvox.files import durable
from hpcvox.files.rows import Lines
from hpcvox.screening.columns import Columns
from hpcvox.screening.expression import Expression
from hpcvox.screening.summary import PROPERTIES, SCREENED, Clause, Column
from hpcvox.shards.layout import REJECT_COLUMNS, REJECTS

CIFS: Final = "cifs"


class Chosen(NamedTuple):
    """A crystal that passes: its place in the source, and the place of its line in ``properties.csv``."""

    value: float
    """Value of the column that ranks; NaN if unknown."""
    entry: int
    number: int
    """Number of the crystal among those of its entry."""
    start: int
    length: int
    """Length of the line in bytes."""


class Counts:
    """Counts the crystals that fulfil each condition."""

    def __init__(self, where: Expression | None, band_gap: str | None) -> None:
        self.band_gap = band_gap
        self.clauses = () if where is None else where.clauses
        self.alone = [0] * len(self.clauses)
        self.so_far = [0] * len(self.clauses)
        self.predicted = self.unseen = self.metals = 0
        self.rejects: Counter[str] = Counter()

    def passes(self, values: Mapping[str, float]) -> bool:
        """Whether a crystal fulfils every clause; counts it for each."""
        held = [clause.holds(values) for clause in self.clauses]
        for index, holds in enumerate(held):
            self.alone[index] += holds
            self.so_far[index] += all(held[: index + 1])
        return all(held)

    def funnel(self) -> list[Clause]:
        """Each clause, the crystals that fulfil it, and those that fulfil all clauses up to it."""
        counted = zip(self.clauses, self.alone, self.so_far, strict=True)
        return [Clause(clause=c.text, passing=alone, left=left) for c, alone, left in counted]


def write_properties(
    out: Path,
    rows: Iterable[tuple[int, Mapping[str, Any]]],
    columns: Columns,
    counts: Counts,
    rank: str | None,
) -> list[Chosen]:
    """Write ``properties.csv`` and ``rejects.csv``; return the crystals that pass, in the order of the rows.

    Args:
        out: the folder.
        rows: the rows of :class:`hpcvox.screening.worker.ScreenWorker`, each with the place in the source of the first
            entry of its part.
        columns: the columns of the table.
        counts: counts for the expression, which are filled here.
        rank: the column whose values are returned, for sorting.
    """
    chosen: list[Chosen] = []
    with (
        durable.written_aside(out / PROPERTIES) as properties_part,
        durable.written_aside(out / REJECTS) as rejects_part,
        properties_part.open("wb") as properties,
        rejects_part.open("wb") as rejects,
    ):
        place = properties.write(_line(columns.header))
        rejects.write(_line(REJECT_COLUMNS))
        for first, row in rows:
            if "code" in row:
                counts.rejects[row["code"]] += 1
                rejects.write(_line([row[column] for column in REJECT_COLUMNS]))
                continue
            line = _line([row[column] for column in columns.header])
            properties.write(line)
            counts.predicted += 1
            counts.metals += counts.band_gap is not None and row[counts.band_gap] == 0
            counts.unseen += bool(row[Column.UNSEEN])
            if counts.passes({name: _number(row[column]) for name, column in columns.names.items()}):
                value = math.nan if rank is None else _number(row[rank])
                chosen.append(Chosen(value, first + row["entry"], row["number"], place, len(line)))
            place += len(line)
    return chosen


def ranked(chosen: list[Chosen], descending: bool) -> list[Chosen]:
    """Sort by value, unknown values last; equal values keep the order of the source."""
    return sorted(
        chosen, key=lambda one: (math.isnan(one.value), -one.value if descending else one.value, one.start)
    )


def write_screened(out: Path, chosen: Sequence[Chosen], columns: Columns) -> dict[tuple[int, int], str]:
    """Write ``screened.csv``; return the file names of its crystals, by entry and number."""
    files: dict[tuple[int, int], str] = {}
    with (
        (out / PROPERTIES).open("rb") as properties,
        durable.written_aside(out / SCREENED) as part,
        part.open("wb") as screened,
    ):
        screened.write(_line((*columns.header, Column.CIF)))
        for one in chosen:
            properties.seek(one.start)
            text = properties.read(one.length).decode()
            cells = next(csv.reader(io.StringIO(text, newline="")))
            name = f"{file_stem(cells[0])}.cif"
            files[one.entry, one.number] = name
            screened.write(_line((*cells, f"{CIFS}/{name}")))
    return files


def write_cifs(out: Path, source: Iterable[Entry], files: Mapping[tuple[int, int], str], form: Form) -> None:
    """Write the chosen crystals to ``cifs/``, and remove those that only an earlier run has chosen."""
    entries = {entry for entry, _ in files}
    with CifSet(out / CIFS).replaced(form) as add:
        for place, entry in enumerate(source if files else ()):
            if place in entries:
                for number, crystal in enumerate(parse(entry)):
                    name = files.get((place, number))
                    if name is not None and isinstance(crystal, Crystal):
                        add(name, cif_text(crystal))


def _line(cells: Sequence[Any]) -> bytes:
    text = io.StringIO()
    csv.writer(Lines(text)).writerow(cells)
    return text.getvalue().encode()


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
