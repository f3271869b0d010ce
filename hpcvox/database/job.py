"""The job ``database``: draw, relax, refer to the elements, write one table.

Results are kept by chunk under ``out/parts`` as they come, so that a run that stopped goes on; the
final files depend on the settings alone, not on the number of actors nor on interruptions.
"""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

from hpcvox import config
from hpcvox.actors.pool import Failure, run_ordered
from hpcvox.calculators import chgnet
from hpcvox.calculators.chgnet import BATCH
from hpcvox.crystals.elements import ATOMIC_NUMBERS
from hpcvox.database import tables
from hpcvox.database.energy import chosen
from hpcvox.database.prototypes.compounds import CLASSES, Prototype, draw
from hpcvox.database.settings import DatabaseSettings
from hpcvox.database.worker import ChgnetWorker, EwaldWorker, Part, Task
from hpcvox.files import durable
from hpcvox.process.outcome import Outcome
from hpcvox.progress import Progress

PARTS: Final = "parts"


def run(settings: DatabaseSettings) -> Outcome:
    """Write ``crystals.csv``, ``rejects.csv``, ``database.json`` and, with CHGNet, ``references.csv``.

    Raises:
        MissingDependencyError: ``energy=chgnet`` and CHGNet is not installed.
        BusyError: another run is writing the folder.
    """
    energy = chosen(settings)
    model = chgnet.name() if energy == "chgnet" else "ewald"
    out = settings.out
    with durable.sole_writer(out):
        config.save(settings, out / "config.yaml")
        classes = tuple(dict.fromkeys(settings.classes))
        drawn = draw(settings.size, settings.seed, classes, settings.elements)
        parts = out / PARTS
        parts.mkdir(exist_ok=True)
        tasks = [*_references(drawn), *_chunks(drawn)] if energy == "chgnet" else _chunks(drawn)
        results = _evaluated(tasks, parts, model, settings.actors)
        made = tables.assembled(drawn, tasks, results, energy, model)
        if made.references is not None:
            durable.write_csv(out / "references.csv", tables.REFERENCE_COLUMNS, made.references)
        durable.write_csv(out / "rejects.csv", tables.REJECT_COLUMNS, made.rejects)
        durable.write_csv(out / "crystals.csv", tables.columns(energy), made.crystals)
        durable.write_json(out / "database.json", _card(settings, energy, model, made))
    counts = ", ".join(f"{n} {name}" for name, n in _by_class(made.crystals).items() if n)
    rejected = f"; {len(made.rejects)} of {settings.size} rejected (rejects.csv)" if made.rejects else ""
    return Outcome(
        f"{len(made.crystals)} crystals ({counts}), energies by {model}: {out}/crystals.csv{rejected}"
    )


def _chunks(drawn: list[Prototype]) -> list[Task]:
    return [
        Task(f"crystals-{start // BATCH:05d}", tuple(drawn[start : start + BATCH]))
        for start in range(0, len(drawn), BATCH)
    ]


def _references(drawn: list[Prototype]) -> list[Task]:
    elements = sorted({symbol for prototype in drawn for symbol in prototype.species}, key=ATOMIC_NUMBERS.get)  # type: ignore[arg-type]
    return [Task(f"reference-{symbol}", element=symbol) for symbol in elements]


def _evaluated(tasks: list[Task], parts: Path, model: str, actors: int) -> dict[str, Part]:
    """The result of every task by its name: kept ones from ``parts``, the others computed and kept."""
    results = {task.name: part for task in tasks if (part := _kept(task, parts, model)) is not None}
    missing = [task for task in tasks if task.name not in results]
    total, done = (
        sum(len(task.ids) for task in some) for some in (tasks, [t for t in tasks if t.name in results])
    )
    if not missing:
        return results
    label = "Database: cells and energies"
    with Progress(label, total, "cells", done) as progress:
        for task, computed in zip(missing, _computed(missing, model, actors), strict=True):
            if not isinstance(computed, Failure):  # what killed its actor thrice is tried by the next run
                durable.write_text(parts / f"{task.name}.json", json.dumps(computed) + "\n")
                results[task.name] = computed
            progress.advance(len(task.ids))
    return results


def _computed(tasks: list[Task], model: str, actors: int) -> Iterator[Part | Failure[Task]]:
    worker = partial(EwaldWorker if model == "ewald" else ChgnetWorker, model)
    return run_ordered(worker, tasks, actors)


def _kept(task: Task, parts: Path, model: str) -> Part | None:
    """A kept result, unless it is absent, unreadable, of other crystals or of another model."""
    try:
        part = json.loads((parts / f"{task.name}.json").read_bytes())
        return part if part["model"] == model and part["ids"] == task.ids else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _by_class(crystals: list[dict[str, Any]]) -> dict[str, int]:
    return {name: sum(row["class"] == name for row in crystals) for name in CLASSES}


def _card(settings: DatabaseSettings, energy: str, model: str, made: tables.Tables) -> dict[str, Any]:
    return {
        "format": "hpcvox-database",
        "version": 1,
        "crystals": len(made.crystals),
        "rejects": len(made.rejects),
        "size": settings.size,
        "seed": settings.seed,
        "classes": _by_class(made.crystals),
        "target": tables.TARGETS[energy],
        "energy_model": model,
        "meaning": tables.MEANINGS[energy],
    }
