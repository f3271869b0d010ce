"""Writes one shard: collects its samples in memory, then writes them to disk atomically."""

import contextlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import xxhash
from numpy.typing import NDArray

from hpcvox.errors import ShardError
from hpcvox.files import durable
from hpcvox.shards.digest import content_digest
from hpcvox.shards.layout import FORMAT, REJECT_COLUMNS, SAMPLE, VERSION, ArraySpec, encode_name
from hpcvox.shards.manifest import ShardLine
from hpcvox.shards.writing.datasets import (
    FILE,
    LARGE,
    Dataset,
    create_dataset,
    encode_text,
    text_column,
    write_attribute,
)
from hpcvox.shards.writing.direct import aligned_zeros, write_arrays
from hpcvox.shards.writing.file_sink import FileSink

TEXTS = {
    "id": "identifier",
    "formula": "reduced formula",
    "origin": "file, row or archive member that it came from",
    "remark": "codes of what its file and its atoms disagree in, separated by spaces; empty: nothing",
}


class Provenance(NamedTuple):
    """What a shard was made from; equal provenance means equal bytes."""

    descriptor: str
    grid: str
    settings: Mapping[str, Any]
    code_version: str
    entries_digest: str
    first_entry: int
    n_entries: int

    def attributes(self) -> dict[str, str | int]:
        """The root attributes of such a shard."""
        return self._asdict() | {"settings": json.dumps(self.settings, sort_keys=True)}


class StagedShard(NamedTuple):
    """A shard in a temporary file that still lacks its large arrays; made by :meth:`ShardBuffer.stage`."""

    path: Path
    large: list[tuple[int, NDArray[Any]]]
    """The large arrays (C-contiguous), each with its offset in the file in bytes."""
    line: ShardLine

    def finish(self) -> ShardLine:
        """Write the large arrays, sync the file and rename it; return its line of the manifest.

        Raises:
            ShardError: the file cannot be written.
        """
        with _refusals(self.path), durable.renamed(durable.part_of(self.path), self.path) as part:
            write_arrays(part, self.large)
        return self.line


class _Sample(NamedTuple):
    """The values of a sample besides its arrays."""

    entry: int
    id: str
    formula: str
    origin: str
    numbers: NDArray[np.uint8]
    frac: NDArray[np.float64]
    targets: Mapping[str, float]
    remark: str


