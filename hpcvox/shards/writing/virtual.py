"""``set.h5``: a whole shard set as one HDF5 file beside the manifest, for users who have only h5py.

Each sample array is one virtual dataset over all samples.  It holds no data, only the place of each shard's part, with
file names relative to its folder, so that the folder can be moved.  Each table with one row per sample (``id``,
``formula``, ``entry``, ``targets/…``) is a copy.  A virtual dataset would not do for tables: HDF5 keeps every file open
that it has read, and beyond the limit of open files it returns fill values without an error.  Reading a whole table
would reach that limit at about the thousandth shard.  Fill values of the arrays are values that no sample has: NaN, and
the largest number of an integer type.  Ragged arrays are only in the shards.

Version 2 also says what a training asks of a whole set: the attribute ``largest_cosine``, of the angles of all cells,
and ``missing`` of each target, the number of samples without a value.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from hpcvox.angles import largest_cosine
from hpcvox.errors import ShardError
from hpcvox.files import durable
from hpcvox.shards.contained import UNREADABLE, members, names, own, whole
from hpcvox.shards.digest import ContentDigest, attributes_of, stored_digest
from hpcvox.shards.layout import CELL, MISSING, SET, SET_FORMAT, SPLITS, WIDEST
from hpcvox.shards.manifest import ShardLine, shards_digest
from hpcvox.shards.reading.shard_file import ShardFile
from hpcvox.shards.writing.file_sink import FileSink
from hpcvox.shards.writing.spool import Spool

VERSION = 2

_SHARED = ("descriptor", "grid", "arrays", "settings", "code_version")
_LABELS = ("unit", "axes", "about")


def write_set_file(folder: Path, lines: Sequence[ShardLine]) -> None:
    """Write ``set.h5`` for the shards ``lines`` of ``folder`` atomically; equal shards give equal bytes.

    Raises:
        ShardError: a shard is missing or does not fit its line, or the file cannot be written.
    """
    if not lines:
        (folder / SET).unlink(missing_ok=True)
        return
    for split in folder.glob(SPLITS):  # of the shards that were here before
        split.unlink(missing_ok=True)
    path = folder / SET
    try:
        with contextlib.ExitStack() as spools:
            survey = _Survey(folder, lines, spools)
            with durable.written_aside(path) as part, FileSink(part) as sink:
                # virtual datasets came with HDF5 1.10; nothing newer is used, so that older libraries read it
                with h5py.File(sink, "w", libver=("earliest", "v110")) as file:
                    survey.write(file)
                sink.seek(0, os.SEEK_END)
    except OSError as error:
        raise ShardError(
            f"cannot write {path}: {error}. Free space there, then run the same command again"
        ) from error


def fault(folder: Path, lines: Sequence[ShardLine]) -> str | None:
    """What is wrong with ``set.h5`` of the shard set in ``folder``; None if it is undamaged or does not exist."""
    path = folder / SET
    if not path.exists():
        return None
    if not path.is_file():
        return "it is no regular file"
    try:
        with h5py.File(path, "r", locking=False) as file:
            attributes = attributes_of(file)
            if attributes["shards_digest"] != shards_digest(lines):
                return "it is of other shards than the manifest names"
            if stored_digest(file, attributes) != attributes["digest"]:
                return "its tables or attributes do not match its digest"
            return next(_led_astray(file, attributes["arrays"].split(","), lines), None)
    except UNREADABLE as error:
        return f"it cannot be read ({error})"


def _led_astray(file: h5py.File, arrays: Sequence[str], lines: Sequence[ShardLine]) -> Iterator[str]:
    """Sentences about virtual datasets that do not lead to the shards in their order."""
    filled = [line for line in lines if line.samples]
    ends = np.cumsum([line.samples for line in filled]).tolist()
    parts = [(line.file, end - line.samples, end - 1) for line, end in zip(filled, ends, strict=True)]
    for name in set(arrays) & set(names(file)):
        made = h5py.h5d.open(file.id, name.encode()).get_create_plist()
        if made.get_layout() != h5py.h5d.VIRTUAL:
            yield f"{name} is not made of the shards"
            continue
        found = []
        for i in range(made.get_virtual_count()):
            first, last = made.get_virtual_vspace(i).get_select_bounds()
            found.append((made.get_virtual_filename(i), int(first[0]), int(last[0])))
            if made.get_virtual_dsetname(i) != name:
                yield f"{name} leads to {made.get_virtual_dsetname(i)}"
        if found != parts:
            yield f"{name} leads elsewhere than to the shards in their order"


def _unreadable(path: Path, error: Exception) -> ShardError:
    return ShardError(
        f"{path} cannot be read ({error}): run the same command again, which makes this shard alone"
    )


class _Survey:
    """Collects from all shards the shapes of arrays, the tables, and the attributes of both.

    The parts of the tables wait in files without a name in the folder: in memory are only those of one shard.
    """

    def __init__(self, folder: Path, lines: Sequence[ShardLine], spools: contextlib.ExitStack) -> None:
        self.lines = lines
        self.shared: dict[str, Any] = {}
        self.arrays: dict[str, tuple[tuple[int, ...], np.dtype[Any]]] = {}
        self.labels: dict[str, dict[str, str]] = {}
        self._largest_cosine = 0.0
        self._tables: list[str] = []
        self._parts: dict[str, Spool] = {}
        self._folder, self._spools = folder, spools
        for index, line in enumerate(lines):
            path = folder / line.file
            if not index:
                with ShardFile(path) as shard:
                    try:
                        self._learn(shard)
                    except UNREADABLE as error:
                        raise _unreadable(path, error) from error
            try:
                # not by ShardFile, which checks every array of every shard: three times the work of all this
                with h5py.File(path, "r", locking=False) as file:
                    self._add(index, line, file)
            except UNREADABLE as error:
                raise _unreadable(path, error) from error

    def _add(self, index: int, line: ShardLine, file: h5py.File) -> None:
        if _text(file.attrs["digest"]) != line.digest:
            raise ShardError(
                f"{file.filename} is not the shard that was just made: another program writes in this folder; "
                "end it and run the same command again"
            )
        if CELL.name in self.arrays:
            self._largest_cosine = max(self._largest_cosine, largest_cosine(whole(file, CELL.name)))
        for name in (*self._tables, *(f"targets/{name}" for name in members(file, "targets"))):
            table = whole(file, name)
            if name not in self._parts:
                self._parts[name] = self._spools.enter_context(Spool(self._folder))
            self._parts[name].add(index, table)
            if name not in self.labels:
                self._label(name, file[name])
            if len(table) != line.samples:
                raise ValueError(f"{name} has {len(table)} rows, the shard {line.samples} samples")

    def _learn(self, shard: ShardFile) -> None:
        """Read from one shard what all shards of a set have in common; only targets may differ."""
        self.shared = {name: shard.attributes[name] for name in _SHARED}
        fixed = {name: place for name, place in shard.arrays.items() if place.starts is None}
        self.arrays = {name: (place.shape, place.dtype) for name, place in fixed.items()}
        for name in names(shard.file):
            if "/" not in name:
                item = h5py.Dataset(own(shard.file, name))
                self._label(name, item)
                of_samples = self.labels[name]["axes"].split(",")[0] == "sample"
                # offsets into the sites have one row more than there are samples
                if of_samples and len(item) == shard.n_samples and name not in self.arrays:
                    self._tables.append(name)

    def _label(self, name: str, dataset: h5py.Dataset) -> None:
        self.labels[name] = {key: _text(dataset.attrs[key]) for key in _LABELS}

    def write(self, file: h5py.File) -> None:
        """Write everything to an empty file."""
        file.create_group("targets", track_order=False)
        for name, (shape, dtype) in self.arrays.items():
            _label(_virtual_dataset(file, name, self.lines, shape, dtype), self.labels[name])
        attributes = {
            "format": SET_FORMAT,
            "version": VERSION,
            **self.shared,
            "n_samples": sum(line.samples for line in self.lines),
            "shards_digest": shards_digest(self.lines),
        }
        if CELL.name in self.arrays:
            attributes[WIDEST] = self._largest_cosine
        digest = ContentDigest(attributes)
        counts = [line.samples for line in self.lines]
        for name, spool in sorted(self._parts.items()):
            kind = spool.kind(counts)
            shape = (sum(counts), *spool.tail)
            digest.begin(name, kind, shape)
            stored = h5py.string_dtype("utf-8", kind.itemsize) if kind.kind == "S" else kind
            dataset = file.create_dataset(name, shape, stored, track_times=False)
            start = missing = 0
            for part in spool.parts(counts, kind):
                if len(part):
                    dataset[start : start + len(part)] = part.astype(stored, copy=False)
                digest.add(part)
                start += len(part)
                if name.startswith("targets/"):
                    missing += int(np.isnan(part).sum())
            _label(dataset, self.labels[name])
            if name.startswith("targets/"):
                _label(dataset, {MISSING: missing})
        _label(file, attributes | {"digest": digest.hex()})


def _virtual_dataset(
    file: h5py.File,
    name: str,
    lines: Sequence[ShardLine],
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
) -> h5py.Dataset:
    """Create a virtual dataset for the array ``name`` of all shards (h5py's own function would store the time)."""
    total = sum(line.samples for line in lines)
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_obj_track_times(False)
    plist.set_fill_value(np.array(np.nan if dtype.kind == "f" else np.iinfo(dtype).max, dtype))
    space = h5py.h5s.create_simple((total, *shape))
    start = 0
    for line in lines:
        if line.samples:
            count = (line.samples, *shape)
            space.select_hyperslab((start, *[0] * len(shape)), count)
            plist.set_virtual(space, line.file.encode(), name.encode(), h5py.h5s.create_simple(count))
            start += line.samples
    space.select_all()
    created = h5py.h5d.create(file.id, name.encode(), h5py.h5t.py_create(dtype, logical=True), space, plist)
    return h5py.Dataset(created)


def _label(owner: Any, attributes: dict[str, Any]) -> None:
    """Write scalar attributes, with text of fixed length as in the shards."""
    for name, value in attributes.items():
        if isinstance(value, str):
            data = value.encode()
            owner.attrs.create(name, data, dtype=h5py.string_dtype("utf-8", len(data) or 1))
        else:
            owner.attrs.create(name, value, dtype=np.float64 if isinstance(value, float) else np.int64)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
