"""The generated crystals: how many are valid, why others are not, and a table of them."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from hpcvox.crystals.sources.cif_set import Cif, CifSet
from hpcvox.generation.candidates import CIFS, TABLE, Column, is_valid
from hpcvox.generation.summary import GenerateSummary
from hpcvox.report import downloads
from hpcvox.report.drawing import charts
from hpcvox.report.drawing.chart import Chart
from hpcvox.report.parts import Downloads, Section, Table, TableCell, cell, link, shown, table
from hpcvox.report.reading import read_rows
from hpcvox.report.run import Run
from hpcvox.report.tables import reasons

NAME: Final = "generated"
TITLE: Final = "Generated crystals"

ALWAYS: Final = {Column.ID, Column.VALID, Column.CODE, Column.FORMULA}
"""Columns that are shown also where they are the same in every row."""


class Candidate(NamedTuple):
    """A row of the table: ``failure`` is the code of its reason, empty if the candidate is valid."""

    id: str
    failure: str
    decile: str
    cif: Cif | None
    row: Mapping[str, str]


def sections(run: Run) -> list[Section]:
    """One section; among crystals to download, valid ones come first."""
    folder, settings = run.generated, run.settings
    if folder.problem:
        return [Section(NAME, TITLE, missing=folder.problem)]
    file = folder.file(TABLE)
    if file is None:
        return [Section(NAME, TITLE, missing=f"{folder.path} has no {TABLE}: generation has not finished.")]
    drawn = CifSet(file.parent / CIFS).files()
    candidates = [_candidate(drawn, row) for row in read_rows(file)]
    if not candidates:
        return [Section(NAME, TITLE, missing=f"{file} has no rows: nothing was generated.")]
    ordered = sorted(candidates, key=lambda c: bool(c.failure))
    with_cif = [downloads.Listed(c.id, c.cif, c.row) for c in ordered if c.cif is not None]
    offered, untold = downloads.pack(NAME, with_cif, settings.downloads)
    notes = [*folder.notes, *untold]
    if not with_cif:
        notes.append("There is no crystal to turn: no sample became a crystal with a CIF.")
    condition = (folder.summary and folder.summary.condition) or "the condition"
    section = Section(
        NAME,
        TITLE,
        intro="Valid says no more than that all atoms are over 0.5 Å apart, in a cell of 1 to 60 Å; "
        "`hpcvox judge` tells which of them are plausible.",
        facts=_facts(folder.summary, candidates),
        charts=_charts(candidates, condition),
        tables=[
            *_failures(candidates),
            _table(ordered, run.page, offered, settings.table_rows),
        ],
        notes=notes,
        downloads=offered,
    )
    return [section]


def _candidate(drawn: Mapping[str, Cif], row: Mapping[str, str]) -> Candidate:
    failure = "" if is_valid(row) else row.get(Column.CODE) or "not said"
    cif = drawn.get(Path(row.get(Column.CIF, "")).name)
    return Candidate(row.get(Column.ID, ""), failure, row.get(Column.DECILE, ""), cif, row)


def _rate(candidates: list[Candidate]) -> str:
    return f"{100 * sum(not candidate.failure for candidate in candidates) / len(candidates):.1f} %"


def _facts(summary: GenerateSummary | None, candidates: list[Candidate]) -> list[tuple[str, str]]:
    facts = [
        ("samples", shown(len(candidates))),
        ("valid", shown(sum(not candidate.failure for candidate in candidates))),
        ("validity rate", f"{_rate(candidates)} (every failure counted)"),
    ]
    if summary is None:
        return facts
    return [
        *facts,
        ("atoms placed", shown(summary.placed)),
        ("valid and charge-balanced", shown(summary.valid_and_charge_balanced)),
        ("valid and novel", shown(summary.valid_and_novel)),
        ("formulas among the valid", shown(summary.formulas)),
        ("novelty against", summary.novelty),
    ]


def _charts(candidates: list[Candidate], condition: str) -> list[Chart]:
    deciles = sorted({c.decile for c in candidates}, key=lambda d: (len(d), d))
    if deciles == [""]:
        return []
    valid = Counter(c.decile for c in candidates if not c.failure)
    failed = {code: Counter(c.decile for c in candidates if c.failure == code) for code in _codes(candidates)}
    parts = {"valid": [valid[d] for d in deciles]}
    parts |= {code: [counts[d] for d in deciles] for code, counts in failed.items()}
    title = f"Valid and failed, by the decile of {condition} that was asked for"
    return [charts.stacked("generated-deciles", title, deciles, parts, "decile", "samples")]


def _codes(candidates: list[Candidate]) -> list[str]:
    return [code for code, _ in Counter(c.failure for c in candidates if c.failure).most_common()]


def _failures(candidates: list[Candidate]) -> list[Table]:
    failed = [c for c in candidates if c.failure]
    said = [c.row.get(Column.MESSAGE, "") for c in failed]
    whys = [(c.failure,) for c in failed]
    return reasons("Failures, by reason", ["reason", "samples"], whys, said, len(candidates))


def _table(candidates: list[Candidate], page: Path, offered: Downloads | None, most: int) -> Table:
    columns = list(dict.fromkeys(key for c in candidates for key in c.row))
    # columns with the same value in every row (an empty message, one origin) are left out
    columns = [k for k in columns if k in ALWAYS or len({c.row.get(k, "") for c in candidates}) > 1]
    rows = [[_cell(c, column, page, offered) for column in columns] for c in candidates[:most]]
    note = "Click a column to sort by it, a row to turn its crystal at the top of the page."
    if len(candidates) > most:
        note += f" The first {most:,} of {len(candidates):,} (valid first); all are in {TABLE}."
    keys = [c.id for c in candidates[:most]]
    return table("Candidates", columns, rows, note=note, keys=keys)


def _cell(candidate: Candidate, column: str, page: Path, offered: Downloads | None) -> TableCell:
    if column == Column.CIF and candidate.cif is not None:
        key = None if offered is None else offered.key(candidate.id)
        return TableCell(candidate.cif.name, href=link(candidate.cif.place, page), cif=key)
    return cell(candidate.row.get(column, ""))
