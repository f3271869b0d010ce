"""``hpcvox evaluate``: computes the figures of Court et al. 2020 on crystals that no network was trained on.

Each held-out crystal goes through the whole chain, encoder (posterior mean) → decoder → naming ("reconstruction").  If
a UNet names the elements, the crystal's own maps also go through the UNet alone ("segmentation").  A map in which no
atoms can be placed counts as a failure.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpcvox import config
from hpcvox.crystals.record import Crystal
from hpcvox.descriptors.grids import cell_coordinates
from hpcvox.errors import Rejected, ShardError
from hpcvox.experiments.evaluate.compare import match_sites, right_voxels, structure_rms
from hpcvox.experiments.evaluate.metre import metre
from hpcvox.experiments.evaluate.settings import EvaluateSettings
from hpcvox.experiments.evaluate.summary import (
    COLUMNS,
    LENGTHS,
    TABLE,
    EvaluateSummary,
    Figure,
    Figures,
    Way,
    column,
)
from hpcvox.files import durable, earlier
from hpcvox.files.kept_parts import KeptParts
from hpcvox.generation.judging.validity import validity
from hpcvox.generation.making import placed
from hpcvox.generation.networks import BATCH, Decoded, Networks, Segmented
from hpcvox.generation.placement.cell import as_fitted, cell_angles, fit_cell
from hpcvox.generation.settings import PlacementRules
from hpcvox.networks.vae.bins import condition_of
from hpcvox.process.outcome import Outcome
from hpcvox.progress import Progress
from hpcvox.shards.reading.densities import read_densities
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.terminal import counted

PART = 64
"""Crystals in a part; an interruption loses at most one part."""


def run(settings: EvaluateSettings) -> Outcome:
    """Evaluate, and write ``metrics.json`` and ``per_crystal.csv`` to ``settings.out``."""
    with durable.sole_writer(settings.out):
        networks = Networks(settings)
        shards = ShardSet.open(settings.shards)
        held_out, deciles = _held_out(settings, networks, shards)
        config.claim(settings, settings.out)
        placement = _rules(settings)._asdict()
        unet = None if networks.unet_card is None else networks.unet_card.checksum
        # for each way a row also has the sites of the crystal that was placed
        work = [networks.card.checksum, unet, placement, list(Figure), "sites"]
        parts = KeptParts(settings.out / "parts", work)
        rows: list[dict[str, Any]] = []
        with Progress("evaluate", len(held_out), "crystals") as progress:
            for start in range(0, len(held_out), PART):
                chosen = held_out[start : start + PART]
                name = f"{start:06d}"
                expected = [shards.ids[i] for i in chosen]
                part = parts.load(name)
                if part is None or [row["id"] for row in part] != expected:
                    part = _evaluate(chosen, deciles[start : start + PART], settings, networks, shards)
                    parts.save(name, part)
                rows += part
                progress.advance(len(chosen))
        true = [_true(shards, index) for index in held_out.tolist()]
        summary = EvaluateSummary(
            segmentation=None if networks.unet is None else summarise(rows, Way.SEGMENTATION, true),
            reconstruction=summarise(rows, Way.RECONSTRUCTION, true),
            held_out_crystals=len(rows),
            vae=str(settings.vae),
            unet=None if settings.unet is None else str(settings.unet),
            shards=str(settings.shards),
            unet_held_out_the_same=_held_out_the_same(networks),
        )
        summary.save(settings.out)
        table = [{column: row.get(column, "") for column in COLUMNS} for row in rows]
        durable.write_csv(settings.out / TABLE, COLUMNS, table)
        earlier.whole(settings.out)
    chain, alone = summary.reconstruction, summary.segmentation
    of_unet = "" if alone is None else f" (UNet on true maps {_shown(alone.recall)})"
    return Outcome(
        f"evaluated {counted(len(rows), 'held-out crystal')}: cell length MAE {_shown(chain.length_mae)} Å, "
        f"site EMD {_shown(chain.emd)} Å, mean |Δn| {_shown(chain.delta_n)}, "
        f"failures {100 * chain.failure_rate:.1f} %, voxel recall {_shown(chain.recall)}{of_unet}; "
        f"{settings.out / EvaluateSummary.FILE}"
    )


def _held_out(
    settings: EvaluateSettings, networks: Networks, shards: ShardSet
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The samples that the VAE's training held out (evenly spread over the set if limited), and their deciles."""
    card = networks.card
    networks.vae.check(shards, f"name the set it was trained on, {card.run.shards}, as shards")
    out = card.run.held_out(shards.formulas) & np.isfinite(condition_of(shards, card.condition))
    indices = np.flatnonzero(out)
    if not len(indices):
        raise ShardError(
            f"{settings.shards} has no held-out crystal with a {card.condition}: nothing to evaluate"
        )
    if settings.limit and settings.limit < len(indices):
        indices = indices[np.linspace(0, len(indices) - 1, settings.limit).astype(int)]
    return indices, networks.vae.bins(shards)[indices]


def _rules(settings: EvaluateSettings) -> PlacementRules:
    return settings.placement.rules(by_unet=settings.unet is not None)


def _held_out_the_same(networks: Networks) -> bool | None:
    """Whether the UNet's training held out the same materials, according to its card; None if there is no UNet."""
    if networks.unet_card is None:
        return None
    keys, one, other = ("shards", "seed", "held_out_fraction"), networks.card.run, networks.unet_card.run
    return all(getattr(one, key) == getattr(other, key) for key in keys)


