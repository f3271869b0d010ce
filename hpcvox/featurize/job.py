"""The featurization job: sends entries to actors, collects a manifest line from each shard, completes the set."""

import math
import time
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from hpcvox import __version__, config
from hpcvox.actors.campaign import Campaign, Part, parts_of
from hpcvox.actors.pool import LOOK_S, Workers, actor_pool
from hpcvox.crystals.record import Entry
from hpcvox.crystals.sources.source import Source, open_fields, open_source
from hpcvox.errors import ShardError
from hpcvox.featurize.forecast import forecast
from hpcvox.featurize.made import Made, forget
from hpcvox.featurize.settings import FeaturizeSettings, R3dvsSettings
from hpcvox.featurize.worker import THREADS, ShardResult, ShardWorker, found
from hpcvox.files import durable, earlier
from hpcvox.process.outcome import Outcome, rejects_told, remarks_told
from hpcvox.shards.layout import MANIFEST, REJECTS, SET, shard_name
from hpcvox.shards.manifest import Manifest, ShardLine
from hpcvox.shards.writing.closing import close_set
from hpcvox.terminal import counted, say


class Tally(NamedTuple):
    """What the actors made of the entries of a source."""

    lines: list[ShardLine]
    entries: int
    kept: int


def run(settings: FeaturizeSettings) -> Outcome:
    """Featurize ``settings.source`` into the shard set ``settings.out``.

    A shard of an earlier, interrupted run is kept if it was made from the same entries with the same settings and
    code, and its checksums match; all other shards are made anew.

    Raises:
        SourceError: the source cannot be opened or is empty.
        ConfigError: the folder holds a set of other settings.
        ShardError: the folder cannot be written.
        PartError: the process that makes a shard dies each time, but not on any single entry of the shard.
        BusyError: another run is writing the folder.
        ClusterError: Ray cannot be started or reached.
    """
    source = opened(settings)
    source.refuse_empty()
    begun_before = (settings.out / MANIFEST).exists() or any(settings.out.glob("shard-*.h5"))
    seen = None if begun_before else forecast(settings)
    if seen is not None and (warning := seen.warning(str(settings.source))):
        say(warning, error=True)
    begun = time.monotonic()
    with durable.sole_writer(settings.out):
        config.claim(settings, settings.out)
        if (settings.out / MANIFEST).exists():
            forget(settings.out)
        _set_aside_of_other_code(settings)
        with actor_pool(settings.actors) as pool, campaign(settings).workers(pool) as workers:
            tally = build(source, settings, workers)
        manifest = finish(settings, source.path.name, tally)
        forget(settings.out)
        earlier.whole(settings.out)
    return _outcome(settings, manifest, tally, time.monotonic() - begun).passing_over(source.passed_over)


def opened(settings: FeaturizeSettings) -> Source:
    """Open the source that the settings name.

    Raises:
        SourceError: it cannot be opened.
    """
    if isinstance(settings, R3dvsSettings) and settings.field == "file":
        return open_fields(settings.source, settings.quantity, settings.targets, settings.targets_file)
    return open_source(
        settings.source, settings.id_column, settings.cif_column, settings.targets, settings.targets_file
    )


def build(source: Source, settings: FeaturizeSettings, workers: Workers[Part[Entry], ShardResult]) -> Tally:
    """Let ``workers`` make every shard of ``source``; see :func:`run`."""
    drawn = 0

    def counted() -> Iterator[Entry]:
        nonlocal drawn
        for entry in source:
            if entry.index != drawn:
                raise AssertionError(f"entry {entry.index} of {source.path} comes as number {drawn}")
            drawn += 1
            yield entry

    lines: list[ShardLine] = []
    kept = 0
    made = Made(settings.out)
    parts = parts_of(counted(), settings.entries_per_shard)
    for _, result in campaign(settings, made).through(workers, parts, source.total):
        assert result.line is not None, "a part came back without its shard"
        made.note(result.key, result.line)
        lines.append(result.line)
        kept += result.line.entries if result.kept else 0
    lines.sort(key=lambda line: line.first_entry)
    _check_counts(lines, drawn, settings)
    return Tally(lines, drawn, kept)


def campaign(settings: FeaturizeSettings, made: Made | None = None) -> Campaign[Entry, ShardResult]:
    """The work of the actors: each part of the source becomes a shard; ``made``: what an earlier run has noted."""
    made = Made(settings.out) if made is None else made
    return Campaign(
        "featurize",
        "crystals",
        partial(ShardWorker, settings),
        found=partial(found, settings, made),
        look_s=math.inf if made else LOOK_S,  # notes are asked in no time
        figures=lambda result: {"rejects": 0 if result.line is None else result.line.rejects},
        advice=" or a smaller entries_per_shard",
        threads=THREADS,
    )


def finish(settings: FeaturizeSettings, source_name: str, tally: Tally) -> Manifest:
    """Complete the set: remove files of other sets, list the rejects, write ``set.h5`` and then the manifest."""
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


def _set_aside_of_other_code(settings: FeaturizeSettings) -> None:
    """A set that another version made, or whose settings nobody wrote down, stops being one before a shard changes."""
    out = settings.out
    if not (out / MANIFEST).exists():
        return
    try:
        old = Manifest.load(out)
    except ShardError as error:
        (out / MANIFEST).unlink()
        (out / SET).unlink(missing_ok=True)
        say(f"{out}: its list of shards is made anew, and the shards that are not whole: {error}", error=True)
        return
    changed = [f"hpcvox {old.code_version} → {__version__}"] if old.code_version != __version__ else []
    if old.settings != settings.fixed():
        changed.append("other settings")
    if changed:
        config.begin_anew(settings, out, changed)


def _check_counts(lines: list[ShardLine], drawn: int, settings: FeaturizeSettings) -> None:
    """Check that every entry is in exactly one shard."""
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
    made = f"featurize: {counted(manifest.n_samples, 'crystal')} from {counted(manifest.n_entries, 'input')}"
    parts = [f"{made} in {counted(len(manifest.shards), 'shard')} ({size:,.1f} MB)"]
    if tally.kept:
        parts.append(f"{counted(tally.kept, 'input')} kept from an earlier run")
    if manifest.n_rejects:
        parts.append(rejects_told(manifest.rejects_by_code, settings.out / REJECTS))
    if manifest.remarks_by_code:
        parts.append(remarks_told(manifest.remarks_by_code))
    parts.append(f"{manifest.n_entries / seconds:,.0f} inputs/s")
    parts.append(f"in {settings.out}")
    return Outcome.of_inputs(parts, manifest.n_rejects)
