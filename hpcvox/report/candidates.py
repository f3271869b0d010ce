"""The generated crystals: how many are valid, why others are not, a table of them, and each in 3D."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from hpcvox.crystals.sources.cif_set import Cif, CifSet
from hpcvox.report import charts, crystals, downloads, files
from hpcvox.report.parts import Cell, Chart, Downloads, Section, Table, cell, shown, table
from hpcvox.report.reading import Folder, read_rows

NAME, TITLE = "generated", "Generated crystals"
TRUE = {"true", "yes", "1"}


class Candidate(NamedTuple):
    """A row of candidates.csv: ``failure`` is its reason's code, empty where it is valid."""

    id: str
    failure: str
    decile: str
    cif: Cif | None
    row: Mapping[str, str]


def read_candidates(folder: Folder) -> list[Candidate]:
    """Every sample that was drawn, in the order of candidates.csv."""
    file = folder.file("candidates.csv")
    if file is None:
        return []
    drawn = CifSet(file.parent / "cifs").files()
    return [_candidate(drawn, row) for row in read_rows(file)]


def _candidate(drawn: Mapping[str, Cif], row: Mapping[str, str]) -> Candidate:
    valid = row.get("valid", "").lower() in TRUE
    failure = "" if valid else row.get("code") or "not said"
    cif = drawn.get(Path(row.get("cif", "")).name)
    return Candidate(row.get("id", ""), failure, row.get("decile", ""), cif, row)


def section(folder: Folder, page: Path, most_crystals: int, most_downloads: int, table_rows: int) -> Section:
    """The whole section; crystals in 3D, and those to download, are the valid ones first."""
    if folder.problem:
        return Section(NAME, TITLE, missing=folder.problem)
    if folder.file("candidates.csv") is None:
        return Section(
            NAME, TITLE, missing=f"{folder.path} has no candidates.csv: generation has not finished."
        )
    candidates = read_candidates(folder)
    if not candidates:
        return Section(
            NAME, TITLE, missing=f"{folder.path}/candidates.csv has no rows: nothing was generated."
        )
    ordered = sorted(candidates, key=lambda c: bool(c.failure))
    with_cif = [downloads.Listed(c.id, c.cif, c.row) for c in ordered if c.cif is not None]
    offered, untold = downloads.pack(NAME, with_cif, most_downloads)
    scenes, problems = _scenes(candidates, most_crystals)
    scenes = [one | {"cif": None if offered is None else offered.key(one["id"])} for one in scenes]
    notes = [*folder.notes, *problems, *untold]
    if not scenes:
        notes.append("There is no crystal to turn: no sample became a crystal with a CIF.")
    return Section(
        NAME,
        TITLE,
        intro="Valid says no more than that all atoms are over 0.5 Å apart, in a cell of 1 to 60 Å. Which of them are "
        "plausible, `hpcvox judge` tells.",
        tiles=[("samples generated", shown(len(candidates))), ("valid", _rate(candidates))],
        facts=_facts(folder, candidates),
        charts=_charts(candidates, str(folder.fact("condition") or "the condition")),
        tables=[
            *_failures(candidates),
            _table(ordered, page, {s["id"] for s in scenes}, offered, table_rows),
        ],
        notes=notes,
        downloads=offered,
        widget="crystals" if scenes else "",
        data={"crystals": scenes, "elements": crystals.elements(scenes)} if scenes else {},
    )


def _rate(candidates: list[Candidate]) -> str:
    return f"{100 * sum(not candidate.failure for candidate in candidates) / len(candidates):.1f} %"


def _facts(folder: Folder, candidates: list[Candidate]) -> list[tuple[str, str]]:
    facts = [
        ("samples", shown(len(candidates))),
        ("valid", shown(sum(not candidate.failure for candidate in candidates))),
        ("validity rate", f"{_rate(candidates)} (every failure counted)"),
    ]
    wanted = {
        "atoms placed": "placed",
        "valid and charge-balanced": "valid_and_charge_balanced",
        "valid and novel": "valid_and_novel",
        "formulas among the valid": "formulas",
        "novelty against": "novelty",
    }
    said = {label: folder.fact(key) for label, key in wanted.items()}
    return facts + [(label, shown(value)) for label, value in said.items() if value is not None]


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
    counts = Counter(c.failure for c in candidates if c.failure)
    examples = {c.failure: c.row.get("message", "") for c in candidates[::-1]}
    rows = [
        (code, count, f"{100 * count / len(candidates):.1f} %", examples[code])
        for code, count in counts.most_common()
    ]
    return [table("Failures, by reason", ["reason", "samples", "share", "for example"], rows)] if rows else []


def _table(
    candidates: list[Candidate], page: Path, drawn: set[str], offered: Downloads | None, most: int
) -> Table:
    columns = list(dict.fromkeys(key for c in candidates for key in c.row))
    # What is the same in every row (an empty message, one origin) says nothing in a table.
    columns = [
        k
        for k in columns
        if k in {"id", "valid", "code", "formula"} or len({c.row.get(k, "") for c in candidates}) > 1
    ]
    rows = [[_cell(c, column, page, offered) for column in columns] for c in candidates[:most]]
    note = "Click a column to sort by it, a row to see its crystal above."
    if len(candidates) > most:
        note += f" The first {most:,} of {len(candidates):,} (valid first); all are in candidates.csv."
    keys = [c.id if c.id in drawn else "" for c in candidates[:most]]
    return table("Candidates", columns, rows, note=note, keys=keys)


def _cell(candidate: Candidate, column: str, page: Path, offered: Downloads | None) -> Cell:
    if column == "cif" and candidate.cif is not None:
        key = None if offered is None else offered.key(candidate.id)
        return Cell(candidate.cif.name, href=files.link(candidate.cif.place, page), cif=key)
    return cell(candidate.row.get(column, ""))


def _scenes(candidates: list[Candidate], most: int) -> tuple[list[dict[str, Any]], list[str]]:
    scenes: list[dict[str, Any]] = []
    problems: list[str] = []
    with_cif = [c for c in candidates if c.cif is not None]
    for candidate in sorted(with_cif, key=lambda c: bool(c.failure)):
        if len(scenes) >= most:
            break
        assert candidate.cif is not None
        try:
            one = crystals.scene(candidate.cif.read(), candidate.id)
        except (ValueError, OSError) as error:
            problems.append(f"{candidate.cif.name} cannot be drawn: {error}")
            continue
        scenes.append(one | {"label": _label(candidate)})
    if len(with_cif) > len(scenes) + len(problems):
        problems.append(f"{len(scenes)} of {len(with_cif)} crystals can be turned here; each has its CIF.")
    return scenes, problems


def _label(candidate: Candidate) -> str:
    words = [candidate.id, candidate.row.get("formula", "")]
    words.append(f"decile {candidate.decile}" if candidate.decile else "")
    words.append(f"invalid: {candidate.failure}" if candidate.failure else "")
    return " · ".join(word for word in words if word)
