"""The featurization job: streams entries to actors, collects their manifest lines, closes the set."""

import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from typing import NamedTuple

from hpcvox import __version__, config
from hpcvox.actors.pool import Failure, Workers, actor_pool
from hpcvox.crystals.record import Entry
from hpcvox.crystals.sources.source import Source, open_fields, open_source
from hpcvox.errors import ShardError
from hpcvox.featurize.settings import FeaturizeSettings, R3dvsSettings
from hpcvox.featurize.worker import THREADS, ShardResult, ShardTask, ShardWorker, found
from hpcvox.files import durable
from hpcvox.process.outcome import COMPLETE, COMPLETE_WITH_REJECTS, Outcome, rejects_told, remarks_told
from hpcvox.progress import Progress
from hpcvox.shards.layout import MANIFEST, REJECTS, shard_name
from hpcvox.shards.manifest import Manifest, ShardLine
from hpcvox.shards.writing.closing import close_set
from hpcvox.shards.writing.virtual import SET
from hpcvox.terminal import say

WorkerFactory = Callable[[FeaturizeSettings], Callable[[ShardTask], ShardResult]]


class Tally(NamedTuple):
    """What became of the entries of a source."""

    lines: list[ShardLine]
    entries: int
    kept: int


def run(settings: FeaturizeSettings) -> Outcome:
    """Featurize ``settings.source`` into the shard set ``settings.out``.

    Shards of an earlier, interrupted run are kept where they were made from the same entries with the
    same settings and code and every byte is whole; all others are made anew.

    Raises:
        SourceError: the source cannot be opened or is empty.
        ShardError: the folder cannot be written.
        BusyError: another run is writing the folder.
        ClusterError: Ray cannot be started or reached.
    """
    source = _open(settings)
    source.refuse_empty()
    begun = time.monotonic()
    with durable.sole_writer(settings.out):
        config.save(settings, settings.out / "config.yaml")
        _announce(settings)
        with (
            actor_pool(settings.actors) as pool,
            pool.workers(partial(ShardWorker, settings), THREADS) as workers,
        ):
            tally = build(source, settings, workers)
        manifest = finish(settings, source.path.name, tally)
    return _outcome(settings, manifest, tally, time.monotonic() - begun).passing_over(source.passed_over)


def _open(settings: FeaturizeSettings) -> Source:
    if isinstance(settings, R3dvsSettings) and settings.field == "file":
        return open_fields(settings.source, settings.quantity)
    return open_source(settings.source, settings.id_column, settings.cif_column, settings.targets)


def build(source: Source, settings: FeaturizeSettings, workers: "Workers[ShardTask, ShardResult]") -> Tally:
    """Have ``workers`` make every shard of ``source``; see :func:`run`."""
    drawn = 0

    def counted() -> Iterator[Entry]:
        nonlocal drawn
        for entry in source:
            if entry.index != drawn:
                raise AssertionError(f"entry {entry.index} of {source.path} comes as number {drawn}")
            drawn += 1
            yield entry

    lines: dict[int, ShardLine] = {}
    failures: list[ShardTask] = []
    kept = 0
    with Progress("featurize", source.total, "crystals") as progress:
        rejects = 0
        tasks = tasks_of(counted(), settings.entries_per_shard)
        for result in workers.run_ordered(tasks, partial(found, settings)):
            if isinstance(result, Failure):
                failures.append(result.task)
                continue
            line = _line(result)
            lines[line.first_entry] = line
            kept += line.entries if result.kept else 0
            rejects += line.rejects
            progress.advance(line.entries, rejects=rejects)
        for line in _isolate(failures, workers, settings.limit_s):
            lines[line.first_entry] = line
            rejects += line.rejects
            progress.advance(line.entries, rejects=rejects)
    ordered = [lines[first] for first in sorted(lines)]
    _check_counts(ordered, drawn, settings)
    return Tally(ordered, drawn, kept)


def tasks_of(entries: Iterable[Entry], per_shard: int) -> Iterator[ShardTask]:
    """The entries in groups of ``per_shard``, in order."""
    stream = iter(entries)
    number = 0
    while batch := list(islice(stream, per_shard)):
        yield ShardTask(number, batch, {})
        number += 1


