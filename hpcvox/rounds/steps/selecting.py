"""The step ``keep``: writes the finds of a round and how each came about, and why other crystals are no finds."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from hpcvox.calculators.by_name import version
from hpcvox.crystals.formats.cif.writing import cif_text
from hpcvox.crystals.known import Known
from hpcvox.crystals.sources.cif_set import CifSet
from hpcvox.files import durable
from hpcvox.generation.judging.plausible import plausibility
from hpcvox.generation.judging.summary import TABLE as JUDGED
from hpcvox.generation.judging.summary import Column as Judged
from hpcvox.generation.judging.summary import JudgeSummary, Stage
from hpcvox.generation.judging.symmetrise import symmetrised
from hpcvox.generation.judging.trained_on import training_set
from hpcvox.networks.vae.card import VAECard
from hpcvox.process.outcome import Outcome
from hpcvox.relaxation.summary import TABLE as RELAXED
from hpcvox.relaxation.summary import Column as Relaxed
from hpcvox.rounds import reading, saying
from hpcvox.rounds.folders import CIFS, Round
from hpcvox.rounds.settings import CampaignSettings
from hpcvox.rounds.steps import aiming, choosing, crystals, hulls, placing
from hpcvox.rounds.steps.keeping import Before, Ended, Verdict, verdicts
from hpcvox.rounds.summary import KEPT, LOST, Find, Lost, Reason, RoundSummary, find_columns
from hpcvox.stability.summary import TABLE as HULL
from hpcvox.stability.summary import Column as Placed
from hpcvox.stability.summary import above_column, energy_column, phases_column
from hpcvox.training.folder.card import read_card

_PLAUSIBLE = (Stage.PLAUSIBLE, Stage.VALID)
"""The stages of ``judge`` that count plausible candidates: the second if the first was not asked for."""


def run(settings: CampaignSettings, place: Round) -> Outcome:
    """Write ``kept.csv``, ``lost.csv``, ``cifs/`` and ``summary.json`` to the round's folder ``kept``.

    Raises:
        HpcvoxError: a table of an earlier step cannot be read.
    """
    relaxed = reading.rows(place.relaxed / RELAXED)
    stages = hulls.with_hull(settings)
    figures = {row[Placed.ID]: row for row in reading.rows(place.hull / HULL)}
    ended = _ended(place, relaxed, figures, stages)
    formulas = {one.crystal.formula for one in ended if one.crystal is not None}
    found = verdicts(ended, settings.keep, settings.judge.implausible, _before(settings, place, formulas))
    by_id = {one.id: one for one in ended}
    card = read_card(placing.parent(settings, place), VAECard)
    versions = ", ".join(version(stage.calculator) for stage in settings.relax.stages)
    place.kept.mkdir(parents=True, exist_ok=True)
    predicted = aiming.predictions(settings, place)
    kept: list[dict[str, Any]] = []
    with CifSet(place.kept / CIFS).replaced(settings.crystals) as add:
        for row, verdict in zip(relaxed, found, strict=True):
            if verdict.reason is None:
                find = _find(settings, place, card, by_id[verdict.id], row | figures[verdict.id])
                said = predicted.get(verdict.id, {})
                find |= {
                    Find.CALCULATORS: versions,
                    Find.WANTED: int(aiming.is_wanted(settings, said)),
                    **said,
                }
                kept.append(find)
                crystal = by_id[verdict.id].crystal
                assert crystal is not None
                add(f"{find[Find.ID]}.cif", cif_text(replace(crystal, id=find[Find.ID])))
    columns = find_columns(hulls.stages_of(settings), stages, aiming.targets(settings))
    durable.write_csv(place.kept / KEPT, columns, kept)
    durable.write_csv(place.kept / LOST, list(Lost), _lost(relaxed, found, by_id))
    summary = _summary(settings, place, relaxed, found, kept)
    summary.save(place.kept)
    return Outcome(saying.of_round(summary))


def _ended(
    place: Round,
    relaxed: Sequence[reading.Row],
    figures: Mapping[str, reading.Row],
    stages: Collection[str],
) -> list[Ended]:
    """The candidates after their relaxation, in the order of the rows ``relaxed``."""
    cifs = CifSet(place.relaxed / CIFS)
    return [
        Ended(
            row[Relaxed.ID],
            crystals.crystal_of(cifs, row[Relaxed.ID]) if row[Relaxed.CIF] else None,
            row[Relaxed.CODE],
            row[Relaxed.MESSAGE],
            hulls.above(figures.get(row[Relaxed.ID], {}), stages),
        )
        for row in relaxed
    ]


def _before(settings: CampaignSettings, place: Round, formulas: set[str]) -> Before:
    """The crystals that finds must not match: those of the first training, known ones, and finds of earlier rounds."""
    return Before(
        training_set(settings.model, formulas) or Known(()),
        [Known.of_source(source, formulas) for source in placing.known(settings)],
        crystals.finds_before(place, formulas),
    )


def _find(
    settings: CampaignSettings, place: Round, card: VAECard, one: Ended, row: Mapping[str, str]
) -> dict[str, Any]:
    """The row of a find in ``kept.csv``."""
    crystal = one.crystal
    assert crystal is not None
    id = f"r{place.number}-{one.id}"
    decile = int(one.id.partition("-")[0].removeprefix("d"))
    ideal = symmetrised(crystal, settings.judge.symprec)
    parent = placing.parent(settings, place)
    return {
        Find.ID: id,
        Find.ROUND: place.number,
        Find.CANDIDATE: one.id,
        Find.PARENT: parent if place.number == 1 else parent.relative_to(settings.out),
        Find.CHECKSUM: card.checksum,
        Find.SEED: settings.seed + place.number - 1,
        Find.DECILE: decile,
        Find.CONDITION_FROM: "" if card.condition is None else f"{card.edges[decile]:.6g}",
        Find.CONDITION_TO: "" if card.condition is None else f"{card.edges[decile + 1]:.6g}",
        Find.FORMULA: crystal.formula,
        Find.SITES: crystal.n_sites,
        Find.GROUP: 1 if ideal is None else ideal.group,
        Find.SYMBOL: "P1" if ideal is None else ideal.symbol,
        Find.DENSITY: f"{plausibility(crystal).density:.4g}",
        Find.ABOVE: f"{one.highest:.6f}",
        Find.STABLE: int(one.highest <= 0),
        Find.BOND_CHANGE: row[Relaxed.BOND_CHANGE],
        Find.CIF: f"{CIFS}/{id}.cif",
        **{energy_column(stage): row[energy_column(stage)] for stage in hulls.stages_of(settings)},
        **{of(stage): row[of(stage)] for stage in one.above for of in (above_column, phases_column)},
    }


def _lost(
    relaxed: Sequence[reading.Row], found: Sequence[Verdict], by_id: Mapping[str, Ended]
) -> list[dict[str, Any]]:
    return [
        {
            Lost.ID: verdict.id,
            Lost.FORMULA: row[Relaxed.FORMULA],
            Lost.REASON: verdict.reason,
            Lost.ABOVE: f"{above:.6f}" if (above := by_id[verdict.id].highest) == above else "",
            Lost.MATCH: verdict.match,
            Lost.MESSAGE: verdict.message,
        }
        for row, verdict in zip(relaxed, found, strict=True)
        if verdict.reason is not None
    ]


def _summary(
    settings: CampaignSettings,
    place: Round,
    relaxed: Sequence[reading.Row],
    found: Sequence[Verdict],
    kept: Sequence[Mapping[str, Any]],
) -> RoundSummary:
    judged = JudgeSummary.load(place.judged)
    assert judged is not None, f"{place.judged} has no summary"
    rows = reading.rows(place.judged / JUDGED)
    matches = {name for row in rows if (name := choosing.matched(row))}
    replayed = len(matches & {row[Find.ID] for row in reading.kept_before(place)})
    reasons = Counter(str(one.reason) for one in found if one.reason is not None)
    on_hull = sum(row[Find.STABLE] for row in kept)
    return RoundSummary(
        round=place.number,
        samples=len(rows),
        plausible=next((n for stage in _PLAUSIBLE if (n := judged.left(stage)) is not None), 0),
        unique=judged.left(Stage.DISTINCT) or 0,
        in_training=len(matches) - replayed - sum(map(choosing.is_drawn, matches)),
        replayed=replayed,
        known=sum(row[Judged.LOST] == Stage.NOT_KNOWN for row in rows),
        new=len(CifSet(place.chosen / CIFS).names()),
        calculations=len(relaxed),
        converged=sum(bool(row[Relaxed.CIF]) and not row[Relaxed.CODE] for row in relaxed),
        finds=len(kept),
        wanted=sum(row[Find.WANTED] for row in kept),
        on_hull=on_hull,
        msun=round(len(kept) / max(len(rows), 1), 6),
        sun=round(on_hull / max(len(rows), 1), 6),
        found_again=reasons[Reason.FOUND_BEFORE],
        reasons={reason: reasons[reason] for reason in Reason if reasons[reason]},
    )
