"""``hpcvox statistics``: one pass over the shards by any number of ranks, which writes a small file into the set."""

import contextlib
from functools import partial
from pathlib import Path
from typing import NamedTuple

from hpcvox.errors import ConfigError, ShardError
from hpcvox.files import durable
from hpcvox.process.interrupt import StopRequest
from hpcvox.process.outcome import Outcome
from hpcvox.progress import Progress
from hpcvox.shards.manifest import Manifest
from hpcvox.shards.statistics.file import FILE, Split, Statistics, statistics_for
from hpcvox.shards.statistics.gathering import ShardRecord, finish, gather
from hpcvox.statistics.ranks import Ranks, connect
from hpcvox.statistics.settings import StatisticsSettings
from hpcvox.terminal import counted

PATIENCE_S = 30.0
"""Seconds to wait for another pass over the same set that is writing its file."""


class _Start(NamedTuple):
    """What rank 0 found: the manifest of the set, and its statistics if they are up to date."""

    manifest: Manifest
    current: Statistics | None


def run(settings: StatisticsSettings) -> Outcome:
    """Write ``statistics.json`` into the shard set; its bytes do not depend on the number of ranks.

    Raises:
        ShardError: the set or a shard is missing or damaged, no sample is trained on, or the file cannot be written.
        MissingDependencyError: several ranks were started, and no MPI joins them.
        BusyError: another run is writing into the set.
    """
    with StopRequest() as stop:
        ranks = connect(stop, settings.stall_s)
        try:
            return _pass(settings, ranks)
        except (ShardError, KeyboardInterrupt):
            if ranks.rank == 0:
                raise
            return Outcome("")  # rank 0 prints the outcome for all ranks


def _pass(settings: StatisticsSettings, ranks: Ranks) -> Outcome:
    split = Split(settings.seed, settings.held_out_fraction)
    # only rank 0 looks, so that all ranks do the same even if another process changes the set
    start = ranks.together(partial(_look, settings.shards, split) if ranks.rank == 0 else _nothing)[0]
    assert start is not None
    if start.current is not None:
        return _outcome(settings.shards, start.current, "are current, nothing to do", ranks)
    lines = [line for line in start.manifest.shards if line.samples]
    records: list[ShardRecord] = []
    bar = Progress("statistics", start.manifest.n_samples, "samples") if ranks.rank == 0 else None
    with bar or contextlib.nullcontext():
        for first in range(0, len(lines), ranks.size):
            mine = first + ranks.rank
            work = partial(gather, settings.shards, lines[mine], split) if mine < len(lines) else _nothing
            found = [record for record in ranks.together(work) if record is not None]
            if bar is not None:
                records += found
                bar.advance(sum(record.samples for record in found))
    if ranks.rank != 0:
        return Outcome("")
    made = finish(records, start.manifest, split)
    try:
        with durable.sole_writer(settings.shards, PATIENCE_S):
            made.save(settings.shards)
    except (OSError, ConfigError) as error:
        raise ShardError(
            f"cannot write {settings.shards / FILE}: {error}. The statistics are written into the set: free space "
            "there, or use a set that you may write to"
        ) from error
    return _outcome(settings.shards, made, f"by {counted(ranks.size, 'rank')}", ranks)


def _nothing() -> None:
    """The work of a rank without a shard in this round."""


def _look(folder: Path, split: Split) -> _Start:
    manifest = Manifest.load(folder)
    if not manifest.n_samples:
        raise ShardError(f"{folder} holds no samples: every input was rejected, see {folder / 'rejects.csv'}")
    return _Start(manifest, statistics_for(folder, split))


def _outcome(folder: Path, made: Statistics, how: str, ranks: Ranks) -> Outcome:
    if ranks.rank != 0:
        return Outcome("")
    return Outcome(
        f"statistics {how}: {counted(made.training_samples, 'training sample')} of {made.samples:,}, "
        f"{counted(len(made.arrays), 'array')}, {counted(len(made.targets), 'target')}; in {folder / FILE}"
    )
