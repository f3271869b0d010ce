"""The page of finds, ``finds.html``: a card for each find, what each round found, and why the others are no finds."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np

from hpcvox.crystals.sources.cif_set import Cif, CifSet
from hpcvox.files import durable
from hpcvox.report import downloads, page
from hpcvox.report.drawing import charts, crystals
from hpcvox.report.drawing.chart import Axis, Chart, Line
from hpcvox.report.parts import Card, CardsToSort, Counted, Downloads, Section, table
from hpcvox.rounds import reading
from hpcvox.rounds.folders import CIFS, FINDS, PAGE, Round
from hpcvox.rounds.saying import lowest
from hpcvox.rounds.settings import CampaignSettings
from hpcvox.rounds.summary import KEPT, LOST, ROUND_COLUMNS, Find, Lost, RoundSummary
from hpcvox.safe_page import PALETTE
from hpcvox.stability.summary import above_column, energy_column, phases_column

MOST: Final = 2000
"""Most finds that have a card, those lowest above the hull first; a card is about 6 kB."""


def write(settings: CampaignSettings, done: Sequence[RoundSummary], stages: Sequence[str]) -> Path:
    """Write the page; return its path.

    Args:
        settings: those of the campaign, whose ``finds.csv`` and ``cifs/`` are read.
        done: the rounds that are done.
        stages: the stages of the relaxation that have a hull.
    """
    finds = lowest(reading.rows(settings.out / FINDS))
    made = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z")
    sections = [_finds(settings, finds, stages), *_rounds(done), _others(settings, done)]
    path = settings.out / PAGE
    durable.write_text(path, page.render(f"Finds of {settings.out.name}", made, sections))
    return path


def _finds(settings: CampaignSettings, finds: Sequence[reading.Row], stages: Sequence[str]) -> Section:
    there = CifSet(settings.out / CIFS).files()
    named = [(row, there[name]) for row in finds if (name := Path(row[Find.CIF]).name) in there]
    listed = [downloads.Listed(row[Find.ID], cif, row) for row, cif in named]
    offered, notes = downloads.pack("finds", listed, MOST)
    cards = [
        card for row, cif in named[:MOST] if (card := _card(row, cif, offered, stages, settings)) is not None
    ]
    on_hull = sum(row[Find.STABLE] == "1" for row in finds)
    if not cards:
        return Section("finds", "Finds", missing="Nothing was found; the reasons are below.")
    if len(named) > len(cards):
        notes.append(
            f"{len(cards):,} of {len(named):,} finds have a card, the lowest above the hull first; all are in {FINDS}."
        )
    fields = list(dict.fromkeys(field for card in cards for field in card.values))
    return Section(
        "finds",
        "Finds",
        intro=f"These crystals are within {settings.keep:g} eV/atom of the hull of known phases by every potential "
        "that has references. They are plausible and unique, and neither known nor among the training crystals. "
        "No number here tells how far a potential is from experiment. Click on an element to see only the crystals "
        "that have it.",
        tiles=[("finds", f"{len(finds):,}"), ("on the hull", f"{on_hull:,}")],
        notes=notes,
        downloads=offered,
        widget=CardsToSort(cards, crystals.looks([card.scene for card in cards]), fields, _map(cards)),
    )


def _card(
    row: reading.Row, cif: Cif, offered: Downloads | None, stages: Sequence[str], settings: CampaignSettings
) -> Card | None:
    """The card of a find; None if its CIF cannot be drawn."""
    try:
        scene = crystals.scene(cif.read(), row[Find.ID])
    except (ValueError, OSError):
        return None
    predicted = {
        key: key.removeprefix("predicted_") for key in row if key.startswith("predicted_") and row[key]
    }
    facts = [
        ("space group", f"{row[Find.SYMBOL]} ({row[Find.GROUP]})"),
        ("density", f"{row[Find.DENSITY]} g/cm³"),
        *((f"above hull, {stage}", f"{float(row[above_column(stage)]):+.3f} eV/atom") for stage in stages),
        *((f"energy, {stage}", f"{float(row[energy_column(stage)]):.4f} eV/atom") for stage in stages),
        *(("the hull is made of", row[phases_column(stage)]) for stage in stages[:1]),
        *((f"{name}, predicted", f"{float(row[key]):.4g}") for key, name in predicted.items()),
        *([("predicted as wanted", "yes" if row[Find.WANTED] == "1" else "no")] if settings.want else []),
        ("bonds moved", f"{float(row[Find.BOND_CHANGE]):.1f} %"),
    ]
    values = {
        "eV/atom above hull": float(row[Find.ABOVE]),
        "round": float(row[Find.ROUND]),
        "density": float(row[Find.DENSITY]),
        "space group": float(row[Find.GROUP]),
        **{f"{name}, predicted": float(row[key]) for key, name in predicted.items()},
        "bonds moved (%)": float(row[Find.BOND_CHANGE]),
    }
    key = None if offered is None else offered.key(row[Find.ID])
    return Card(replace(scene, cif=key), row[Find.FORMULA], facts, values, _came_about(row))


def _came_about(row: reading.Row) -> str:
    """Which network drew the find, from which latent point, and what computed its energies."""
    where = f"condition {row[Find.CONDITION_FROM]} to {row[Find.CONDITION_TO]}"
    return (
        f"{row[Find.ID]}: round {row[Find.ROUND]}, drawn by {row[Find.PARENT]}, seed {row[Find.SEED]}, decile "
        f"{row[Find.DECILE]}{f' ({where})' if row[Find.CONDITION_FROM] else ''}; {row[Find.CALCULATORS]}"
    )


def _map(cards: Sequence[Card]) -> list[Counted]:
    """The periodic table, lanthanides and actinides below the rest, with the number of cards that have each element."""
    from pymatgen.core import Element

    numbers = Counter(z for card in cards for z in set(card.scene.numbers))
    found = []
    for z in range(1, 104):
        element = Element.from_Z(z)
        inner = element.is_lanthanoid or element.is_actinoid
        row = element.row + (3 if inner else 0)
        column = z - (57 if element.is_lanthanoid else 89) + 3 if inner else element.group
        found.append(Counted(element.symbol, int(row), int(column), numbers[z]))
    return found


def _rounds(done: Sequence[RoundSummary]) -> list[Section]:
    """The section that shows how many finds each round has brought."""
    if not done:
        return []
    names = [str(one.round) for one in done]
    parts = {
        "on the hull or below": [one.on_hull for one in done],
        "near the hull": [one.finds - one.on_hull for one in done],
    }
    rows: list[Mapping[str, object]] = [one.model_dump() for one in done]
    return [
        Section(
            "rounds",
            "By round",
            charts=[
                charts.stacked("rounds-finds", "New finds of each round", names, parts, "round", "finds"),
                _shares(done),
            ],
            tables=[table("Rounds", ROUND_COLUMNS, [[row[name] for name in ROUND_COLUMNS] for row in rows])],
        )
    ]


def _shares(done: Sequence[RoundSummary]) -> Chart:
    """The chart of the fractions of each round's samples that are finds (MSUN) and that are plausible."""
    rounds = np.array([float(one.round) for one in done])
    shares = {
        "MSUN": [one.msun for one in done],
        "plausible": [one.plausible / max(one.samples, 1) for one in done],
    }
    marks = [
        Line(rounds, 100 * np.array(values), PALETTE[k], name, dots=True)
        for k, (name, values) in enumerate(shares.items())
    ]
    return Chart("rounds-shares", "Of all samples (%)", marks, Axis("round", step=1), Axis("%"), 320)


def _others(settings: CampaignSettings, done: Sequence[RoundSummary]) -> Section:
    """The section that says why relaxed crystals are no finds: counts by round and reason, each with an example."""
    title = "Relaxed, but no finds"
    lines = []
    for one in done:
        lost = reading.rows(Round(settings.out, one.round).kept / LOST)
        for reason, count in one.reasons.items():
            example = next((row for row in lost if row[Lost.REASON] == reason), None)
            said = (
                ""
                if example is None
                else f"{example[Lost.FORMULA]}: {example[Lost.MESSAGE] or example[Lost.MATCH]}"
            )
            lines.append([one.round, reason, count, said])
    if not lines:
        return Section("others", title, missing="Every relaxed crystal is a find.")
    note = f"kept/{LOST} of each round lists these crystals one by one, kept/{KEPT} its finds."
    return Section(
        "others",
        title,
        tables=[table("Why", ["round", "reason", "crystals", "for example"], lines, note=note)],
    )
