"""What one actor does: the entries of one shard from text to a file on disk."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xxhash

from hpcvox import __version__
from hpcvox.crystals.cells import conventional, is_cubic
from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal, Entry
from hpcvox.descriptors.density import Voxels, voxelize
from hpcvox.errors import Rejected, ShardError
from hpcvox.featurize.settings import FeaturizeSettings
from hpcvox.shards.half import to_half
from hpcvox.shards.layout import density_arrays, shard_name
from hpcvox.shards.shard_file import ShardFile
from hpcvox.shards.verify import verify_shard
from hpcvox.shards.writer import Provenance, ShardBuffer, ShardLine

DESCRIPTOR = "density"
ORTHOGONAL_RTOL = 1e-3


class ShardTask(NamedTuple):
    """The entries of one shard.

    ``fatal`` maps entries that killed their process to the message of their rejection.
    A ``trial`` is worked on and not written: it tells whether its entries kill the process.
    """

    number: int
    entries: Sequence[Entry]
    fatal: dict[int, str]
    trial: bool = False


class ShardResult(NamedTuple):
    """A finished shard; ``kept`` where an earlier run had made it already."""

    line: ShardLine | None
    kept: bool


class ShardWorker:
    """Turns shard tasks into shards of ``settings.out``.  A pure function of settings and entries."""

    def __init__(self, settings: FeaturizeSettings) -> None:
        self.settings = settings
        n = settings.voxels
        self._buffer = ShardBuffer(density_arrays(n, settings.dtype), settings.entries_per_shard)
        self._density = np.empty((n, n, n), np.float32)

    def __call__(self, task: ShardTask) -> ShardResult:
        """Make the shard of ``task``, or find that it is there and whole.

        Raises:
            ShardError: it cannot be written.
        """
        path = self.settings.out / shard_name(task.number)
        provenance = Provenance(
            DESCRIPTOR,
            self.settings.grid,
            self.settings.fixed(),
            __version__,
            entries_digest(task.entries),
            task.entries[0].index,
            len(task.entries),
        )
        if not task.fatal and not task.trial:
            line = existing(path, provenance)
            if line is not None:
                return ShardResult(line, True)
        self._buffer.clear()
        for entry in task.entries:
            self._add(entry, task.fatal.get(entry.index))
        if task.trial:
            return ShardResult(None, False)
        return ShardResult(self._buffer.write(path, provenance), False)

    def _add(self, entry: Entry, fatal: str | None) -> None:
        """Bring one entry to its end: samples or rejects, at least one of them."""
        if fatal is not None:
            self._buffer.reject(entry.index, entry.id, entry.origin, "worker-died", fatal)
            return
        results = parse(entry)
        for result in results:
            if isinstance(result, Crystal):
                try:
                    self._voxelize(entry.index, result)
                except Rejected as reason:
                    self._buffer.reject(entry.index, result.id, result.origin, reason.code, str(reason))
            else:
                self._buffer.reject(entry.index, *result)
        if not results:
            self._buffer.reject(entry.index, entry.id, entry.origin, "no-structure", "there are no crystals")

    def _voxelize(self, index: int, crystal: Crystal) -> None:
        settings = self.settings
        if _simple_cube(crystal.lattice):
            lengths = crystal.lattice.diagonal().copy()
        else:
            crystal = self._standardized(crystal)
            lengths = np.linalg.norm(crystal.lattice, axis=1)
        if crystal.n_sites > settings.max_sites:
            raise Rejected(
                "too-many-sites", f"{crystal.n_sites} sites in the cell, max_sites={settings.max_sites}"
            )
        slot = self._buffer.slot()
        half = slot["density"].dtype == np.float16
        density = self._density if half else slot["density"]
        out = Voxels(density, slot["species"])
        voxelize(lengths, crystal.frac, crystal.numbers, settings.grid, settings.voxels, out)
        if half:
            to_half(density, slot["density"])
        slot["mask"].reshape(-1)[:] = np.packbits(slot["species"].reshape(-1))
        slot["cell"][:] = crystal.lattice
        self._buffer.commit(
            index,
            crystal.id,
            crystal.formula,
            crystal.origin,
            crystal.numbers,
            crystal.frac,
            crystal.targets,
        )

    def _standardized(self, crystal: Crystal) -> Crystal:
        """The crystal in a cell that the grid can hold."""
        if self.settings.cell == "conventional":
            crystal = conventional(crystal)
        if is_cubic(crystal.lattice):
            return crystal
        lengths = np.linalg.norm(crystal.lattice, axis=1)
        shape = " × ".join(f"{length:.4g}" for length in lengths)
        if self.settings.cubic_only:
            raise Rejected("not-cubic", f"the {self.settings.cell} cell of {shape} Å is not cubic")
        unit = crystal.lattice / lengths[:, None]
        if np.abs(unit @ unit.T - np.eye(3)).max() > ORTHOGONAL_RTOL:
            raise Rejected("not-orthogonal", f"the {self.settings.cell} cell of {shape} Å is oblique")
        return crystal


def _simple_cube(lattice: Any) -> bool:
    """Whether the cell is diagonal with three equal lengths: nearly all cubic CIFs, and quick to see."""
    (a, d, e), (f, b, g), (h, i, c) = lattice.tolist()
    return bool(0.0 < a == b == c and d == e == f == g == h == i == 0.0)


def entries_digest(entries: Sequence[Entry]) -> str:
    """XXH3-128 (hex) of all that the entries hold."""
    state = xxhash.xxh3_128()
    for entry in entries:
        head = repr((entry.index, entry.id, entry.origin, len(entry.text), entry.targets, entry.fault))
        state.update(head.encode(errors="backslashreplace"))
        if entry.format != "cif":  # shards of CIFs that were made before there were formats stay whole
            state.update(entry.format.encode())
        state.update(entry.text)
    return state.hexdigest()


def existing(path: Path, provenance: Provenance) -> ShardLine | None:
    """The line of the shard at ``path``, where it has this provenance and every byte is whole."""
    if not path.exists():
        return None
    try:
        with ShardFile(path) as shard:
            stored = shard.attributes
            rejects = len(shard.table("rejects/entry"))
            line = ShardLine(
                path.name,
                shard.n_samples,
                rejects,
                provenance.first_entry,
                provenance.n_entries,
                path.stat().st_size,
                str(stored.get("digest")),
            )
    except ShardError:
        return None
    same = all(stored.get(name) == value for name, value in provenance.attributes().items())
    return line if same and not verify_shard(path, line) else None
