"""``hpcvox generate``: draws latent points, decodes them to maps, places atoms, and checks every sample's validity."""

import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

import numpy as np

from hpcvox import config
from hpcvox.crystals.formats.cif.writing import cif_text
from hpcvox.crystals.sources.cif_set import CifSet
from hpcvox.errors import ShardError
from hpcvox.files import durable, earlier
from hpcvox.files.kept_parts import KeptParts
from hpcvox.generation.candidates import ANGLES, CIFS, COLUMNS, LENGTHS, TABLE, Column
from hpcvox.generation.densities import Densities
from hpcvox.generation.judging.validity import MIN_DISTANCE
from hpcvox.generation.latent import Latent, Sample
from hpcvox.generation.making import Candidate, candidates, decoded
from hpcvox.generation.networks import BATCH, Networks
from hpcvox.generation.placement.cell import cell_angles
from hpcvox.generation.settings import GenerateSettings, PlacementRules
from hpcvox.generation.summary import GenerateSummary
from hpcvox.networks.vae.card import VAECard
from hpcvox.process.outcome import Outcome
from hpcvox.progress import Progress
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.terminal import counted
from hpcvox.training.folder.card import Run

PART = 3 * BATCH
"""Samples in a part; an interruption loses at most one part."""

TEXT: Final = "text"
"""Key of a row's CIF text, beside the columns of the table."""


def run(settings: GenerateSettings) -> Outcome:
    """Generate candidates for every decile, and write CIFs, table and summary to ``settings.out``."""
    with durable.sole_writer(settings.out):
        networks = Networks(settings)
        latent = Latent(settings, networks)
        samples = latent.samples(settings.per_condition)
        config.claim(settings, settings.out)
        parts = KeptParts(settings.out / "parts", _work(settings, networks, latent))
        started, made = time.monotonic(), 0
        rows: list[dict[str, Any]] = []
        with Progress("generate", len(samples), "candidates") as progress:
            for start in range(0, len(samples), PART):
                part = samples[start : start + PART]
                found = parts.load(f"{start:08d}")
                if found is not None and [row[Column.ID] for row in found] == [sample.id for sample in part]:
                    progress.advance(len(part))
                else:
                    found = _make(part, settings, networks, latent, progress)
                    parts.save(f"{start:08d}", found)
                    made += len(part)
                rows += found
        rows.sort(key=lambda row: (row[Column.DECILE], row[Column.ID]))
        rate = made / max(time.monotonic() - started, 1e-9)
        summary = _write(settings, networks, latent, rows)
        earlier.whole(settings.out)
    speed = f" at {rate:.3g}/s" if made else ""
    return Outcome(
        f"generated {counted(len(rows), 'candidate')}{speed}: {summary.placed} placed, {summary.valid} valid "
        f"({100 * summary.valid_rate:.1f} %, every failure counted; all atoms over {MIN_DISTANCE} Å apart); "
        f"{settings.out / TABLE}, CIFs in {CifSet(settings.out / CIFS).place}"
    )


def _rules(settings: GenerateSettings) -> PlacementRules:
    return settings.placement.rules(by_unet=settings.unet is not None)


def _work(settings: GenerateSettings, networks: Networks, latent: Latent) -> dict[str, Any]:
    return {
        "vae": networks.card.checksum,
        **({} if networks.unet_card is None else {"unet": networks.unet_card.checksum}),
        "placement": _rules(settings)._asdict(),
        **latent.work(),
    }


def _make(
    part: list[Sample], settings: GenerateSettings, networks: Networks, latent: Latent, progress: Progress
) -> list[dict[str, Any]]:
    """Generate the samples of one part; a row of the table for each, with the text of its CIF."""
    rows: list[dict[str, Any]] = []
    for start in range(0, len(part), BATCH):
        batch = part[start : start + BATCH]
        maps = decoded(networks, latent, batch)
        found = candidates(networks, _rules(settings), [sample.id for sample in batch], maps)
        rows += [
            {Column.ID: sample.id, Column.DECILE: sample.decile, **_row(one)}
            for sample, one in zip(batch, found, strict=True)
        ]
        valid = sum(bool(row[Column.VALID]) for row in rows)
        progress.advance(len(batch), valid=f"{valid}/{len(rows)} of the part")
    return rows


