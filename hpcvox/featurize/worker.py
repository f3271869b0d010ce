"""What one actor does: the entries of one shard from text to a file on disk."""

import faulthandler
import math
import queue
import threading
import time
from pathlib import Path
from typing import NamedTuple, Self

from hpcvox import __version__
from hpcvox.actors.campaign import Part
from hpcvox.crystals.formats.cif.agreement import REMARKS
from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal, Entry
from hpcvox.crystals.sources.digest import entries_digest
from hpcvox.errors import Rejected, ShardError
from hpcvox.featurize.sampler import described, sampler
from hpcvox.featurize.settings import FeaturizeSettings
from hpcvox.shards.layout import shard_name
from hpcvox.shards.manifest import ShardLine
from hpcvox.shards.reading.shard_file import ShardFile
from hpcvox.shards.verify import verify_shard
from hpcvox.shards.writing.buffer import Provenance, ShardBuffer

THREADS = 2
"""That call one worker at a time: one computes, the other writes what it has computed."""


class ShardResult(NamedTuple):
    """A finished shard, of a trial none; ``kept`` where an earlier run had made it already."""

    line: ShardLine | None
    kept: bool


class ShardWorker:
    """Turns parts of the source into shards of ``settings.out``.  A pure function of settings and entries.

    Called by :data:`THREADS` threads, it computes for one while it writes for the other: a disk is waited for.
    """

    def __init__(self, settings: FeaturizeSettings) -> None:
        self.settings = settings
        self._sampler = sampler(settings)
        self._computing = threading.Lock()
        self._free: queue.SimpleQueue[ShardBuffer] = queue.SimpleQueue()
        for _ in range(THREADS):
            self._free.put(ShardBuffer(self._sampler.arrays, settings.entries_per_shard))

    def __call__(self, part: Part[Entry]) -> ShardResult:
        """Make the shard of ``part``, or find that it is there and whole.

        Raises:
            ShardError: it cannot be written.
        """
        path, provenance = _shard(self.settings, part)
        if (there := _found(part, path, provenance)) is not None:
            return there
        buffer = self._free.get()
        try:
            with self._computing, _Limit(self.settings.limit_s) as limit:
                buffer.clear()
                for place, entry in enumerate(part.items):
                    limit.renew()
                    self._add(buffer, entry, part.fatal.get(place))
                if part.trial:
                    return ShardResult(None, False)
                staged = buffer.stage(path, provenance)
            return ShardResult(staged.finish(), False)
        finally:
            self._free.put(buffer)

    def _add(self, buffer: ShardBuffer, entry: Entry, fatal: str | None) -> None:
        """Bring one entry to its end: samples or rejects, at least one of them."""
        if fatal is not None:
            limit = self.settings.limit_s
            why = f" (killed, out of memory, or longer at work than limit_s={limit:g})" if limit else ""
            fatal += why
        for number, result in enumerate(parse(entry, fatal)):
            if isinstance(result, Crystal):
                try:
                    self._sample(buffer, result, (entry.index, number))
                except Rejected as reason:
                    buffer.reject(entry.index, result.id, result.origin, reason.code, str(reason))
            else:
                buffer.reject(entry.index, *result)

    def _sample(self, buffer: ShardBuffer, crystal: Crystal, place: tuple[int, int]) -> None:
        if crystal.remarks and self.settings.strict:
            raise Rejected(crystal.remarks[0], f"{REMARKS[crystal.remarks[0]]} (strict=true)")
        most = self.settings.max_sites
        crystal, ragged = described(self._sampler, crystal, place, most, buffer.slot)
        buffer.commit(
            place[0],
            crystal.id,
            crystal.formula,
            crystal.origin,
            crystal.numbers,
            crystal.frac,
            crystal.targets,
            ragged,
            " ".join(crystal.remarks),
        )


class _Limit:
    """Ends this process unless it is renewed every ``seconds`` (give or take a tenth), whatever code it is in.

    The watch is a thread of C: a library that never comes back from its own code keeps Python's from running.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds, self._begun = seconds, -math.inf

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        faulthandler.cancel_dump_traceback_later()

    def renew(self) -> None:
        """Begin anew; a thread is not started for every crystal."""
        now = time.monotonic()
        if self._seconds and now - self._begun > 0.1 * self._seconds:
            faulthandler.dump_traceback_later(self._seconds, exit=True, file=2)
            self._begun = now


def _shard(settings: FeaturizeSettings, part: Part[Entry]) -> tuple[Path, Provenance]:
    """Where the shard of ``part`` belongs, and what it is made from."""
    provenance = Provenance(
        settings.descriptor,
        settings.grid_name,
        settings.fixed(),
        __version__,
        entries_digest(part.items),
        part.items[0].index,
        len(part.items),
    )
    return settings.out / shard_name(part.number), provenance


def found(settings: FeaturizeSettings, part: Part[Entry]) -> ShardResult | None:
    """The shard of ``part``, where an earlier run has made it and it is whole."""
    return _found(part, *_shard(settings, part))


def _found(part: Part[Entry], path: Path, provenance: Provenance) -> ShardResult | None:
    line = None if part.fatal or part.trial else existing(path, provenance)
    return None if line is None else ShardResult(line, True)


def existing(path: Path, provenance: Provenance) -> ShardLine | None:
    """The line of the shard at ``path``, where it has this provenance and every byte is whole."""
    if not path.exists():
        return None
    try:
        with ShardFile(path) as shard:
            stored, line = shard.attributes, shard.line
    except ShardError:
        return None
    same = all(stored.get(name) == value for name, value in provenance.attributes().items())
    return line if same and not verify_shard(path, line) else None