def _evaluate(
    indices: NDArray[np.int64],
    deciles: NDArray[np.int64],
    settings: EvaluateSettings,
    networks: Networks,
    shards: ShardSet,
) -> list[dict[str, Any]]:
    rows = []
    for start in range(0, len(indices), BATCH):
        batch = indices[start : start + BATCH]
        bins = deciles[start : start + BATCH]
        density, species = read_densities(shards, batch)
        true = np.empty((len(batch), 4, *density.shape[1:]), np.float32)
        true[:, 0] = density
        for row, cell in enumerate(shards.cells[batch]):
            true[row, 1:] = cell_coordinates(cell, networks.kind.grid, networks.kind.voxels)
        ways = {Way.RECONSTRUCTION: networks.decode(networks.encode(true, species, bins), bins)}
        if networks.unet is not None:
            ways = {Way.SEGMENTATION: Decoded(true, None), **ways}
        threshold = _rules(settings).mask_threshold
        seen = {
            way: (decoded.maps, networks.segment(decoded, threshold, species > 0))
            for way, decoded in ways.items()
        }
        for row, index in enumerate(batch.tolist()):
            numbers, _ = shards.sites(index)
            found: dict[str, Any] = {
                "id": shards.ids[index],
                "formula": shards.formulas[index],
                "decile": int(bins[row]),
                "n_sites": len(numbers),
                **dict(zip(LENGTHS, _lengths(shards.cells[index]).tolist(), strict=True)),
            }
            for way, (maps, segmented) in seen.items():
                figures = _compare(row, index, species[row], maps[row], segmented, settings, networks, shards)
                found |= {column(way, key): value for key, value in figures.items()}
            rows.append(found)
    return rows


def _compare(
    row: int,
    index: int,
    true_species: NDArray[np.uint8],
    maps: NDArray[np.float32],
    segmented: Segmented,
    settings: EvaluateSettings,
    networks: Networks,
    shards: ShardSet,
) -> dict[str, Any]:
    """The figures of one crystal for one way."""
    right, occupied = right_voxels(true_species, segmented.species[row])
    figures: dict[str, Any] = {"recall": right / occupied, "right": right, "occupied": occupied}
    crystal = _true(shards, index)
    true = crystal.lattice
    try:
        fitted = fit_cell(maps[1:], networks.kind.grid, networks.kind.oblique)
        figures |= dict(zip(LENGTHS, _lengths(fitted).tolist(), strict=True))
        figures["length_mae"] = float(np.abs(_lengths(fitted) - _lengths(true)).mean())
        figures["angle_mae"] = float(np.abs(cell_angles(fitted) - cell_angles(true)).mean())
        found = placed(maps, segmented.species[row], segmented.mask[row], fitted, networks, _rules(settings))
    except Rejected as error:
        return figures | {"code": error.code}
    match = match_sites(true, crystal.frac, crystal.numbers, found.frac, found.numbers)
    rms = structure_rms(crystal, Crystal("", "", found.lattice, found.frac, found.numbers, {}))
    if rms is not None:
        figures["match_rms"] = rms
    return figures | {
        "code": "",
        "emd": match.emd,
        "excess": match.excess,
        "species_right": match.species_right,
        "exact": match.exact,
        "valid": not validity(*found).code,
        "sites": {name: value.tolist() for name, value in found._asdict().items()},
    }


def _lengths(lattice: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths: NDArray[np.float64] = np.linalg.norm(lattice, axis=1)
    return lengths


def _true(shards: ShardSet, index: int) -> Crystal:
    """The true crystal, in the setting of its maps."""
    lattice = shards.cells[index]
    lattice = as_fitted(lattice)
    numbers, frac = shards.sites(index)
    return Crystal(shards.ids[index], "", lattice, frac, numbers, {})


def _found(row: dict[str, Any], way: Way) -> list[Crystal]:
    """The crystal that was placed; empty if there is none."""
    sites = row.get(column(way, "sites"))
    if sites is None:
        return []
    numbers = np.array(sites["numbers"], np.uint8)
    return [Crystal(row["id"], "", np.array(sites["lattice"]), np.array(sites["frac"]), numbers, {})]


def summarise(rows: list[dict[str, Any]], way: Way, true: Sequence[Crystal]) -> Figures:
    """The figures of one way over all crystals."""
    of_way = [
        {figure: row.get(column(way, figure)) for figure in (*Figure, "right", "occupied")} for row in rows
    ]

    def total(figure: str) -> int:
        return sum(row[figure] or 0 for row in of_way)

    def mean(figure: str) -> float | None:
        values = [abs(value) for row in of_way if (value := row[figure]) is not None]
        return float(np.mean(values)) if values else None

    failures = Counter(row[Figure.CODE] for row in of_way if row[Figure.CODE])
    failed = [row["id"] for row in rows if row[column(way, Figure.CODE)]]
    covered = metre(true, [crystal for row in rows for crystal in _found(row, way)])
    return Figures(
        length_mae=mean(Figure.LENGTH_MAE),
        angle_mae=mean(Figure.ANGLE_MAE),
        emd=mean(Figure.EMD),
        delta_n=mean(Figure.EXCESS),
        species_right=mean(Figure.SPECIES_RIGHT),
        recall=total("right") / total("occupied"),
        exact_rate=total(Figure.EXACT) / len(rows),
        valid_rate=total(Figure.VALID) / len(rows),
        match_rate=sum(row[Figure.MATCH_RMS] is not None for row in of_way) / len(rows),
        match_rms=mean(Figure.MATCH_RMS),
        metre=covered.metre,
        crmse=covered.crmse,
        failure_rate=len(failed) / len(rows),
        failures=dict(failures.most_common()),
        failed=failed[:20],
    )


def _shown(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"
