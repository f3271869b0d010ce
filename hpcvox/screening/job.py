"""``screen``: crystals to actors that predict their properties; those that pass to a table and CIFs.

A part of the source is predicted once; choosing, sorting and writing are done anew by every run.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, islice
from typing import Any, Final

from hpcvox import config
from hpcvox.actors.pool import Failure, actor_pool
from hpcvox.crystals.record import Entry
from hpcvox.crystals.sources.source import Source, open_source
from hpcvox.errors import ConfigError
from hpcvox.featurize.worker import entries_digest
from hpcvox.files import durable
from hpcvox.files.kept_parts import Parts
from hpcvox.process.outcome import COMPLETE, COMPLETE_WITH_REJECTS, Outcome, rejects_told
from hpcvox.progress import Progress
from hpcvox.screening.columns import Columns, columns
from hpcvox.screening.expression import parse
from hpcvox.screening.hull import Phase, read_references
from hpcvox.screening.networks import Networks
from hpcvox.screening.settings import FREE, ScreenSettings
from hpcvox.screening.tables import (
    PROPERTIES,
    SCREENED,
    Counts,
    ranked,
    write_cifs,
    write_properties,
    write_screened,
)
from hpcvox.screening.worker import DIGITS, Row, ScreenWorker, reject
from hpcvox.shards.layout import REJECTS

PART: Final = 256
"""Inputs to a part: what an interruption loses at most, an actor."""


def run(settings: ScreenSettings) -> Outcome:
    """Predict every crystal of ``settings.source``, and write those that pass to ``settings.out``.

    Raises:
        CheckpointError: a folder of ``models`` holds no trained CGCNN.
        ConfigError: ``where`` or ``rank`` cannot be read or names what is not there; the references cannot be used;
            or the folder holds results of other settings.
        SourceError: the source cannot be opened or is empty.
        BusyError: another run is writing the folder.
        ClusterError: Ray cannot be started or reached.
    """
    out = settings.out
    networks = Networks(settings.models)
    table = columns(settings, networks)
    where = None if settings.where is None else parse(settings.where, list(table.names))
    rank = None if settings.rank is None else table.column(settings.rank)
    phases = None if settings.references is None else read_references(settings)
    if out.resolve() in (settings.source.resolve(), *settings.source.resolve().parents):
        raise ConfigError(f"out: {out} holds the source {settings.source}, and its files are replaced there")
    source = open_source(settings.source, settings.id_column, settings.cif_column, [])
    source.refuse_empty()
    with durable.sole_writer(out):
        config.claim(settings, out, FREE)
        parts = Parts(out / "parts", _work(settings, networks, phases))
        names, inputs = _predicted(settings, phases, source, parts)
        counts = Counts(where, table.targets.get(settings.band_gap))
        chosen = ranked(write_properties(out, _rows(parts, names), table, counts, rank), settings.descending)
        write_cifs(out, source, write_screened(out, chosen, table), settings.crystals)
        found = {"read": inputs, "rejected": counts.rejects.total(), "predicted": counts.predicted}
        told = _told(settings, networks, table, counts, len(chosen), phases)
        durable.write_json(out / "summary.json", found | told)
        kept = {f"{name}.json" for name in names}
        for path in parts.folder.glob("*.json"):
            if path.name not in kept:  # of a source, networks or references that have changed since
                path.unlink()
    return _outcome(settings, networks, counts, len(chosen)).passing_over(source.passed_over)


def _work(settings: ScreenSettings, networks: Networks, phases: Sequence[Phase] | None) -> list[Any]:
    """What decides the rows of a part, given its entries."""
    rules = {"max_sites", "band_gap", "metal_gap", "insulator_targets", "formation_energy"}
    return [networks.work(), DIGITS, settings.model_dump(mode="json", include=rules), phases]


def _predicted(
    settings: ScreenSettings, phases: Sequence[Phase] | None, source: Source, parts: Parts
) -> tuple[list[str], int]:
    """Have every part of the source predicted that is not yet; their names in their order, and the number of inputs."""
    names: list[str] = []
    begun: deque[tuple[int, int]] = deque()
    lost: dict[int, Sequence[Entry]] = {}
    with Progress("screen", source.total, "inputs") as progress:

        def missing() -> Iterator[list[Entry]]:
            for entries in _parts(source):
                names.append(f"{len(names):06d}-{entries_digest(entries)}")
                if parts.load(names[-1]) is None:
                    begun.append((len(names) - 1, len(entries)))
                    yield entries
                else:
                    progress.advance(len(entries))

        tasks = missing()
        first = next(tasks, None)
        if first is None:  # nor is Ray needed
            return names, progress.done
        with (
            actor_pool(settings.actors) as pool,
            pool.workers(partial(ScreenWorker, settings, phases)) as workers,
        ):
            for result in workers.run_ordered(chain([first], tasks)):
                part, count = begun.popleft()
                if isinstance(result, Failure):
                    lost[part] = result.task
                else:
                    parts.save(names[part], result)
                    progress.advance(count)
            for part, entries in lost.items():
                # each by itself, so that one that kills its process takes no other with it
                results = workers.run_ordered([entry] for entry in entries)
                names[part] += "-lost"  # tried again by the next run
                parts.save(names[part], list(_one_by_one(results)))
                progress.advance(len(entries))
    return names, progress.done


def _one_by_one(results: Iterable[list[Row] | Failure[Sequence[Entry]]]) -> Iterator[Row]:
    """The rows of a part whose entries were tasks of their own."""
    for place, result in enumerate(results):
        if isinstance(result, Failure):
            entry = result.task[0]
            yield reject(entry.id, entry.origin, "worker-died", result.message)
        else:
            yield from (row | {"entry": place} if "entry" in row else row for row in result)


def _parts(source: Iterable[Entry]) -> Iterator[list[Entry]]:
    entries = iter(source)
    while part := list(islice(entries, PART)):
        yield part


def _rows(parts: Parts, names: Sequence[str]) -> Iterator[tuple[int, Row]]:
    """Every row, and the place of its part's first entry in the source."""
    for part, name in enumerate(names):
        rows = parts.load(name)
        assert rows is not None, "a part was saved and cannot be read"
        yield from ((part * PART, row) for row in rows)


