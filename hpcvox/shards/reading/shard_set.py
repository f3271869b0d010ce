"""Reads samples of a shard set in any order, at the speed of the file system."""

import contextlib
import os
import threading
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpcvox.angles import largest_cosine
from hpcvox.errors import ShardError, did_you_mean
from hpcvox.shards.layout import encode_name
from hpcvox.shards.manifest import Manifest
from hpcvox.shards.reading.index import Index
from hpcvox.shards.reading.shard_file import ArrayPlace, ShardFile, open_named, read_at

OPEN_FILES = 512
"""Most shards that a process keeps open (the usual limit is 1,024 files); others are opened for each read."""

FEW_ROWS = 2**17
"""So many samples are read, one after the other, before Numba reads a batch at once: loading that takes 0.8 s."""


class ShardSet:
    """A complete shard set.  Samples are numbered from 0 in the order of the source.

    Samples are read by ``preadv`` from where HDF5 has put them.  This needs no HDF5 library, lock or lock file, so many
    processes and threads can read one set, also on a network file system.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest
        self.n_samples = manifest.n_samples
        self.grid = manifest.grid
        counts = [line.samples for line in manifest.shards]
        self._starts = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]).astype(np.int64)
        self._opened: dict[int, _Opened] = {}
        self._descriptors = np.full(len(counts), -1, np.int32)  # file descriptors of open shards, else -1
        self._offsets: dict[str, NDArray[np.int64]] = {}  # offsets of each array in the open shards
        self._lock = threading.Lock()
        self._rows_read = 0  # about: several threads may count

    @classmethod
    def open(cls, folder: Path | str) -> "ShardSet":
        """Open the shard set in ``folder``.

        Raises:
            ShardError: there is no complete shard set there.
        """
        return cls(Path(folder), Manifest.load(Path(folder)))

    def __len__(self) -> int:
        return self.n_samples

    @cached_property
    def array_names(self) -> list[str]:
        """Names of the sample arrays."""
        return list(self._opened_shard(self._first).arrays)

    def array_shape(self, name: str) -> tuple[int, ...]:
        """Shape of one row of the array ``name``; that is one sample if the array is not ragged."""
        return self._place(name).shape

    def array_dtype(self, name: str) -> np.dtype[Any]:
        """Dtype of the array ``name`` on disk."""
        return self._place(name).dtype

    def array_axes(self, name: str) -> tuple[str, ...]:
        """What a row of the array ``name`` stands for (``sample``, ``site``, ...), followed by the axes of a row."""
        return self._place(name).axes

    def _place(self, name: str) -> ArrayPlace:
        arrays = self._opened_shard(self._first).arrays
        if name not in arrays:
            raise ShardError(
                f"{self.folder} holds the descriptor {self.manifest.descriptor}, which has no {name}: "
                f"it has {', '.join(arrays)}"
            )
        return arrays[name]

    @cached_property
    def ids(self) -> Sequence[str]:
        """Id of every sample."""
        return self._texts("id")

    @cached_property
    def formulas(self) -> Sequence[str]:
        """Reduced formula of every sample."""
        return self._texts("formula")

    @cached_property
    def origins(self) -> Sequence[str]:
        """File, row or archive member from which every sample came."""
        return self._texts("origin")

    @cached_property
    def remarks(self) -> Sequence[str]:
        """The remarks on every sample: codes separated by spaces, empty for most samples."""
        if not self.manifest.remarks_by_code:  # sets of older versions have no such table
            return [""] * len(self.ids)
        return self._texts("remark")

    @cached_property
    def cells(self) -> NDArray[np.float64]:
        """Cell vectors in Å, (N, 3, 3)."""
        parts = [np.zeros((0, 3, 3))]
        for index in self._filled:
            with self._shard_file(index) as shard:
                parts.append(shard.cells())
        return np.concatenate(parts)

    @cached_property
    def largest_cosine(self) -> float:
        """The largest |cos| of the angles of all cells.

        Raises:
            ShardError: a shard cannot be read, or has a cell that is not finite.
        """
        if self._index is not None and self._index.largest_cosine is not None:
            return self._index.largest_cosine
        largest = 0.0
        for index in self._filled:
            with self._shard_file(index) as shard:
                largest = max(largest, largest_cosine(shard.cells()))
        return largest

    @cached_property
    def target_names(self) -> list[str]:
        """Names of all targets that any sample has, sorted."""
        if self._index is not None:
            return self._index.target_names
        names: set[str] = set()
        for index in self._filled:
            with self._shard_file(index) as shard:
                names.update(shard.target_names)
        return sorted(names)

    def target(self, name: str) -> NDArray[np.float64]:
        """Values of a target, (N,) float64; NaN for samples without a value.

        Raises:
            ShardError: no sample has this target; the message lists the existing ones.
        """
        if name not in self.target_names:
            near = did_you_mean(name, self.target_names)
            raise ShardError(
                f"{self.folder} has no target {name!r}: {near}valid here: {', '.join(self.target_names) or 'none'}"
            )
        key = f"targets/{encode_name(name)}"
        if self._index is not None:
            values: NDArray[np.float64] = self._index.table(key)
            return values
        parts = []
        for index in self._filled:
            with self._shard_file(index) as shard:
                present = name in shard.target_names
                parts.append(shard.table(key) if present else np.full(shard.n_samples, np.nan))
        return np.concatenate([np.zeros(0), *parts])

    def has_whole(self, name: str) -> bool:
        """Whether the index says that every sample has a value of this target; if not, ask :meth:`target`."""
        key = f"targets/{encode_name(name)}"
        return self._index is not None and key in self._index and self._index.is_whole(key)

    def sites(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
        """Atomic numbers (k,) and fractional coordinates (k, 3) of sample ``index``.

        Raises:
            IndexError: ``index`` is not in [0, n_samples).
            ShardError: the shard is missing or damaged, or was rebuilt since the set was opened.
        """
        ((shard, sample),) = self._located(self._checked([index]))
        return self._opened_shard(shard).sites(sample)

    def read_array(
        self, name: str, indices: Sequence[int] | NDArray[np.integer], out: NDArray[Any] | None = None
    ) -> NDArray[Any]:
        """Read the array ``name`` (not a ragged one) of the samples ``indices``: (B, ...) in its dtype on disk.

        Raises:
            IndexError: an index is not in [0, n_samples).
            ShardError: a shard is missing, damaged, or was rebuilt since the set was opened.
        """
        wanted = self._checked(indices)
        place = self._place(name)
        if place.starts is not None:
            raise ValueError(f"{name} is ragged: read_ragged reads it")
        shape, dtype = place.shape, place.dtype
        if out is None:
            out = np.empty((len(wanted), *shape), dtype)
        elif out.shape != (len(wanted), *shape) or out.dtype != dtype or not out.flags.c_contiguous:
            raise ValueError(f"out for {name} must be C-contiguous {dtype} of shape {(len(wanted), *shape)}")
        if not wanted.size:
            return out
        rows = out.reshape(len(wanted), -1).view(np.uint8)
        read = self._gathered(name, wanted, rows)
        if not read.all():  # rows of shards that are not open yet, or cannot be read; this raises the reason
            missing = np.flatnonzero(~read)
            for row, (shard, sample) in zip(missing, self._located(wanted[missing]), strict=True):
                self._opened_shard(shard).read(name, sample, rows[row].data)
        return out

    def _gathered(self, name: str, wanted: NDArray[np.int64], rows: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Fill ``rows`` in one call; return which were filled, (B,) bool (none before Numba is used)."""
        self._rows_read += len(wanted)
        if self._rows_read < FEW_ROWS:
            return np.zeros(len(wanted), np.bool_)
        from hpcvox.shards.reading.gather import gather

        return gather(wanted, self._starts, self._descriptors, self._offsets[name], rows)

    def read_ragged(self, name: str, indices: Sequence[int] | NDArray[np.integer]) -> list[NDArray[Any]]:
        """Read the ragged array ``name`` of the samples ``indices``: for each (rows, ...) in its dtype on disk.

        Raises:
            IndexError: an index is not in [0, n_samples).
            ShardError: a shard is missing, damaged, or was rebuilt since the set was opened.
        """
        self._place(name)
        out = []
        for shard, sample in self._located(self._checked(indices)):
            opened = self._opened_shard(shard)
            place = opened.arrays[name]
            first, end = place.rows(sample)
            out.append(np.empty((end - first, *place.shape), place.dtype))
            opened.read(name, sample, out[-1].reshape(-1).view(np.uint8).data)
        return out

    def _checked(self, indices: Sequence[int] | NDArray[np.integer]) -> NDArray[np.int64]:
        wanted = np.asarray(indices, np.int64)
        if wanted.size and (wanted.min() < 0 or wanted.max() >= self.n_samples):
            raise IndexError(f"samples of {self.folder} are numbered 0 to {self.n_samples - 1}")
        return wanted

    def _located(self, wanted: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
        """The shard of each sample, and its place in the shard."""
        shards = np.searchsorted(self._starts, wanted, side="right") - 1
        return zip(shards.tolist(), (wanted - self._starts[shards]).tolist(), strict=True)

    @cached_property
    def _index(self) -> Index | None:
        return Index.open(self.folder, self.manifest)

    def _texts(self, name: str) -> Sequence[str]:
        if self._index is not None and name in self._index:
            return self._index.texts(name)
        texts: list[str] = []
        for index in self._filled:
            with self._shard_file(index) as shard:
                texts += shard.texts(name)
        return texts

    @cached_property
    def _filled(self) -> list[int]:
        """The shards that hold samples; all entries of the others were rejected."""
        return [i for i, line in enumerate(self.manifest.shards) if line.samples]

    @cached_property
    def _first(self) -> int:
        filled = self._filled
        if not filled:
            raise ShardError(
                f"{self.folder} holds no samples: every input was rejected, see {self.folder / 'rejects.csv'}"
            )
        return filled[0]

    def _shard_file(self, index: int) -> ShardFile:
        return open_named(self.folder, self.manifest.shards[index])

    def _opened_shard(self, index: int) -> "_Opened":
        opened = self._opened.get(index)
        if opened is not None:
            return opened
        with self._lock:
            if index not in self._opened:
                with self._shard_file(index) as shard:
                    self._check_alike(shard)
                    opened = _Opened(shard, keep=len(self._opened) < OPEN_FILES)
                for name, place in opened.arrays.items():
                    offsets = self._offsets.setdefault(name, np.zeros(len(self._descriptors), np.int64))
                    offsets[index] = place.offset
                if opened.descriptor is not None:  # set last, because other threads read as soon as it is set
                    self._descriptors[index] = opened.descriptor
                self._opened[index] = opened
            return self._opened[index]

    def _check_alike(self, shard: ShardFile) -> None:
        """Check that a shard has the same arrays as the first one, whose shapes and dtypes are used for all shards."""
        arrays = {name: place.row for name, place in shard.arrays.items()}
        pattern = next(iter(self._opened.values())).arrays if self._opened else shard.arrays
        expected = {name: place.row for name, place in pattern.items()}
        if arrays != expected:
            raise ShardError(
                f"{shard.path} has other arrays than the shards before it ({arrays}, not {expected}): "
                "run `hpcvox featurize` again, which makes it anew"
            )

    def __getstate__(self) -> dict[str, Any]:
        """A set that is sent to another process takes no file descriptors and no lock along."""
        return {"folder": self.folder, "manifest": self.manifest}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["folder"], state["manifest"])  # type: ignore[misc]


class _Opened:
    """The places of the samples of one shard, and its file descriptor if it is kept open."""

    def __init__(self, shard: ShardFile, keep: bool) -> None:
        self.path = shard.path
        self.arrays = shard.arrays
        self._sites = shard.site_places()
        self.descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC) if keep else None

    def read(self, name: str, sample: int, out: memoryview) -> None:
        """Fill ``out`` with the array ``name`` of ``sample``."""
        offset, _ = self.arrays[name].bytes(sample)
        with self._file() as descriptor:
            read_at(descriptor, out, offset, self.path)

    def sites(self, sample: int) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
        """Atomic numbers (k,) and fractional coordinates (k, 3) of ``sample``."""
        with self._file() as descriptor:
            return self._sites.read(descriptor, sample, self.path)

    @contextlib.contextmanager
    def _file(self) -> Iterator[int]:
        if self.descriptor is not None:
            yield self.descriptor
            return
        descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def __del__(self) -> None:
        if getattr(self, "descriptor", None) is not None:
            os.close(self.descriptor)  # type: ignore[arg-type]