def finish(settings: FeaturizeSettings, source_name: str, tally: Tally) -> Manifest:
    """Remove what belongs to no shard of this set, list the rejects, write set.h5 and the manifest."""
    out = settings.out
    current = {line.file for line in tally.lines}
    for path in (*out.glob("shard-*.h5"), *out.glob(".shard-*.h5.part")):
        if path.name not in current:
            path.unlink()
    return close_set(
        out,
        tally.lines,
        descriptor=settings.descriptor,
        grid=settings.grid_name,
        settings=settings.fixed(),
        code_version=__version__,
        source=source_name,
        n_entries=tally.entries,
    )


def _announce(settings: FeaturizeSettings) -> None:
    """Say what is there already; a set of other settings stops being one before its first shard changes."""
    path = settings.out / MANIFEST
    if not path.exists():
        return
    try:
        old = Manifest.load(settings.out)
        new = settings.fixed()
        changed = [
            f"{name} {old.settings.get(name)} → {new.get(name)}"
            for name in {**new, **old.settings}
            if old.settings.get(name) != new.get(name)
        ]
        if old.code_version != __version__:
            changed.append(f"hpcvox {old.code_version} → {__version__}")
    except ShardError as error:
        changed = [str(error)]
    if changed:
        path.unlink()
        (settings.out / SET).unlink(missing_ok=True)
        say(f"{settings.out}: every shard is made anew ({', '.join(changed)})", error=True)


def _line(result: ShardResult) -> ShardLine:
    if result.line is None:
        raise AssertionError("a shard task came back without its shard")
    return result.line


def _isolate(
    failures: list[ShardTask], workers: "Workers[ShardTask, ShardResult]", limit_s: float
) -> Iterator[ShardLine]:
    """Find the entries that kill their process, each tried alone, and make their shards without them."""
    ended = f" (killed, out of memory, or longer at work than limit_s={limit_s:g})" if limit_s else ""
    for task in failures:
        trials = [ShardTask(task.number, [entry], {}, trial=True) for entry in task.entries]
        fatal = {
            result.task.entries[0].index: result.message + ended
            for result in workers.run_ordered(trials)
            if isinstance(result, Failure)
        }
        (result,) = workers.run_ordered([task._replace(fatal=fatal)])
        if isinstance(result, Failure):
            raise ShardError(
                f"{shard_name(task.number)}: the process that makes it dies each time, and not at one crystal: "
                "probably too little memory; use fewer actors or a smaller entries_per_shard"
            )
        yield _line(result)


def _check_counts(lines: list[ShardLine], drawn: int, settings: FeaturizeSettings) -> None:
    """Every entry is in exactly one shard."""
    expected = 0
    for index, line in enumerate(lines):
        if (line.file, line.first_entry) != (shard_name(index), expected):
            raise AssertionError(f"{line.file} begins at entry {line.first_entry}, not {expected}")
        if line.samples + line.rejects < line.entries:
            raise AssertionError(f"{line.file} lost some of its {line.entries} entries")
        expected += line.entries
    if expected != drawn:
        raise AssertionError(f"{drawn} entries were read from {settings.source}, {expected} are in shards")


def _outcome(settings: FeaturizeSettings, manifest: Manifest, tally: Tally, seconds: float) -> Outcome:
    size = sum(line.bytes for line in manifest.shards) / 1e6
    made = f"featurize: {manifest.n_samples:,} crystals from {manifest.n_entries:,} inputs"
    parts = [f"{made} in {len(manifest.shards):,} shards ({size:,.1f} MB)"]
    if tally.kept:
        parts.append(f"{tally.kept:,} inputs kept from an earlier run")
    if manifest.n_rejects:
        parts.append(rejects_told(manifest.rejects_by_code, settings.out / REJECTS))
    if manifest.remarks_by_code:
        parts.append(remarks_told(manifest.remarks_by_code))
    parts.append(f"{manifest.n_entries / seconds:,.0f} inputs/s")
    parts.append(f"in {settings.out}")
    return Outcome("; ".join(parts), COMPLETE_WITH_REJECTS if manifest.n_rejects else COMPLETE)