def _row(candidate: Candidate) -> dict[str, Any]:
    """The table's row of a candidate, with the text of its CIF."""
    told: dict[str, Any] = {
        Column.VALID: candidate.valid,
        Column.CODE: candidate.code,
        Column.MESSAGE: candidate.message,
    }
    if candidate.crystal is None or candidate.verdict is None:
        return told
    crystal, lattice = candidate.crystal, candidate.crystal.lattice
    return {
        **told,
        Column.FORMULA: crystal.formula,
        Column.N_SITES: crystal.n_sites,
        **{key: round(float(x), 6) for key, x in zip(LENGTHS, np.linalg.norm(lattice, axis=1), strict=True)},
        **{key: round(float(x), 6) for key, x in zip(ANGLES, cell_angles(lattice), strict=True)},
        Column.MIN_DISTANCE: round(candidate.verdict.min_distance, 6),
        Column.CHARGE_BALANCED: candidate.verdict.charge_balanced,
        Column.CIF: f"{CIFS}/{candidate.id}.cif",
        TEXT: cif_text(crystal),
    }


def _write(
    settings: GenerateSettings, networks: Networks, latent: Latent, rows: list[dict[str, Any]]
) -> GenerateSummary:
    """Write CIFs, table, summary and densities; return the summary."""
    known = _training_formulas(networks.card.run)
    with CifSet(settings.out / CIFS).replaced(settings.crystals) as add:
        for row in rows:
            if TEXT in row:
                add(Path(row[Column.CIF]).name, row[TEXT])
                row[Column.NOVEL] = "" if known is None else row[Column.FORMULA] not in known
    after = COLUMNS.index(Column.C) + 1
    columns = (*COLUMNS[:after], *(ANGLES if networks.kind.oblique else ()), *COLUMNS[after:])
    table = [{column: row.get(column, "") for column in columns} for row in rows]
    durable.write_csv(settings.out / TABLE, columns, table)
    drawn_from = "fitted" if latent.prior is not None else "flow" if latent.flow is not None else None
    novelty = "formulas of the training set" if known is not None else "training set not found"
    summary = _summary(rows, settings, networks.card, drawn_from, novelty)
    summary.save(settings.out)
    _write_slices(settings, networks, latent)
    return summary


def _summary(
    rows: list[dict[str, Any]],
    settings: GenerateSettings,
    card: VAECard,
    drawn_from: str | None,
    novelty: str,
) -> GenerateSummary:
    """Counts and rates over all samples that were drawn; failures count, too."""
    valid = [row for row in rows if row[Column.VALID]]
    deciles = sorted({row[Column.DECILE] for row in rows})
    drawn, good = (Counter(row[Column.DECILE] for row in some) for some in (rows, valid))
    return GenerateSummary(
        samples=len(rows),
        placed=sum(TEXT in row for row in rows),
        valid=len(valid),
        valid_rate=len(valid) / max(len(rows), 1),
        valid_and_charge_balanced=sum(row[Column.CHARGE_BALANCED] for row in valid),
        valid_and_novel=sum(row.get(Column.NOVEL) is True for row in valid),
        formulas=len({row[Column.FORMULA] for row in valid}),
        failures=dict(Counter(row[Column.CODE] for row in rows if row[Column.CODE]).most_common()),
        valid_rate_by_decile={str(d): good[d] / drawn[d] for d in deciles},
        condition=card.condition,
        edges=card.edges,
        base=settings.base,
        towards=settings.towards,
        prior=drawn_from,
        novelty=novelty,
    )


def _training_formulas(run: Run) -> set[str] | None:
    """Formulas of the crystals that the VAE was trained on; None if its shard set no longer exists."""
    try:
        formulas = ShardSet.open(run.shards).formulas
    except ShardError:
        return None
    held_out = run.held_out(formulas)
    return {formula for formula, out in zip(formulas, held_out, strict=True) if not out}


def _write_slices(settings: GenerateSettings, networks: Networks, latent: Latent) -> None:
    """Write ``densities.npz``: the first ``settings.slices`` decoded densities of each decile, with their ids."""
    chosen = sorted(
        latent.samples(min(settings.slices, settings.per_condition)), key=lambda s: (s.decile, s.number)
    )
    if not chosen:
        return
    batches = [chosen[start : start + BATCH] for start in range(0, len(chosen), BATCH)]
    density = np.concatenate([decoded(networks, latent, batch).maps[:, 0] for batch in batches])
    ids = [sample.id for sample in chosen]
    Densities(density, ids).save(settings.out)