def _told(
    settings: ScreenSettings,
    networks: Networks,
    table: Columns,
    counts: Counts,
    passing: int,
    phases: Sequence[Phase] | None,
) -> dict[str, Any]:
    """The summary but for the first counts."""
    return {
        "with_unseen_elements": counts.unseen,
        "metals": counts.metals if settings.band_gap in networks.targets else None,
        "where": settings.where,
        "clauses": counts.funnel(),
        "passing": passing,
        "rank": settings.rank,
        "descending": settings.descending,
        "rejects": dict(sorted(counts.rejects.items())),
        "targets": {
            table.targets[target]: {
                "target": target,
                "networks": [str(member.folder) for member in members],
                "checksums": [member.card["checksum"] for member in members],
                "learnt_as_logarithm": [member.log for member in members],
                "uncertainty": f"sample standard deviation of {len(members)} networks, in the target's unit"
                if len(members) > 1
                else "none: one network alone",
            }
            for target, members in networks.targets.items()
        },
        "without_the_rule_of_metals": _unjudged(settings, networks),
        "phases_of_the_hull": None if phases is None else len(phases),
        "significant_digits": DIGITS,
    }


def _unjudged(settings: ScreenSettings, networks: Networks) -> list[str]:
    """Targets that a metal has no value of, where no network says which crystal is one."""
    judged = settings.band_gap in networks.targets
    return [] if judged else [target for target in settings.insulator_targets if target in networks.targets]


def _outcome(settings: ScreenSettings, networks: Networks, counts: Counts, passing: int) -> Outcome:
    out = settings.out
    told = [
        f"screened {counts.predicted:,} crystals: {passing:,} pass; {out / SCREENED}, all in {out / PROPERTIES}"
    ]
    if alone := [target for target, members in networks.targets.items() if len(members) == 1]:
        told.append(f"no uncertainty of {', '.join(alone)} (one network alone)")
    if counts.unseen:
        told.append(f"{counts.unseen:,} have elements that a network never saw (unseen_elements)")
    if unjudged := _unjudged(settings, networks):
        told.append(
            f"{', '.join(unjudged)}: of metals, too, since no network has the target {settings.band_gap}"
        )
    if counts.rejects:
        told.append(rejects_told(dict(sorted(counts.rejects.items())), out / REJECTS))
    return Outcome("; ".join(told), COMPLETE_WITH_REJECTS if counts.rejects else COMPLETE)