class ShardBuffer:
    """Collects the samples and rejects of one shard, in arrays that are used again for the next shard.

    For each sample, fill the arrays of :meth:`slot`, then call :meth:`commit`.  A slot that is not committed is used
    again.  Ragged arrays are not in the slot; pass them to :meth:`commit`.
    """

    def __init__(self, arrays: Sequence[ArraySpec], capacity: int) -> None:
        self.arrays = tuple(arrays)
        self._ragged_specs = [a for a in self.arrays if a.rows != SAMPLE]
        self._data: dict[str, NDArray[Any]] = {}
        self._slots: list[dict[str, NDArray[Any]]] = []
        self._grow(max(capacity, 1))
        self.clear()

    def _grow(self, capacity: int) -> None:
        """Make room for ``capacity`` samples, and keep those that are there."""
        for spec in self.arrays:
            if spec.rows == SAMPLE:
                data = aligned_zeros((capacity, *spec.shape), spec.dtype)
                data[: len(self._slots)] = self._data.get(spec.name, data[:0])
                self._data[spec.name] = data
        self._slots = [{name: data[i] for name, data in self._data.items()} for i in range(capacity)]

    def clear(self) -> None:
        """Remove all samples and rejects, to begin the next shard."""
        self._samples: list[_Sample] = []
        self._checksums: list[bytes] = []
        self._ragged: dict[str, list[NDArray[Any]]] = {a.name: [] for a in self._ragged_specs}
        self._counts: dict[str, list[int]] = {
            rows: [] for rows in ("site", *(a.rows for a in self._ragged_specs))
        }
        self._reject_entries: list[int] = []
        self._rejects: dict[str, list[bytes]] = {column: [] for column in REJECT_COLUMNS}

    @property
    def n_samples(self) -> int:
        """Samples committed so far."""
        return len(self._samples)

    @property
    def n_rejects(self) -> int:
        """Rejects recorded so far."""
        return len(self._reject_entries)

    def slot(self) -> dict[str, NDArray[Any]]:
        """The arrays of fixed shape of the next sample, by name; the caller fills them in place."""
        if self.n_samples == len(self._slots):
            self._grow(2 * self.n_samples)
        return self._slots[self.n_samples]

    def commit(
        self,
        entry: int,
        id: str,
        formula: str,
        origin: str,
        numbers: NDArray[np.uint8],
        frac: NDArray[np.float64],
        targets: Mapping[str, float],
        ragged: Mapping[str, NDArray[Any]] | None = None,
        remark: str = "",
    ) -> None:
        """Add the sample in the slot, with the arrays of ``ragged``; it belongs to entry number ``entry``.

        Args:
            entry: number of the entry in the source.
            id: id of the crystal.
            formula: its reduced formula.
            origin: file, row or archive member that it came from.
            numbers: atomic numbers, (k,).
            frac: fractional coordinates, (k, 3).
            targets: finite values by name.
            ragged: ragged arrays by name.
            remark: codes of remarks, separated by spaces.
        """
        arrays: Mapping[str, NDArray[Any]] = self.slot()
        self._counts["site"].append(len(numbers))
        if self._ragged_specs:
            arrays = {**arrays, **self._keep_ragged(ragged or {}, len(numbers))}
        checksum = xxhash.xxh3_128()  # now, while the sample is in the processor's cache
        for spec in self.arrays:
            checksum.update(arrays[spec.name].data)
        self._checksums.append(checksum.digest())
        self._samples.append(_Sample(entry, id, formula, origin, numbers, frac, targets, remark))

    def _keep_ragged(self, given: Mapping[str, NDArray[Any]], sites: int) -> dict[str, NDArray[Any]]:
        counts = {"site": sites}
        arrays = {}
        for spec in self._ragged_specs:
            array = np.ascontiguousarray(given[spec.name], spec.dtype)
            if array.shape != (counts.setdefault(spec.rows, len(array)), *spec.shape):
                raise ValueError(
                    f"{spec.name} has shape {array.shape}, not {(counts[spec.rows], *spec.shape)}"
                )
            arrays[spec.name] = array
        for name, array in arrays.items():
            self._ragged[name].append(array)
        del counts["site"]
        for rows, count in counts.items():
            self._counts[rows].append(count)
        return arrays

    def reject(self, entry: int, id: str, origin: str, code: str, message: str) -> None:
        """Record that entry number ``entry`` of the source cannot be used, with the reason."""
        self._reject_entries.append(entry)
        for name, text in zip(REJECT_COLUMNS, (id, origin, code, message), strict=True):
            self._rejects[name].append(encode_text(text))

    def write(self, path: Path, provenance: Provenance) -> ShardLine:
        """Write the shard to ``path``, sync it, and return its line of the manifest.

        Raises:
            ShardError: the file cannot be written (disk full, read-only), or an array has a value that is not finite.
        """
        return self.stage(path, provenance).finish()

    def stage(self, path: Path, provenance: Provenance) -> "StagedShard":
        """Write the shard, without its large arrays, to a temporary file beside ``path``.

        :meth:`StagedShard.finish` writes these arrays and only waits for the disk.  Do not use the buffer before that.

        Raises:
            ShardError: the file cannot be written (disk full, read-only), or an array has a value that is not finite.
        """
        arrays = {array.name: self._whole(array) for array in self.arrays}
        self._check_finite(path, arrays)
        datasets = {d.name: d for d in (*self._array_datasets(arrays), *self._table_datasets())}
        attributes = self._attributes(provenance)
        tables = {d.name: d.data for d in datasets.values() if d.name not in arrays}
        digest = content_digest(attributes, tables)
        part = durable.part_of(path)
        large = []
        with _refusals(path):
            try:
                with FileSink(durable.fresh(part)) as sink:
                    with h5py.File(sink, "w", **FILE) as file:
                        for group in ("targets", "rejects"):
                            file.create_group(group)
                        for dataset in datasets.values():
                            created = create_dataset(file, dataset)
                            if dataset.data.nbytes >= LARGE:
                                large.append((created.get_offset(), dataset.data))
                            elif dataset.data.size:
                                created.write(h5py.h5s.ALL, h5py.h5s.ALL, np.ascontiguousarray(dataset.data))
                        for name, value in (attributes | {"digest": digest}).items():
                            write_attribute(file.id, name, value)
                    size = sink.seek(0, os.SEEK_END)
            except BaseException:
                part.unlink(missing_ok=True)
                raise
        line = ShardLine(
            path.name,
            self.n_samples,
            self.n_rejects,
            provenance.first_entry,
            provenance.n_entries,
            size,
            digest,
        )
        return StagedShard(path, large, line)

    def _sample(self, spec: ArraySpec, i: int) -> NDArray[Any]:
        """The array ``spec`` of sample ``i``."""
        sample: NDArray[Any] = (self._data if spec.rows == SAMPLE else self._ragged)[spec.name][i]
        return sample

    def _whole(self, spec: ArraySpec) -> NDArray[Any]:
        """The array ``spec`` of all samples, joined."""
        if spec.rows == SAMPLE:
            return self._data[spec.name][: self.n_samples]
        return np.concatenate([np.zeros((0, *spec.shape), spec.dtype), *self._ragged[spec.name]])

    def _check_finite(self, path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
        for array in self.arrays:
            data = arrays[array.name]
            if data.dtype.kind == "f" and not _all_finite(data):
                bad = [i for i in range(self.n_samples) if not np.isfinite(self._sample(array, i)).all()]
                raise ShardError(
                    f"{path}: {array.name} of sample {self._samples[bad[0]].id} is not finite "
                    f"in {array.dtype}: use dtype=float32"
                )

    def _array_datasets(self, arrays: Mapping[str, NDArray[Any]]) -> Iterator[Dataset]:
        checksums = np.frombuffer(b"".join(self._checksums), np.uint8).reshape(-1, 16)
        for array in self.arrays:
            axes = (array.rows, *array.axes)
            yield Dataset(array.name, arrays[array.name], array.unit, axes, array.about)
        yield Dataset("checksum", checksums, "1", ("sample", "byte"), "XXH3-128 of the sample's arrays")

    def _table_datasets(self) -> Iterator[Dataset]:
        samples = self._samples
        entries = np.array([sample.entry for sample in samples], np.int64)
        yield Dataset("entry", entries, "1", ("sample",), "position of the sample's entry in the source")
        for name, about in TEXTS.items():
            texts = [encode_text(getattr(sample, name)) for sample in samples]
            yield Dataset(name, text_column(texts), "", ("sample",), about)
        for rows, counts in sorted(self._counts.items()):
            offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
            about = f"first {rows} of each sample, and the end"
            yield Dataset(f"{rows}_offset", offsets, "1", ("sample",), about)
        numbers = np.concatenate([np.zeros(0, np.uint8), *(sample.numbers for sample in samples)])
        frac = np.concatenate([np.zeros((0, 3)), *(sample.frac for sample in samples)])
        yield Dataset("site_number", numbers, "1", ("site",), "atomic number")
        yield Dataset("site_frac", frac, "1", ("site", "abc"), "fractional coordinates")
        for name in sorted({name for sample in samples for name in sample.targets}):
            values = np.array([sample.targets.get(name, np.nan) for sample in samples])
            yield Dataset(f"targets/{encode_name(name)}", values, "", ("sample",), name)
        rejected = np.array(self._reject_entries, np.int64)
        yield Dataset("rejects/entry", rejected, "1", ("reject",), "position of the entry in the source")
        for column in REJECT_COLUMNS:
            yield Dataset(f"rejects/{column}", text_column(self._rejects[column]), "", ("reject",), column)

    def _attributes(self, provenance: Provenance) -> dict[str, str | int]:
        return {
            "format": FORMAT,
            "version": VERSION,
            "arrays": ",".join(array.name for array in self.arrays),
            **provenance.attributes(),
        }


def _all_finite(data: NDArray[Any]) -> bool:
    """Whether every value is finite; tests the exponent bits, since NumPy's ``isfinite`` is slow for float16."""
    if data.dtype == np.float16:
        return bool(data.size == 0 or data.view(np.int16).max() < 0x7C00)
    return bool(np.isfinite(data).all())


@contextlib.contextmanager
def _refusals(path: Path) -> Iterator[None]:
    """A context that turns an error of the disk into a :class:`ShardError` that says what to do."""
    try:
        yield
    except OSError as error:
        raise ShardError(
            f"cannot write {path}: {error}. Free space there or choose another folder (out=...), "
            "then run the same command again: it goes on where it was"
        ) from error
