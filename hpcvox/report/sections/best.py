"""What came out: the best candidates in 3D, and in a table with all that the steps say of them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from hpcvox.crystals.sources.cif_set import Cif, CifSet
from hpcvox.generation.candidates import CIFS, Column, is_valid
from hpcvox.generation.candidates import TABLE as CANDIDATES
from hpcvox.generation.judging.summary import Column as Judged
from hpcvox.generation.judging.summary import Stage
from hpcvox.relaxation.summary import Column as Relaxed
from hpcvox.report.drawing import crystals
from hpcvox.report.drawing.crystals import Scene
from hpcvox.report.parts import CrystalsToTurn, Section, Table, TableCell, cell, link, shown, table
from hpcvox.report.ranking import Candidate, Ranking, deviation, placed, ranking
from hpcvox.report.reading import number, read_rows
from hpcvox.report.run import Run
from hpcvox.report.tables import energy
from hpcvox.screening.summary import Column as Screened
from hpcvox.stability.summary import Column as OnHull
from hpcvox.terminal import counted

NAME: Final = "best"
TITLE: Final = "What came out"

MOST: Final = 40
"""Candidates in the table."""


class _Drawn(NamedTuple):
    """A crystal to draw: what the page calls it, where its CIF is kept, and what stands in the list."""

    id: str
    cif: Cif
    label: str
    kept: str


def sections(run: Run) -> list[Section]:
    """The best candidates, where there are any; else the crystals on the hull, and those that were generated."""
    found = ranking(run)
    best, on_hull = _best(found), _on_hull(run)
    beside = [one for one in on_hull if one.id not in {other.id for other in best}]
    scenes, notes = _scenes([*best, *beside, *_generated(run)], run.settings.crystals)
    if not found.candidates and not scenes:
        return []
    judged = not run.judged.problem
    if judged and not found.candidates:
        notes.insert(0, "No candidate is left of those that were judged: see why in the next sections.")
    section = Section(
        NAME,
        TITLE,
        intro=_intro(found, judged, bool(on_hull)),
        tiles=_tiles(run),
        tables=[_table(found, run, {scene.id for scene in scenes})] if found.candidates else [],
        notes=notes,
        widget=CrystalsToTurn(scenes, crystals.looks(scenes)) if scenes else None,
    )
    return [section]


def _intro(found: Ranking, judged: bool, on_hull: bool) -> str:
    if found.candidates:
        return found.words
    if judged:
        return ""
    if on_hull:
        return "Relaxed crystals, the lowest above the hull first."
    return "Crystals as they were generated; nobody has judged them yet."


def _tiles(run: Run) -> list[tuple[str, str]]:
    """From what was drawn to what is left, in this order."""
    tiles = []
    if (made := run.generated.summary) is not None:
        tiles.append(("candidates drawn", shown(made.samples)))
    if (judged := run.judged.summary) is not None:
        plausible = judged.left(Stage.PLAUSIBLE)
        tiles += [] if plausible is None else [("of them plausible", shown(plausible))]
        tiles += [("distinct and new", shown(count)) for count in list(judged.funnel.values())[-1:]]
    if (relaxed := run.relaxed.summary) is not None:
        tiles.append((f"relaxed, of {shown(relaxed.crystals)} tried", shown(relaxed.relaxed)))
    if (hull := run.hull.summary) is not None:
        near = f"at most {hull.metastable_at_most:g} eV/atom above the hull"
        tiles.append((near, shown(hull.metastable.count)))
        tiles += [] if hull.msun is None else [("of them unique and new", shown(hull.msun.count))]
    return tiles


def _best(found: Ranking) -> list[_Drawn]:
    """Each candidate relaxed where it was, and as it was generated where not."""
    drawn = []
    for place, one in enumerate(found.candidates[:MOST], 1):
        formula = one.judged.get(Judged.FORMULA, "")
        if one.relaxed_cif is not None:
            label = f"{place}. {formula} · {one.id} · relaxed"
            drawn.append(_Drawn(f"relaxed/{one.id}", one.relaxed_cif, label, f"relaxed/{one.id}"))
        elif one.cif is not None:
            drawn.append(
                _Drawn(f"best/{one.id}", one.cif, f"{place}. {formula} · {one.id}", f"judged/{one.id}")
            )
    return drawn


def _on_hull(run: Run) -> list[_Drawn]:
    """The relaxed crystals that are lowest above the hull."""
    return [
        _Drawn(
            one.key,
            one.cif,
            f"{one.row.get(OnHull.FORMULA, '')} · {one.id} · {one.above:+.3f} eV/atom",
            one.key,
        )
        for one in placed(run)[:MOST]
        if one.cif is not None
    ]


def _generated(run: Run) -> list[_Drawn]:
    """All crystals as they were generated, the valid ones first."""
    file = run.generated.file(CANDIDATES)
    if file is None:
        return []
    there = CifSet(file.parent / CIFS).files()
    rows = sorted(read_rows(file), key=lambda row: not is_valid(row))
    named = ((row, there.get(row.get(Column.CIF, "").rpartition("/")[2])) for row in rows)
    return [
        _Drawn(row.get(Column.ID, ""), cif, _label(row), f"generated/{row.get(Column.ID, '')}")
        for row, cif in named
        if cif is not None
    ]


def _label(row: dict[str, str]) -> str:
    decile, code = row.get(Column.DECILE, ""), row.get(Column.CODE, "")
    words = [row.get(Column.FORMULA, ""), row.get(Column.ID, "")]
    words += [f"decile {decile}"] if decile else []
    words += [] if is_valid(row) else [f"invalid: {code or 'not said'}"]
    return " · ".join(word for word in words if word)


def _scenes(drawn: Sequence[_Drawn], most: int) -> tuple[list[Scene], list[str]]:
    """The crystals that can be turned, and what is to be said of the others."""
    scenes: list[Scene] = []
    problems: list[str] = []
    for one in drawn:
        if len(scenes) >= most:
            break
        try:
            scene = crystals.scene(one.cif.read(), one.id)
        except (ValueError, OSError) as error:
            problems.append(f"{one.cif.name} cannot be drawn: {error}")
            continue
        scenes.append(replace(scene, label=one.label, cif=one.kept))
    if len(drawn) > len(scenes) + len(problems) and most:
        problems.append(
            f"{len(scenes)} of {counted(len(drawn), 'crystal')} can be turned here; each has its CIF."
        )
    return scenes, problems


def _table(found: Ranking, run: Run, drawn: set[str]) -> Table:
    shown_ones = found.candidates[:MOST]
    columns = {
        name: of for name, of in _columns(found, run).items() if any(of(one).text for one in shown_ones)
    }
    rows = [
        [TableCell(str(place), place), *(of(one) for of in columns.values())]
        for place, one in enumerate(shown_ones, 1)
    ]
    note = "Click a row to turn its crystal."
    if len(found.candidates) > MOST:
        note += f" The first {MOST} of {len(found.candidates):,}; the others are in the tables below."
    keys = [
        next((key for key in (f"relaxed/{one.id}", f"best/{one.id}") if key in drawn), "")
        for one in shown_ones
    ]
    return table("The best candidates", ["", *columns], rows, note=note, keys=keys)


def _columns(found: Ranking, run: Run) -> dict[str, Callable[[Candidate], TableCell]]:
    """What the table says of a candidate, by the head of its column."""

    def of(step: str, column: str) -> Callable[[Candidate], TableCell]:
        return lambda one: cell(getattr(one, step).get(column, ""))

    return {
        "formula": of("judged", Judged.FORMULA),
        "space group": of("judged", Judged.SYMBOL),
        **{f"{column.replace('_', ' ')}, predicted": _predicted(column) for column in found.properties},
        "above hull (eV/atom)": lambda one: energy(number(one.hull.get(OnHull.ABOVE, ""))),
        "verdict": of("hull", OnHull.VERDICT),
        "above hull (eV/atom), predicted": of("screened", Screened.HULL),
        "formation energy, relaxed (eV/atom)": of("relaxed", Relaxed.FORMATION),
        "bonds moved (%)": of("relaxed", Relaxed.BOND_CHANGE),
        "density (g/cm³)": of("judged", Judged.DENSITY),
        "new": lambda one: _new(one, run),
        "remarks": _remarks,
        "id": lambda one: TableCell(one.id),
        "CIF": lambda one: _cif(one, run),
    }


def _predicted(column: str) -> Callable[[Candidate], TableCell]:
    def said(one: Candidate) -> TableCell:
        value, std = number(one.screened.get(column, "")), deviation(one, column)
        if value is None:
            return TableCell("")
        return TableCell(shown(value) + ("" if std is None else f" ± {std:.2g}"), value)

    return said


def _new(one: Candidate, run: Run) -> TableCell:
    """Whether it is in none of the sets that it was held against."""
    if one.known:
        return TableCell(f"no: relaxes to {one.known}")
    summary = run.judged.summary
    compared = Relaxed.MATCH in one.relaxed or bool(one.hull.get(OnHull.NOVEL))
    if summary is None or summary.training_set == "not found":
        unknown = "not known: the training set was not found"
        return TableCell("not among those known" if compared else unknown)
    beside = ", nor known" if summary.known or compared else ""
    return TableCell(f"not trained on{beside}")


def _remarks(one: Candidate) -> TableCell:
    words = [f"relaxation failed: {one.failed}"] if one.failed else []
    words += ["relaxes to the same as another"] if one.hull.get(OnHull.UNIQUE) == "0" else []
    return TableCell("; ".join([*words, *one.judged.get(Judged.REMARKS, "").split()]))


def _cif(one: Candidate, run: Run) -> TableCell:
    for step, file in (("relaxed", one.relaxed_cif), ("judged", one.cif)):
        if file is not None:
            return TableCell(file.name, href=link(file.place, run.page), cif=f"{step}/{one.id}")
    return TableCell("")
