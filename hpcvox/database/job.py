"""The job ``database``: draws crystals, relaxes them, computes formation energies, and writes one table.

Results are saved part by part under ``out/parts``, so that a run that stopped can go on.  The final files depend only
on the settings, not on the number of actors or on interruptions.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

import xxhash

from hpcvox import config
from hpcvox.actors.campaign import Campaign, Part, in_order, parts_of
from hpcvox.actors.pool import actor_pool
from hpcvox.calculators import chgnet
from hpcvox.calculators.chgnet import BATCH
from hpcvox.crystals.elements import ATOMIC_NUMBERS
from hpcvox.database import tables
from hpcvox.database.energy import chosen
from hpcvox.database.prototypes.compounds import CLASSES, Prototype, draw
from hpcvox.database.settings import DatabaseSettings
from hpcvox.database.summary import TABLE, TARGETS, Column, DatabaseSummary
from hpcvox.database.worker import ChgnetWorker, Given, Row, ewald_worker
from hpcvox.files import durable, earlier
from hpcvox.files.kept_parts import KeptParts
from hpcvox.process.outcome import Outcome
from hpcvox.terminal import counted

PARTS: Final = "parts"


def run(settings: DatabaseSettings) -> Outcome:
    """Write ``crystals.csv``, ``rejects.csv``, ``database.json`` and, with CHGNet, ``references.csv``.

    Raises:
        MissingDependencyError: ``energy=chgnet`` and CHGNet is not installed.
        ConfigError: the folder holds results of other settings.
        BusyError: another run is writing the folder.
    """
    energy = chosen(settings)
    model = chgnet.name() if energy == "chgnet" else "ewald"
    out = settings.out
    with durable.sole_writer(out):
        config.claim(settings, out)
        classes = tuple(dict.fromkeys(settings.classes))
        drawn = draw(settings.size, settings.seed, classes, settings.elements)
        elements = _elements(drawn) if energy == "chgnet" else []
        rows = _evaluated(settings, drawn, elements, energy, model)
        references = {symbol: row for symbol, (row,) in zip(elements, rows, strict=False)}
        results = [row for part in rows[len(elements) :] for row in part]
        made = tables.assembled(drawn, results, references, energy, model)
        if made.references is not None:
            durable.write_csv(out / "references.csv", tables.REFERENCE_COLUMNS, made.references)
        durable.write_csv(out / "rejects.csv", tables.REJECT_COLUMNS, made.rejects)
        durable.write_csv(out / TABLE, tables.columns(energy), made.crystals)
        _summary(settings, energy, model, made).save(out)
        earlier.whole(out)
    counts = ", ".join(f"{n} {name}" for name, n in _by_class(made.crystals).items() if n)
    rejected = f"; {len(made.rejects)} of {settings.size} rejected (rejects.csv)" if made.rejects else ""
    return Outcome(
        f"{counted(len(made.crystals), 'crystal')} ({counts}), energies by {model}: {out / TABLE}{rejected}"
    )


def _elements(drawn: list[Prototype]) -> list[str]:
    """The symbols of all elements, by atomic number."""
    return sorted(
        {symbol for prototype in drawn for symbol in prototype.species}, key=ATOMIC_NUMBERS.__getitem__
    )


def _evaluated(
    settings: DatabaseSettings, drawn: list[Prototype], elements: list[str], energy: str, model: str
) -> list[list[Row]]:
    """Compute the rows of all elements and crystals, part by part; each element is a part of its own."""
    references = [Part[Given](i, [symbol], f"reference-{symbol}") for i, symbol in enumerate(elements)]
    crystals: Iterator[Part[Given]] = parts_of(drawn, BATCH, _name)
    campaign = Campaign[Given, list[Row]](
        "Database: cells and energies",
        "cells",
        ChgnetWorker if energy == "chgnet" else ewald_worker,
        KeptParts(settings.out / PARTS, [model]),
    )
    with actor_pool(settings.actors) as pool:
        parts = [*references, *(part._replace(number=len(elements) + part.number) for part in crystals)]
        return in_order(campaign.results(pool, parts, len(elements) + len(drawn)))


def _name(number: int, crystals: Sequence[Given]) -> str:
    ids = [crystal if isinstance(crystal, str) else crystal.id for crystal in crystals]
    return f"crystals-{number:05d}-{xxhash.xxh3_128_hexdigest(json.dumps(ids).encode())}"


def _by_class(crystals: list[dict[str, Any]]) -> dict[str, int]:
    return {name: sum(row[Column.CLASS] == name for row in crystals) for name in CLASSES}


def _summary(settings: DatabaseSettings, energy: str, model: str, made: tables.Tables) -> DatabaseSummary:
    return DatabaseSummary(
        crystals=len(made.crystals),
        rejects=len(made.rejects),
        size=settings.size,
        seed=settings.seed,
        classes=_by_class(made.crystals),
        target=TARGETS[energy],
        energy_model=model,
        meaning=tables.MEANINGS[energy],
    )
