"""The work of one actor: it reads the entries of one shard and writes the shard to disk."""

import faulthandler
import math
import queue
import threading
import time
from pathlib import Path
from typing import Final, NamedTuple, Self

from numba.core import event

from hpcvox import __version__
from hpcvox.actors.campaign import Part
from hpcvox.crystals.formats.cif.agreement import REMARKS
from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal, Entry, Reject
from hpcvox.crystals.sources.digest import entries_digest
from hpcvox.errors import Rejected, ShardError
from hpcvox.featurize.made import Made, key_of
from hpcvox.featurize.sampler import described, sampler
from hpcvox.featurize.settings import FeaturizeSettings
from hpcvox.shards.layout import shard_name
from hpcvox.shards.manifest import ShardLine
from hpcvox.shards.reading.shard_file import ShardFile
from hpcvox.shards.verify import verify_shard
from hpcvox.shards.writing.buffer import Provenance, ShardBuffer

_COMPILING: Final = "numba:compiler_lock"
"""What Numba calls the event that lasts while it compiles, loads or saves compiled code, or waits to do so."""

THREADS = 2
"""Threads that call a worker at the same time: one computes a shard while the other writes the one before."""


class ShardResult(NamedTuple):
    """The manifest line of a finished shard (None after a trial); ``kept``: an earlier run had made the shard; ``key``:
    what it was made from (:func:`hpcvox.featurize.made.key_of`).
    """

    line: ShardLine | None
    kept: bool
    key: str = ""


class ShardWorker:
    """Turns parts of the source into shards of ``settings.out``; the bytes depend only on settings and entries.

    :data:`THREADS` threads call it.  It computes for one thread while it writes to disk for the other.
    """

    def __init__(self, settings: FeaturizeSettings) -> None:
        self.settings = settings
        self._sampler = sampler(settings)
        self._made = Made(settings.out)
        self._computing = threading.Lock()
        self._free: queue.SimpleQueue[ShardBuffer] = queue.SimpleQueue()
        for _ in range(THREADS):
            self._free.put(ShardBuffer(self._sampler.arrays, settings.entries_per_shard))

    def __call__(self, part: Part[Entry]) -> ShardResult:
        """Make the shard of ``part``, unless an earlier run has made it and it is undamaged.

        Raises:
            ShardError: the shard cannot be written.
        """
        path, provenance = _shard(self.settings, part)
        key = key_of(provenance)
        for_good = not part.fatal and not part.trial
        if for_good and (line := self._made.find(path.name, key) or existing(path, provenance)) is not None:
            return ShardResult(line, True, key)
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
            return ShardResult(staged.finish(), False, key)
        finally:
            self._free.put(buffer)

    def _add(self, buffer: ShardBuffer, entry: Entry, fatal: str | None) -> None:
        """Add the samples and rejects of one entry to ``buffer``; every entry gives at least one.

        Args:
            fatal: how the entry has killed earlier processes, if it has; it is then rejected and not read.
        """
        if fatal is not None:
            limit = self.settings.limit_s
            why = f" (killed, out of memory, or longer than limit_s={limit:g} seconds)" if limit else ""
            fatal += why
        for number, result in enumerate(parse(entry, fatal)):
            if isinstance(result, Crystal):
                try:
                    self._sample(buffer, result, (entry.index, number))
                except Rejected as reason:
                    buffer.reject(entry.index, *Reject.of(result, reason))
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


class _Limit(event.Listener):
    """Ends this process if :meth:`renew` is not called for ``seconds`` (to within a tenth), whatever code is running.

    A thread in C watches the time, because Python threads cannot run while a library hangs in its own code.

    The time in which Numba compiles, or loads what it has compiled, does not count.  On a busy machine the first
    crystal of a process would take too long by it, and so would every other one, as nothing would ever be compiled.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds, self._begun, self._compiling = seconds, -math.inf, 0

    def __enter__(self) -> Self:
        event.register(_COMPILING, self)  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *_: object) -> None:
        event.unregister(_COMPILING, self)  # type: ignore[no-untyped-call]
        faulthandler.cancel_dump_traceback_later()

    def on_start(self, _: object) -> None:
        """Stop the time; Numba calls this, also for what it compiles while it compiles something else."""
        self._compiling += 1
        faulthandler.cancel_dump_traceback_later()

    def on_end(self, _: object) -> None:
        """Start the time again when nothing is left to compile."""
        self._compiling = max(
            0, self._compiling - 1
        )  # another thread may have begun before this limit was there
        if not self._compiling:
            self._begun = -math.inf
            self.renew()

    def renew(self) -> None:
        """Start the time again; at most every tenth of it, so that not every crystal starts a thread."""
        now = time.monotonic()
        if self._seconds and now - self._begun > 0.1 * self._seconds:
            faulthandler.dump_traceback_later(self._seconds, exit=True, file=2)
            self._begun = now


def _shard(settings: FeaturizeSettings, part: Part[Entry]) -> tuple[Path, Provenance]:
    """The path of the shard of ``part``, and what the shard is made from."""
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


def found(settings: FeaturizeSettings, made: Made, part: Part[Entry]) -> ShardResult | None:
    """The shard of ``part`` if an earlier run has made it and it is undamaged; else None.

    If that run has left notes, only these are asked, without reading the shard; the actors look at what differs.
    """
    path, provenance = _shard(settings, part)
    key = key_of(provenance)
    line = made.find(path.name, key) if made else existing(path, provenance)
    return None if line is None or part.fatal or part.trial else ShardResult(line, True, key)


def existing(path: Path, provenance: Provenance) -> ShardLine | None:
    """The manifest line of the shard at ``path``; None if it is missing, damaged or of another provenance."""
    if not path.exists():
        return None
    try:
        with ShardFile(path) as shard:
            stored, line = shard.attributes, shard.line
    except ShardError:
        return None
    same = all(stored.get(name) == value for name, value in provenance.attributes().items())
    return line if same and not verify_shard(path, line) else None
